"""Densities over the rows: curves over a histogram for one column, contours over points for two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from densimeter.report.charts.contours import region_lines
from densimeter.report.charts.curves import model_curves
from densimeter.report.charts.palette import IS_SHOWN, Palette
from densimeter.report.charts.style import FAINT, QUIET, drawn_from, resolved, specification, title_of
from densimeter.report.charts.views import View
from densimeter.report.wording import percent

FEWEST_BINS, MOST_BINS = 10, 80


def curves_chart(view: View, palette: Palette, words: str, *, height: int = 340) -> dict[str, Any]:
    """Each model's density over the histogram of the rows."""
    (axis,), (name,) = view.axes, view.names
    x_title, y_title = title_of(name), "density"
    bars = (
        drawn_from("bars")
        .mark_rect(color=FAINT, aria=False)
        .encode(
            x=alt.X("low:Q", title=x_title, scale=_exactly(axis)),
            x2="high:Q",
            y=alt.Y("density:Q", title=y_title),
            y2=alt.datum(0),
        )
    )
    curves = {model: (axis, density) for model, density in view.densities.items()}
    layers, rows = model_curves(curves, palette, x_title, y_title)
    chart = alt.layer(bars, *layers).add_params(palette.shown())
    return specification(chart, words, {"bars": _bars(view), "curves": rows}, height=height)


def _bars(view: View) -> list[dict[str, Any]]:
    axis, rows = view.axes[0], view.rows[:, 0]
    inside = rows[(axis[0] <= rows) & (rows <= axis[-1])]
    counts, edges = np.histogram(inside, _number_of_bins(inside))
    places, heights = resolved(edges), resolved(counts / (len(rows) * np.diff(edges)))
    return [
        {"low": low, "high": high, "density": height}
        for low, high, height in zip(places[:-1], places[1:], heights, strict=True)
    ]


def _number_of_bins(column: np.ndarray) -> int:
    """By the rule of Freedman and Diaconis, at least the root of the rows, within what a picture can show.

    That rule alone is for a single hill: of two hills far apart it makes a few wide bars.
    """
    low, high = np.quantile(column, [0.25, 0.75])
    width = 2 * (high - low) / len(column) ** (1 / 3)
    by_width = np.ptp(column) / width if width > 0 else 0.0
    return int(np.clip(max(by_width, np.sqrt(len(column))), FEWEST_BINS, MOST_BINS))


def contours_chart(
    view: View, palette: Palette, words: str, shares: Sequence[float], *, height: int = 340
) -> dict[str, Any]:
    """Lines around each model's regions of highest density, over the rows as points."""
    x_axis, y_axis = view.axes
    x = alt.X("x:Q", title=title_of(view.names[0]), scale=_exactly(x_axis))
    y = alt.Y("y:Q", title=title_of(view.names[1]), scale=_exactly(y_axis))
    points = (
        drawn_from("points")
        .transform_flatten(["x", "y"])
        .mark_point(color=QUIET, size=12, opacity=0.55, aria=False)
        .encode(x=x, y=y)
    )
    lines = (
        drawn_from("lines")
        .transform_filter(IS_SHOWN)
        .transform_flatten(["x", "y", "place"])
        .mark_line(strokeWidth=1.6, aria=False, clip=True)
        .encode(
            x=x,
            y=y,
            order="place:Q",
            detail="line:N",
            color=palette.colour(),
            tooltip=[alt.Tooltip("name:N", title="model"), alt.Tooltip("share:N", title="holds")],
        )
    )
    if len(view.densities) > 1:
        lines = lines.encode(strokeDash=palette.dash())
    places = [{"x": resolved(view.points[:, 0], x_axis), "y": resolved(view.points[:, 1], y_axis)}]
    chart = alt.layer(points, lines).add_params(palette.shown())
    return specification(
        chart, words, {"points": places, "lines": _lines(view, palette, shares)}, height=height
    )


def _lines(view: View, palette: Palette, shares: Sequence[float]) -> list[dict[str, Any]]:
    x_axis, y_axis = view.axes
    found = [
        (model, share, line)
        for model, density in view.densities.items()
        for share, line in region_lines(x_axis, y_axis, density, shares)
    ]
    return [
        {
            "model": palette.key(model),
            "name": model,
            "share": f"{percent(share)} of its mass",
            "line": number,
            "x": resolved(line[:, 0], x_axis),
            "y": resolved(line[:, 1], y_axis),
            "place": list(range(len(line))),
        }
        for number, (model, share, line) in enumerate(found)
    ]


def _exactly(axis: np.ndarray) -> alt.Scale:
    return alt.Scale(domain=[float(axis[0]), float(axis[-1])], nice=False, zero=False)
