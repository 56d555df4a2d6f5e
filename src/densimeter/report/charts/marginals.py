"""One column of the rows against the same column of each model's samples, as histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from densimeter.report.charts.palette import IS_SHOWN, Palette
from densimeter.report.charts.style import FAINT, drawn_from, specification, title_of
from densimeter.report.numerals import short


def marginal_chart(
    fits: Mapping[str, Any], palette: Palette, words: str, *, height: int = 220
) -> dict[str, Any]:
    """Bars for the rows, a stepped line for each model; all fits are of one column and share their bins."""
    first = next(iter(fits.values()))
    edges = [float(f"{edge:.5g}") for edge in first.edges]
    bars = [
        {"low": low, "high": high, "y": float(f"{density:.4g}")}
        for low, high, density in zip(edges[:-1], edges[1:], first.row_density, strict=True)
    ]
    steps = [
        {"model": name, "x": x, "y": float(f"{density:.4g}"), "shown_x": short(x), "shown_y": short(density)}
        for name, fit in fits.items()
        for x, density in zip(edges, [*fit.sample_density, fit.sample_density[-1]], strict=True)
    ]
    x_title = title_of(first.name)
    x = alt.X("low:Q", title=x_title, scale=alt.Scale(domain=[edges[0], edges[-1]], nice=False))
    rows = (
        drawn_from("bars")
        .mark_rect(color=FAINT, aria=False)
        .encode(x=x, x2="high:Q", y=alt.Y("y:Q", title="density"), y2=alt.datum(0))
    )
    tooltip = [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip("shown_x:N", title="from"),
        alt.Tooltip("shown_y:N", title="density"),
    ]
    base = drawn_from("steps").transform_filter(IS_SHOWN)
    base = base.encode(x=alt.X("x:Q", title=x_title), y=alt.Y("y:Q", title="density"), color=palette.colour())
    lines = base.mark_line(interpolate="step-after", strokeWidth=1.6, aria=False)
    lines = lines.encode(strokeDash=palette.dash())
    touch = base.mark_point(opacity=0, size=70, aria=False).encode(tooltip=tooltip)
    chart = alt.layer(rows, lines, touch).add_params(palette.shown())
    return specification(chart, words, {"bars": bars, "steps": steps}, height=height)
