"""What a section of a page is made of: sentences, charts and tables, each with its text alternative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cell:
    """What stands in a table: text, the number it is sorted by, the model it names, a smaller line."""

    text: str
    number: float | None = None
    model: str | None = None
    below: str = ""

    @property
    def order(self) -> str:
        """The number as the page's script reads it."""
        return "" if self.number is None else str(float(self.number)).replace("inf", "Infinity")


@dataclass(frozen=True)
class Table:
    """A table of numbers that a reader can sort by each column.

    Parameters
    ----------
    caption : str
        What it tells, in a few words.
    heads : sequence of str
    rows : sequence of sequences of Cell
        The first cell of a row names it.
    folded : bool
        Whether only the caption shows until the reader opens it.
    """

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False

    def is_number(self, column: int) -> bool:
        """Whether the cells of a column are set in figures, to the right."""
        return any(row[column].number is not None for row in self.rows)


@dataclass(frozen=True)
class Chart:
    """A chart, the words that say what it shows, and its numbers.

    Parameters
    ----------
    key : str
        Its name in the page, unique there.
    title : str
    spec : mapping
        In Vega-Lite.
    words : str
        What one sees, for those who cannot.
    numbers : Table or None
        The numbers that are drawn, where a reader may want them.
    size : str
        ``"wide"``, ``"main"``, ``"half"`` or ``"small"``: how much of the page's width it takes.
    model : str or None
        The one model it shows, if it shows one.
    """

    key: str
    title: str
    spec: Mapping[str, Any]
    words: str
    numbers: Table | None = None
    size: str = "wide"
    model: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of a page: a title, sentences, charts, tables, and lines to be typed."""

    key: str
    title: str
    words: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    code: str = ""
