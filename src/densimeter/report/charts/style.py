"""The look of every chart: the page's own colours, which follow light and dark, and small plain axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from densimeter.foundations.display import clean_name

INK, SOFT, QUIET, FAINT = "var(--ink)", "var(--soft)", "var(--quiet)", "var(--faint)"

FONT = "Helvetica Neue, Helvetica, Arial, DejaVu Sans, sans-serif"
"""By name, since browsers measure text before they know the page's variables."""

RESOLUTION = 3
"""Decimals of a number as wide as the picture's span."""
MOST_DECIMALS = 300
"""Ten to this is still a number."""

_AXIS = {
    "domainColor": QUIET,
    "tickColor": QUIET,
    "gridColor": FAINT,
    "labelColor": SOFT,
    "titleColor": SOFT,
    "labelFont": FONT,
    "titleFont": FONT,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "titlePadding": 8,
    "tickSize": 4,
    "labelOverlap": True,
}


INHERITED = {
    *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
    *("valueOf", "__proto__"),
    *("__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
}
"""What every object of JavaScript has."""

Rows = Sequence[Mapping[str, Any]]
"""What is drawn: one mapping of fields to values for each mark."""


def drawn_from(name: str) -> alt.Chart:
    """A chart of the rows that `specification` is given under this name."""
    return alt.Chart(alt.NamedData(name))


def specification(chart: Any, words: str, rows: Mapping[str, Rows], *, height: int = 300) -> dict[str, Any]:
    """The chart in Vega-Lite, as wide as the page lets it, with its words for screen readers.

    The rows are put in at the end: Altair would copy and check every one of them many times.
    """
    styled = chart.properties(
        width="container",
        height=height,
        description=words,
        background="transparent",
        padding=2,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    ).configure(
        font=FONT,
        axis=_AXIS,
        view={"stroke": None},
        point={"filled": True, "size": 60},
        line={"strokeWidth": 2},
    )
    told = {**styled.to_dict(), "datasets": {name: list(some) for name, some in rows.items()}}
    return _readable(told)


def _readable(told: Any) -> Any:
    """The same without characters that JSON, XML or an axis cannot carry."""
    if isinstance(told, str):
        return clean_name(told)
    if isinstance(told, Mapping):
        return {name: _readable(one) for name, one in told.items()}
    if isinstance(told, list) and told and not isinstance(told[0], float):
        return [_readable(one) for one in told]
    return told


def resolved(values: np.ndarray, axis: np.ndarray | None = None) -> list[float]:
    """Values to a few thousandths of a picture's width, which nobody sees and which makes a page small.

    Examples
    --------
    >>> resolved(np.array([1013.2468, 1019.8642]))
    [1013.247, 1019.864]
    """
    span = float(np.ptp(values if axis is None else axis)) or float(np.abs(values).max()) or 1.0
    decimals = min(RESOLUTION - math.floor(math.log10(span)), MOST_DECIMALS)
    return np.round(np.asarray(values, np.float64), decimals).tolist()


def title_of(text: str) -> Any:
    """A column's name as an axis title, cut where it would not fit.

    Vega looks titles up in an object, where names such as ``valueOf`` are found though nobody put them there;
    with a blank behind them they are not.
    """
    if text in INHERITED:
        return f"{text} "
    return text if len(text) <= 40 else text[:39] + "…"
