"""The lines of a text file that are rows: no comments, and empty lines where they are missing cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from densimeter.foundations.errors import DataError
from densimeter.tables.dialect import open_bytes
from densimeter.tables.table import Note, decision

if TYPE_CHECKING:
    from densimeter.tables.dialect import Dialect

_MARKED_LINE = re.compile(rb"(?:^|[\r\n])[ \t]*(?:#|%|//)")
_EMPTY_LINE = re.compile(rb"(?:^|\n|\r(?!\n))[ \t]*(?:\r\n|\n|\r)")
_BLOCK = 1 << 20


def has_other_lines(path: Path, dialect: Dialect) -> bool:
    """Whether anywhere in the file a line may be a comment, or the empty cell of a single column."""
    tail = b""
    with open_bytes(path) as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            text = tail + (block.replace(b"\0", b"") if dialect.encoding == "utf-16" else block)
            if _MARKED_LINE.search(text) or (dialect.n_columns == 1 and _EMPTY_LINE.search(text)):
                return True
            tail = text[-2:]
    return False


class TableLines(io.RawIOBase):
    """The rows of a text file as a stream of UTF-8 without names.

    Parameters
    ----------
    path : Path
    dialect : Dialect

    Attributes
    ----------
    n_rows, n_comments, n_empty, n_trailing : int
        Lines so far: rows in all, comments, empty ones that are missing cells, and empty ones at the end.
    """

    def __init__(self, path: Path, dialect: Dialect):
        super().__init__()
        self._path, self._dialect = path, dialect
        self._start()

    def restarted(self) -> io.BufferedReader:
        """A reader of the whole stream."""
        self._start()
        return io.BufferedReader(_Rewound(self), _BLOCK)

    def _start(self) -> None:
        self.n_rows = self.n_comments = self.n_empty = self.n_trailing = 0
        self._waiting, self._source = b"", self._blocks()

    def readable(self) -> bool:
        """A stream to read from."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fill as much of `buffer` as one block has."""
        if not self._waiting:
            self._waiting = next(self._source, b"")
        n = min(len(buffer), len(self._waiting))
        buffer[:n] = self._waiting[:n]
        self._waiting = self._waiting[n:]
        return n

    def notes(self) -> list[Note]:
        """What was left out of the stream, once it is read."""
        several = [
            (self.n_comments, "left out: {} that begin with #, % or //"),
            (self.n_empty, "{} between the rows of the only column are missing cells"),
            (self.n_trailing, "left out: {} at the end"),
        ]
        what = ("comment lines", "empty lines", "empty lines")
        return [
            decision(text.format(f"{n:,} {kind}" if n != 1 else f"1 {kind[:-1]}"))
            for (n, text), kind in zip(several, what, strict=True)
            if n
        ]

    def _blocks(self) -> Iterator[bytes]:
        lines = self._lines()
        while block := "".join(islice(lines, 4096)):
            yield block.encode("utf-8", "surrogateescape")

    def _lines(self) -> Iterator[str]:
        layout, alone = self._dialect.layout, self._dialect.n_columns == 1
        waiting, quoted = 0, False
        with text_lines(self._path, self._dialect) as lines:
            for number, line in enumerate(lines):
                if not quoted and layout.is_comment(line):
                    self.n_comments += 1
                elif number < layout.data_line:
                    if alone and layout.header and not line.strip() and number > self._first_line():
                        waiting += 1
                elif quoted or line.strip():
                    yield '""\n' * waiting
                    self.n_empty += waiting
                    self.n_rows += 1 + waiting
                    waiting, quoted = 0, quoted ^ (line.count('"') % 2 == 1)
                    yield self._spelt(line)
                elif alone:
                    waiting += 1
        if self.n_empty:
            yield '""\n' * waiting
            self.n_empty += waiting
        else:
            self.n_trailing = waiting

    def _first_line(self) -> int:
        """The line of the names of a single column, of which empty lines before it are no cells."""
        return self._dialect.layout.names_line

    def _spelt(self, line: str) -> str:
        return line if self._dialect.delimiter else " ".join(line.split()) + "\n"


class _Rewound(io.RawIOBase):
    """The stream of lines for a reader that closes what it has read."""

    def __init__(self, lines: TableLines):
        super().__init__()
        self._lines = lines

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._lines.readinto(buffer)


def text_lines(path: Path, dialect: Dialect) -> io.TextIOWrapper:
    """The file as text, line ends as they are; bytes that are no characters pass through."""
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    return io.TextIOWrapper(open_bytes(path), encoding, "surrogateescape", newline="")


def ragged_row(path: Path, dialect: Dialect) -> DataError | None:
    """The error for the first row that is not as long as the others; None if there is none."""
    if dialect.delimiter is None:
        return None
    n_rows = 0
    with text_lines(path, dialect) as lines:
        reader = csv.reader(
            (line for number, line in enumerate(lines) if number >= dialect.layout.data_line),
            delimiter=dialect.delimiter,
        )
        for cells in reader:
            if not cells or dialect.layout.is_comment(dialect.delimiter.join(cells)):
                continue
            n_rows += 1
            if len(cells) != dialect.n_columns:
                line = dialect.layout.data_line + reader.line_num
                found = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
                return DataError(
                    f"line {line:,} of {path} (row {n_rows:,}) has {found} where {dialect.n_columns} are "
                    f"expected: {dialect.delimiter.join(cells)[:60]!r}",
                    "mend the line; put cells that hold the delimiter in quotes, and # before comments",
                )
    return None
