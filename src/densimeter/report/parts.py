"""What a page is made of: parts, each with its formula, picture, figures and one paragraph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densimeter.foundations.estimates import Estimate
from densimeter.plotting.panels import Picture


@dataclass(frozen=True)
class Figure:
    """One computed number: what it is, its value, and how many digits of it to show."""

    label: str
    value: float | Estimate
    digits: int = 3
    unit: str = ""

    def shown(self) -> str:
        """The value as a reader sees it."""
        unit = f" {self.unit}" if self.unit else ""
        if isinstance(self.value, Estimate):
            estimate = self.value
            lower, value, upper = (
                _number(end, self.digits) for end in (estimate.lower, estimate.value, estimate.upper)
            )
            return (value if lower == upper else f"{value} [{lower}, {upper}]") + unit
        return _number(self.value, self.digits) + unit

    def plain(self) -> Any:
        """The value as JSON carries it."""
        if isinstance(self.value, Estimate):
            return self.value.to_dict()
        return self.value if math.isfinite(self.value) else None


@dataclass(frozen=True)
class Grid:
    """A small table of computed numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Part:
    """One part of a page.

    Parameters
    ----------
    key : str
        Its name in links and in JSON.
    title : str
    formulas : tuple of str
        In TeX.
    pictures : tuple of Picture
    figures : mapping of str to Figure
        Computed numbers by their name in JSON.
    reading : str
        One paragraph that says what one sees.
    grids : tuple of Grid
        Tables beside the figures.
    """

    key: str
    title: str
    formulas: tuple[str, ...]
    pictures: tuple[Picture, ...]
    figures: Mapping[str, Figure]
    reading: str
    grids: tuple[Grid, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "key": self.key,
            "title": self.title,
            "figures": {name: figure.plain() for name, figure in self.figures.items()},
        }


def _number(value: float, digits: int) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    size = abs(value)
    text = f"{value:,.{digits}f}" if size == 0 or 10.0**-digits <= size < 1e6 else f"{value:.2e}"
    return text.replace("-", "\N{MINUS SIGN}")
