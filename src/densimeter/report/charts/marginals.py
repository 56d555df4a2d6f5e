"""One column of the rows against the same column of each model's samples, as histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from densimeter.report.charts.curves import model_curves
from densimeter.report.charts.palette import Palette
from densimeter.report.charts.style import FAINT, drawn_from, resolved, specification, title_of


def marginal_chart(
    fits: Mapping[str, Any], palette: Palette, words: str, *, height: int = 220
) -> dict[str, Any]:
    """Bars for the rows, a stepped line for each model; all fits are of one column and share their bins."""
    first = next(iter(fits.values()))
    edges, heights = resolved(first.edges), resolved(first.row_density)
    bars = [
        {"low": low, "high": high, "y": height}
        for low, high, height in zip(edges[:-1], edges[1:], heights, strict=True)
    ]
    x_title, y_title = title_of(first.name), "density"
    scale = alt.Scale(domain=[edges[0], edges[-1]], nice=False)
    rows = (
        drawn_from("bars")
        .mark_rect(color=FAINT, aria=False)
        .encode(
            x=alt.X("low:Q", title=x_title, scale=scale),
            x2="high:Q",
            y=alt.Y("y:Q", title=y_title),
            y2=alt.datum(0),
        )
    )
    steps = {
        name: (fit.edges, np.append(fit.sample_density, fit.sample_density[-1])) for name, fit in fits.items()
    }
    layers, curves = model_curves(steps, palette, x_title, y_title, "step-after")
    chart = alt.layer(rows, *layers).add_params(palette.shown())
    return specification(chart, words, {"bars": bars, "curves": curves}, height=height)
