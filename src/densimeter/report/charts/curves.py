"""A curve for each model, whose values are told under the pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import altair as alt
import numpy as np

from densimeter.report.charts.palette import IS_SHOWN, Palette
from densimeter.report.charts.style import drawn_from, resolved

Curve = tuple[np.ndarray, np.ndarray]
"""Where, and how high; both of shape (n_points,)."""

DIGITS = ".4~g"


def model_curves(
    curves: Mapping[str, Curve],
    palette: Palette,
    x_title: str,
    y_title: str,
    interpolate: Literal["linear", "step-after"] = "linear",
) -> tuple[list[alt.Chart], list[dict[str, Any]]]:
    """Lines with unseen points to touch, as layers of a chart, and its rows under the name ``curves``."""
    rows = [
        {"model": palette.key(name), "name": name, "x": resolved(x), "y": resolved(y)}
        for name, (x, y) in curves.items()
    ]
    base = (
        drawn_from("curves")
        .transform_filter(IS_SHOWN)
        .transform_flatten(["x", "y"])
        .encode(
            x=alt.X("x:Q", title=x_title),
            y=alt.Y("y:Q", title=y_title),
            color=palette.colour(),
        )
    )
    tooltip = [
        alt.Tooltip("name:N", title="model"),
        alt.Tooltip("x:Q", title="at", format=DIGITS),
        alt.Tooltip("y:Q", title=y_title, format=DIGITS),
    ]
    lines = base.mark_line(interpolate=interpolate, aria=False).encode(strokeDash=palette.dash())
    touch = base.mark_point(opacity=0, size=90, aria=False).encode(tooltip=tooltip)
    return [lines, touch], rows
