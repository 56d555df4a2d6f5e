"""A table of numbers, ready for a model, with every decision that was taken on the way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class NoteKind(StrEnum):
    """Whether a note tells what was done, or what should worry the reader."""

    DECISION = "decision"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """One line about the data: a decision taken on them, or a warning."""

    kind: NoteKind
    text: str

    def __str__(self) -> str:
        return self.text


def decision(text: str) -> Note:
    """A note that tells what was done."""
    return Note(NoteKind.DECISION, text)


def warning(text: str) -> Note:
    """A note that should worry the reader."""
    return Note(NoteKind.WARNING, text)


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
    """

    rows: np.ndarray
    columns: tuple[str, ...]
    source: str
    notes: tuple[Note, ...] = ()
    originals: np.ndarray | None = None

    @property
    def identities(self) -> np.ndarray:
        """For each row a number that it shares with the rows equal to it, shape ``(n_samples,)``."""
        rows = self.rows if self.originals is None else self.originals
        # adding 0.0 makes -0.0 and 0.0 the same bytes; a row of bytes sorts faster than a row of numbers
        as_bytes = np.ascontiguousarray(rows + 0.0).view(np.dtype((np.void, rows.itemsize * rows.shape[1])))
        return np.unique(as_bytes.ravel(), return_inverse=True)[1].ravel()
