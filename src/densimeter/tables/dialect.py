"""How a file of delimited text is written: its encoding, delimiter, header and decimal mark."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from densimeter.tables.numerals import is_missing, number_in

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
    """

    encoding: str
    delimiter: str | None
    header: tuple[str, ...] | None
    n_columns: int
    decimal_point: str


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
    delimiter = _delimiter_of(text)
    rows = _rows(text, delimiter)
    first, rest = (rows[0], rows[1:]) if rows else ([], [])
    decimal_point = _decimal_point(rest or rows, delimiter)
    return Dialect(encoding, delimiter, _header(first, decimal_point), len(first), decimal_point)


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
    splits = {mark: rows for mark in _DELIMITERS if (rows := _rows(text, mark)) and len(rows[0]) > 1}
    if splits:
        return max(splits, key=lambda mark: _plausibility(splits[mark], mark))
    words = _rows(text, None)
    width = len(words[0]) if words else 0
    spaced = width > 1 and all(len(row) == width for row in words)
    numeric = all(number_in(cell) is not None for row in words[1:] for cell in row)
    return None if spaced and numeric else ","


def _plausibility(rows: Cells, delimiter: str) -> tuple[float, float]:
    width = len(rows[0])
    full = [row for row in rows if len(row) == width]
    body = [cell for row in full[1:] or full for cell in row]
    numbers = sum(number_in(cell) is not None or _has_decimal_comma(cell, delimiter) for cell in body)
    return len(full) / len(rows), numbers / len(body)


def _has_decimal_comma(cell: str, delimiter: str | None) -> bool:
    comma = delimiter != "," and cell.count(",") == 1 and "." not in cell
    return comma and number_in(cell.replace(",", ".")) is not None


def _decimal_point(rows: Cells, delimiter: str | None) -> str:
    """A comma where the cells say so beyond doubt: 1,234 may also be a thousand and something."""
    cells = [cell for row in rows for cell in row]
    with_comma = [cell for cell in cells if _has_decimal_comma(cell, delimiter)]
    with_point = any("." in cell and number_in(cell) is not None for cell in cells)
    if not with_comma or with_point:
        return "."
    grouped = all(len(cell.split(",")[1]) == 3 for cell in with_comma)
    return "." if grouped and delimiter != ";" else ","


def _header(first: Sequence[str], decimal_point: str) -> tuple[str, ...] | None:
    """The names in the first line, unless it is a row of numbers and missing cells."""
    numbers = [number_in(cell.replace(decimal_point, ".")) is not None for cell in first]
    blank = [is_missing(cell) for cell in first]
    if any(number and not none for number, none in zip(numbers, blank, strict=True)) and all(numbers):
        return None
    return tuple(first)
