"""Where the rows stand in a text file: below titles, comments and units, between comments and empty lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from densimeter.tables.numerals import is_missing, number_in

COMMENT_MARKS = ("#", "%", "//")
"""What a line begins with that is no row."""

_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
"""How spreadsheets announce the delimiter in a first line of its own."""

_MOST_UNIT_LINES = 2


@dataclass(frozen=True)
class Layout:
    """What of a text file is no row of the table.

    Parameters
    ----------
    delimiter : str or None
        By which comments are told from rows.
    n_columns : int
    header : tuple of str or None
        The names, or None if no line holds them.
    names_line, data_line : int
        The line of the names, or of the first row, from 0; how many lines stand before the first row.
    is_plain : bool
        Whether nothing but empty lines stands beside names and rows.
    notes : tuple of str
        What was left out, except comments and empty lines further on.
    """

    delimiter: str | None
    n_columns: int
    header: tuple[str, ...] | None
    names_line: int
    data_line: int
    is_plain: bool
    notes: tuple[str, ...]

    def is_comment(self, line: str) -> bool:
        """Whether a line is a comment: it begins with a mark, and is no row with a word in its first cell."""
        return is_comment(line, self.delimiter, self.n_columns)


def split_line(line: str, delimiter: str | None) -> list[str]:
    """The cells of one line, stripped."""
    if delimiter is None:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])]


def announced_delimiter(text: str) -> str | None:
    """The delimiter that a first line ``sep=;`` announces."""
    found = _SEPARATOR_LINE.fullmatch(text.lstrip("\ufeff").split("\n", 1)[0].strip('\r "'))
    return found[1] if found else None


def without_marked_lines(text: str) -> str:
    """The text less the line that announces a delimiter and all that may be comments."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith(COMMENT_MARKS)]
    kept = kept[1:] if announced_delimiter(text) and kept else kept
    return "".join(kept) if any(line.strip() for line in kept) else text


def is_comment(line: str, delimiter: str | None, n_columns: int) -> bool:
    """Whether a line is a comment and no row whose first cell begins with such a mark."""
    line = line.strip()
    if not line.startswith(COMMENT_MARKS):
        return False
    cells = split_line(line, delimiter)
    if is_missing(cells[0]):  # '#N/A'
        return False
    if len(cells) != n_columns or n_columns == 1:
        return True
    is_word = number_in(cells[0].lstrip("#%/ ")) is None
    return not (is_word and any(number_in(cell) is not None for cell in cells[1:]))


def layout_of(text: str, delimiter: str | None) -> Layout:
    """Where the rows stand in a text whose first lines these are."""
    records = list(_records(text, delimiter))
    widths = Counter(len(cells) for _, cells in records if not _is_marked(cells))
    width = max(widths, key=lambda n: (widths[n], n)) if widths else 1
    table = [(line, cells) for line, cells in records if not _is_comment_record(cells, delimiter, width)]
    comments = [(line, cells) for line, cells in records if _is_comment_record(cells, delimiter, width)]
    notes = []
    if announced_delimiter(text) and table and table[0][1][0].lower().startswith("sep"):
        table = table[1:]
        notes.append(f"the first line announces the delimiter {delimiter!r}")
    n_titles = _title_lines(table, width)
    notes += [f"line {line + 1} left out: a title, {_shown(cells)}" for line, cells in table[:n_titles]]
    table = table[n_titles:]
    names_line = table[0][0] if table else 0
    n_rows_of_names, header = _names(table, comments, delimiter, width)
    table = table[n_rows_of_names:]
    n_units = _unit_lines(table) if header is not None else 0
    notes += [f"line {line + 1} left out: {_shown(cells)} are units" for line, cells in table[:n_units]]
    table = table[n_units:]
    data_line = table[0][0] if table else text.count("\n") + text.count("\r")
    return Layout(
        delimiter,
        len(header or [*table, (0, [])][0][1]),
        header,
        names_line,
        data_line,
        not notes and not comments,
        tuple(notes),
    )


def _names(
    table: list[tuple[int, list[str]]],
    comments: list[tuple[int, list[str]]],
    delimiter: str | None,
    width: int,
) -> tuple[int, tuple[str, ...] | None]:
    """How many rows hold the names, and these; from a comment just above the rows where no row has them."""
    if not table:
        return 0, None
    first_line, first = table[0]
    if not _all_numbers(first):
        return 1, tuple(first)
    before = [cells for line, cells in comments if line < first_line]
    return 0, _names_in_comment(before[-1], delimiter, width) if before else None


def _records(text: str, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its first line, from 0."""
    if delimiter is None:
        yield from ((i, line.split()) for i, line in enumerate(text.splitlines()) if line.strip())
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 0
    for row in reader:
        if any(cell.strip() for cell in row) or len(row) > 1:
            yield line, [cell.strip() for cell in row]
        line = reader.line_num


def _is_marked(cells: list[str]) -> bool:
    return cells[0].startswith(COMMENT_MARKS)


def _is_comment_record(cells: list[str], delimiter: str | None, width: int) -> bool:
    if not _is_marked(cells):
        return False
    joined = io.StringIO()
    csv.writer(joined, delimiter=delimiter or " ", lineterminator="").writerow(cells)
    return is_comment(joined.getvalue().strip('"'), delimiter, width)


def _title_lines(table: list[tuple[int, list[str]]], width: int) -> int:
    """How many lines at the top are titles: alone in their line, or shorter than the line of names below."""
    rows = [cells for _, cells in table]
    first_full = next((i for i, cells in enumerate(rows) if len(cells) == width), 0)
    if width == 1 or first_full >= len(rows) - 1 or (first_full and _has_number(rows[first_full])):
        return 0
    while width > 2 and first_full < len(rows) - 2 and _is_padded_title(rows[first_full : first_full + 2]):
        first_full += 1
    return first_full


def _is_padded_title(rows: list[list[str]]) -> bool:
    """A single cell in a line as wide as the table, as spreadsheets write a title, above a line of names."""
    title, below = ([cell for cell in cells if cell] for cells in rows)
    return len(title) == 1 and len(below) > 1 and not _has_number(title) and not _has_number(below)


def _unit_lines(table: list[tuple[int, list[str]]]) -> int:
    """How many lines below the names hold words alone, while every column has numbers below them."""
    for n in range(min(_MOST_UNIT_LINES, len(table) - 1), 0, -1):
        words, below = [cells for _, cells in table[:n]], table[n][1]
        if all(map(_is_units, words)) and len(below) == len(words[0]) and _all_numbers(below):
            return n
    return 0


def _is_units(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell not in ("", "-")]
    if len(cells) == 1:
        return bool(filled) and filled[0][0] in "[(" and filled[0][-1] in ")]"
    return bool(filled) and not any(is_missing(cell) or _is_number(cell) for cell in filled)


def _names_in_comment(cells: list[str], delimiter: str | None, width: int) -> tuple[str, ...] | None:
    """The names in the last comment above the rows, as numpy.savetxt writes them."""
    line = (delimiter or " ").join(cells).lstrip("#%/ ")
    names = split_line(line, delimiter)
    fits = len(names) == width and all(names) and not _has_number(names)
    return tuple(names) if fits else None


def _has_number(cells: list[str]) -> bool:
    return any(_is_number(cell) for cell in cells)


def _all_numbers(cells: list[str]) -> bool:
    return all(is_missing(cell) or _is_number(cell) for cell in cells) and _has_number(cells)


def _is_number(cell: str) -> bool:
    return not is_missing(cell) and number_in(cell.replace(",", ".")) is not None


def _shown(cells: list[str], longest: int = 60) -> str:
    text = ", ".join(cell for cell in cells if cell)
    return repr(text if len(text) <= longest else text[: longest - 1] + "…")
