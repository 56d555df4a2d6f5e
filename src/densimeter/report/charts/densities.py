"""Densities over the rows: curves over a histogram for one column, contours over points for two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from densimeter.report.charts.contours import region_lines
from densimeter.report.charts.palette import IS_SHOWN, Palette
from densimeter.report.charts.style import FAINT, QUIET, drawn_from, specification, title_of
from densimeter.report.charts.views import View
from densimeter.report.numerals import short
from densimeter.report.wording import percent

MOST_BINS = 80


def curves_chart(view: View, palette: Palette, words: str, *, height: int = 340) -> dict[str, Any]:
    """Each model's density over the histogram of the rows."""
    (axis,), (name,) = view.axes, view.names
    x_title, y_title = title_of(name), "density"
    bars = drawn_from("bars").mark_rect(color=FAINT, aria=False)
    bars = bars.encode(
        x=alt.X("low:Q", title=x_title, scale=alt.Scale(domain=[axis[0], axis[-1]], nice=False)),
        x2="high:Q",
        y=alt.Y("density:Q", title=y_title),
        y2=alt.datum(0),
    )
    records = [
        {
            "model": model,
            "x": _digits(x),
            "density": _digits(value),
            "shown_x": short(x),
            "shown": short(value),
        }
        for model, density in view.densities.items()
        for x, value in zip(axis, density, strict=True)
    ]
    base = drawn_from("curves").transform_filter(IS_SHOWN)
    base = base.encode(
        x=alt.X("x:Q", title=x_title),
        y=alt.Y("density:Q", title=y_title),
        color=palette.colour(),
    )
    tooltip = [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip("shown_x:N", title=x_title),
        alt.Tooltip("shown:N", title=y_title),
    ]
    lines = base.mark_line(aria=False).encode(strokeDash=palette.dash())
    touch = base.mark_point(opacity=0, size=90, aria=False).encode(tooltip=tooltip)
    return specification(
        alt.layer(bars, lines, touch).add_params(palette.shown()),
        words,
        {"bars": _bars(view), "curves": records},
        height=height,
    )


def _bars(view: View) -> list[dict[str, Any]]:
    axis, rows = view.axes[0], view.rows[:, 0]
    inside = rows[(axis[0] <= rows) & (rows <= axis[-1])]
    edges = np.histogram_bin_edges(inside, "fd")
    if len(edges) - 1 > MOST_BINS:
        edges = np.linspace(edges[0], edges[-1], MOST_BINS + 1)
    counts, edges = np.histogram(inside, edges)
    heights = counts / (len(rows) * np.diff(edges))
    return [
        {"low": _digits(low), "high": _digits(high), "density": _digits(height)}
        for low, high, height in zip(edges[:-1], edges[1:], heights, strict=True)
    ]


def contours_chart(
    view: View, palette: Palette, words: str, shares: Sequence[float], *, height: int = 340
) -> dict[str, Any]:
    """Lines around each model's regions of highest density, over the rows as points."""
    x_axis, y_axis = view.axes
    x = alt.X("x:Q", title=title_of(view.names[0]), scale=_exactly(x_axis))
    y = alt.Y("y:Q", title=title_of(view.names[1]), scale=_exactly(y_axis))
    places = [{"x": _digits(a), "y": _digits(b)} for a, b in view.points]
    points = drawn_from("points").mark_point(color=QUIET, size=12, opacity=0.55, aria=False).encode(x=x, y=y)
    lines = (
        drawn_from("lines")
        .transform_filter(IS_SHOWN)
        .mark_line(strokeWidth=1.6, aria=False, clip=True)
        .encode(
            x=x,
            y=y,
            order="place:Q",
            detail="line:N",
            color=palette.colour(),
            tooltip=[alt.Tooltip("model:N", title="model"), alt.Tooltip("share:N", title="holds")],
        )
    )
    if len(view.densities) > 1:
        lines = lines.encode(strokeDash=palette.dash())
    return specification(
        alt.layer(points, lines).add_params(palette.shown()),
        words,
        {"points": places, "lines": _line_records(view, shares)},
        height=height,
    )


def _line_records(view: View, shares: Sequence[float]) -> list[dict[str, Any]]:
    records, n_lines = [], 0
    x_axis, y_axis = view.axes
    for model, density in view.densities.items():
        for share, line in region_lines(x_axis, y_axis, density, shares):
            n_lines += 1
            told = {"model": model, "share": f"{percent(share)} of its mass", "line": n_lines}
            records += [
                {**told, "place": place, "x": _digits(a), "y": _digits(b)}
                for place, (a, b) in enumerate(line)
            ]
    return records


def _exactly(axis: np.ndarray) -> alt.Scale:
    return alt.Scale(domain=[_digits(axis[0]), _digits(axis[-1])], nice=False, zero=False)


def _digits(value: float) -> float:
    """As many as a picture can show."""
    return float(f"{value:.4g}")
