"""How far the share of rows found at each level lies from the level, with the band of a right model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from densimeter.report.charts.palette import IS_SHOWN, Palette
from densimeter.report.charts.style import QUIET, drawn_from, specification
from densimeter.report.numerals import fixed

X_TITLE, Y_TITLE = "nominal level", "share of rows − level"


def calibration_chart(
    curves: Mapping[str, Any], palette: Palette, words: str, *, height: int = 240
) -> dict[str, Any]:
    """A curve for each model; each has ``nominal``, ``actual`` and ``band`` as a calibration has."""
    rows = [
        {
            "model": name,
            "x": round(float(nominal), 4),
            "y": round(float(actual - nominal), 4),
            "shown_x": fixed(float(nominal), 2),
            "shown_y": fixed(float(actual), 3),
        }
        for name, curve in curves.items()
        for nominal, actual in zip(curve.nominal, curve.actual, strict=True)
    ]
    band = max(curve.band for curve in curves.values())
    x, y = alt.X("x:Q", title=X_TITLE), alt.Y("y:Q", title=Y_TITLE)
    shade = (
        drawn_from("band")
        .mark_rect(color=QUIET, opacity=0.2, aria=False)
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
    )
    tooltip = [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip("shown_x:N", title="level"),
        alt.Tooltip("shown_y:N", title="share of rows"),
    ]
    base = drawn_from("curves").transform_filter(IS_SHOWN).encode(x=x, y=y, color=palette.colour())
    lines = base.mark_line(aria=False).encode(strokeDash=palette.dash())
    touch = base.mark_point(opacity=0, size=90, aria=False).encode(tooltip=tooltip)
    chart = alt.layer(shade, lines, touch).add_params(palette.shown())
    right = [{"x": 0, "x2": 1, "y": -band, "y2": band}]
    return specification(chart, words, {"curves": rows, "band": right}, height=height)
