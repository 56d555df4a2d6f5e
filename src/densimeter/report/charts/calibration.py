"""How far the share of rows found at each level lies from the level, with the band of a right model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from densimeter.report.charts.curves import model_curves
from densimeter.report.charts.palette import Palette
from densimeter.report.charts.style import QUIET, drawn_from, specification

X_TITLE, Y_TITLE = "nominal level", "share of rows − level"


def calibration_chart(
    curves: Mapping[str, Any], palette: Palette, words: str, *, height: int = 240
) -> dict[str, Any]:
    """A curve for each model; each has ``nominal``, ``actual`` and ``band`` as a calibration has."""
    band = max(curve.band for curve in curves.values())
    shade = (
        drawn_from("band")
        .mark_rect(color=QUIET, opacity=0.2, aria=False)
        .encode(x="low:Q", x2="high:Q", y="below:Q", y2="above:Q")
    )
    deviations = {name: (curve.nominal, curve.actual - curve.nominal) for name, curve in curves.items()}
    layers, rows = model_curves(deviations, palette, X_TITLE, Y_TITLE)
    chart = alt.layer(shade, *layers).add_params(palette.shown())
    right = [{"low": 0, "high": 1, "below": -band, "above": band}]
    return specification(chart, words, {"curves": rows, "band": right}, height=height)
