"""A table of numbers, ready for a model, with every decision that was taken on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import pyarrow as pa

from densimeter.foundations.display import clean_name, printable
from densimeter.tables.marks import Marks


class NoteKind(StrEnum):
    """Whether a note tells what was done, or what should worry the reader."""

    DECISION = "decision"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """One line about the data: a decision taken on them, or a warning."""

    kind: NoteKind
    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise TypeError(f"a note is a sentence, got {self.text!r}")
        object.__setattr__(self, "text", " ".join(self.text.splitlines()))

    def __str__(self) -> str:
        return self.text


def decision(text: str) -> Note:
    """A note that tells what was done."""
    return Note(NoteKind.DECISION, text)


def warning(text: str) -> Note:
    """A note that should worry the reader."""
    return Note(NoteKind.WARNING, text)


@dataclass(frozen=True)
class RawTable:
    """Cells as they were found: Arrow columns of any type, their source, and what was decided in reading."""

    cells: pa.Table
    source: str
    notes: tuple[Note, ...] = ()
    marks: Mapping[str, Marks] = field(default_factory=dict)
    """How the numbers of a column are written, for text that is no number."""

    def with_clean_names(self) -> RawTable:
        """The same table with names without line ends, tabs and control characters, and a note on each."""
        names = self.cells.column_names
        clean = [clean_name(name) for name in names]
        notes = [
            decision(f"column '{printable(old)}' is called {new!r}: a name holds no control characters")
            for old, new in zip(names, clean, strict=True)
            if old != new
        ]
        if not notes:
            return self
        renamed = dict(zip(names, clean, strict=True))
        marks = {renamed[name]: found for name, found in self.marks.items()}
        return RawTable(self.cells.rename_columns(clean), self.source, (*self.notes, *notes), marks)


@dataclass(frozen=True)
class Table:
    """Finite numbers in named columns.

    Parameters
    ----------
    rows : array of shape (n_samples, n_features)
        float64, finite, in the units of the source.
    columns : tuple of str
        Names, one a column.
    source : str
        Where the rows came from, as the user would name it.
    notes : tuple of Note
        What was decided, and what to beware of, in the order it happened.
    originals : array of shape (n_samples, n_features) or None
        The rows before noise was added to them (dequantisation), by which duplicates are told.
    row_numbers : array of shape (n_samples,) or None
        The place of each row in the source, from 0, where rows were left out; None where none was.
    groups, times : array of shape (n_samples,) or None
        For each row the number of its group, and its place in time, where the user named such columns.
    """

    rows: np.ndarray
    columns: tuple[str, ...]
    source: str
    notes: tuple[Note, ...] = ()
    originals: np.ndarray | None = None
    row_numbers: np.ndarray | None = None
    groups: np.ndarray | None = None
    times: np.ndarray | None = None

    def numbers_of(self, rows: np.ndarray) -> np.ndarray:
        """The places in the source of the rows with these indices."""
        return rows if self.row_numbers is None else self.row_numbers[rows]

    @cached_property
    def identities(self) -> np.ndarray:
        """For each row a number that it shares with the rows equal to it, shape ``(n_samples,)``."""
        return row_identities(self.rows if self.originals is None else self.originals)


def row_identities(rows: np.ndarray) -> np.ndarray:
    """A number for each row, equal for equal rows and only for them; -0.0 equals 0.0.

    Rows are told apart by a 64-bit hash of their bits, which sorts ten times faster than they do. Should two
    different rows ever share a hash, the rows themselves are sorted.

    Examples
    --------
    >>> first, second, third = row_identities(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0]]))
    >>> bool(first == third), bool(first == second)
    (True, False)
    """
    bits = np.ascontiguousarray(rows + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    hashes = _hashed(bits)
    if (np.diff(np.sort(hashes)) > 0).all():  # no row twice: the common case, and a sort without an index
        return np.arange(len(rows))
    _, first, identities = np.unique(hashes, return_index=True, return_inverse=True)
    if not np.array_equal(bits[first][identities], bits):
        identities = np.unique(bits, axis=0, return_inverse=True)[1]
    return identities


def _hashed(bits: np.ndarray) -> np.ndarray:
    """One 64-bit word a row, by the finaliser of SplitMix64 (Steele, Lea and Flood, 2014) on each column."""
    mixed = np.zeros(len(bits), np.uint64)
    for column in bits.T:
        mixed = (mixed ^ column) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed
