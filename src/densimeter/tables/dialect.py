"""How a file of delimited text is written: its encoding, delimiter, header and decimal mark."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

from densimeter.tables.layout import Layout, announced_delimiter, layout_of, without_marked_lines
from densimeter.tables.marks import is_surely_decimal, may_be_thousands
from densimeter.tables.numerals import number_in

_DELIMITERS = ",;\t|"

_SAMPLE_BYTES = 1 << 16

_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Cells = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Dialect:
    """The way a text file spells a table.

    Parameters
    ----------
    encoding : str
        As Python names it.
    delimiter : str or None
        One character, or None for runs of blanks.
    header : tuple of str or None
        The names in the first line, or None if it holds numbers.
    n_columns : int
    decimal_point : str
        ``"."`` or ``","``.
    layout : Layout
        Where the rows stand.
    may_part_thousands : bool
        Whether a mark in these lines may be one of thousands, which the whole column must tell.
    """

    encoding: str
    delimiter: str | None
    header: tuple[str, ...] | None
    n_columns: int
    decimal_point: str
    layout: Layout
    may_part_thousands: bool


def is_compressed(path: Path) -> bool:
    """Whether the name says that the file is compressed by gzip."""
    return path.suffix.lower() == ".gz"


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, decompressed if its name ends in .gz."""
    return gzip.open(path, "rb") if is_compressed(path) else path.open("rb")  # type: ignore[return-value]


def dialect_of(path: Path) -> Dialect:
    """The dialect in which the first lines of a file make most sense."""
    encoding = _encoding_of(path)
    text = _sample(path, encoding)
    delimiter = announced_delimiter(text) or _delimiter_of(without_marked_lines(text))
    layout = layout_of(text, delimiter)
    lines = [
        line for line in text.splitlines(keepends=True)[layout.data_line :] if not layout.is_comment(line)
    ]
    columns = list(zip_longest(*_rows("".join(lines), delimiter), fillvalue=""))
    decimal_point = _decimal_point(columns, delimiter)
    parts_thousands = any(may_be_thousands(cells, mark) for cells in columns for mark in ".,")
    return Dialect(
        encoding, delimiter, layout.header, layout.n_columns, decimal_point, layout, parts_thousands
    )


def _encoding_of(path: Path) -> str:
    with open_bytes(path) as file:
        start = file.read(1 << 20)
    if start.startswith(_UTF_16_MARKS):
        return "utf-16"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as problem:
        # a character cut at the end of the sample is no sign of another encoding
        return "utf-8" if problem.start >= len(start) - 3 else "latin-1"
    return "utf-8"


def _sample(path: Path, encoding: str) -> str:
    """The first lines, without the last if the sample may have cut it."""
    with open_bytes(path) as file:
        raw = file.read(_SAMPLE_BYTES)
    text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
    if len(raw) < _SAMPLE_BYTES or "\n" not in text:
        return text
    return text[: text.rindex("\n") + 1]


def _rows(text: str, delimiter: str | None) -> list[list[str]]:
    if delimiter is None:
        return [cells for line in text.splitlines() if (cells := line.split())]
    # newline="" keeps the line ends inside quoted cells as they are
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [[cell.strip() for cell in row] for row in rows if row]


def _delimiter_of(text: str) -> str | None:
    """The delimiter that makes rows of equal length and as many numbers as can be."""
    splits = {mark: rows for mark in _DELIMITERS if (rows := _rows(text, mark)) and _width(rows) > 1}
    if splits:
        return max(splits, key=lambda mark: _plausibility(splits[mark], mark))
    words = _rows(text, None)
    width = len(words[0]) if words else 0
    spaced = width > 1 and all(len(row) == width for row in words)
    numeric = all(number_in(cell) is not None for row in words[1:] for cell in row)
    return None if spaced and numeric else ","


def _width(rows: Cells) -> int:
    """The commonest length of a row, the first's among equals: titles and footers have another."""
    return Counter(map(len, rows)).most_common(1)[0][0]


def _plausibility(rows: Cells, delimiter: str) -> tuple[float, float]:
    width = _width(rows)
    full = [row for row in rows if len(row) == width]
    body = [cell for row in full[1:] or full for cell in row]
    numbers = sum(number_in(cell) is not None or _has_comma(cell, delimiter) for cell in body)
    return len(full) / len(rows), numbers / len(body)


def _has_comma(cell: str, delimiter: str | None) -> bool:
    return delimiter != "," and "," in cell and number_in(cell.replace(".", "").replace(",", "")) is not None


def _decimal_point(columns: Sequence[Sequence[str]], delimiter: str | None) -> str:
    """A comma where the cells say so beyond doubt, or semicolons part them and nothing is against it."""
    cells = [cell for column in columns for cell in column]
    with_point = any(is_surely_decimal(cell, ".") for cell in cells)
    if with_point or any(is_surely_decimal(cell, ",") for cell in cells):
        return "." if with_point else ","
    if delimiter != ";" or any(may_be_thousands(column, ",") for column in columns):
        return "."
    return "," if any(_has_comma(cell, delimiter) for cell in cells) else "."
