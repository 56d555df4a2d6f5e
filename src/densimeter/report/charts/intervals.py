"""Models with their intervals, best on top."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import altair as alt

from densimeter.foundations.estimates import Estimate
from densimeter.report.charts.palette import IS_SHOWN, Palette
from densimeter.report.charts.style import QUIET, drawn_from, specification
from densimeter.report.numerals import fixed

ROW_HEIGHT = 38


def interval_chart(
    estimates: Mapping[str, Estimate],
    palette: Palette,
    words: str,
    x_title: str,
    *,
    reference: Estimate | None = None,
    reference_name: str = "",
) -> dict[str, Any]:
    """A line from end to end with a dot at the value for each model, and a line to hold them against.

    A model whose value is infinite has no place on the axis and is left out.
    """
    rows = [
        {"model": palette.key(name), **_row(name, estimate)}
        for name, estimate in estimates.items()
        if math.isfinite(estimate.value)
    ]
    base = drawn_from("models").transform_filter(IS_SHOWN)
    names = alt.Axis(ticks=False, domain=False, labelExpr="names[toNumber(slice(datum.value, 1))]")
    y = alt.Y("model:N", sort=palette.keys, title=None, axis=names)
    axis = alt.Axis(tickCount=5)
    x = alt.X("value:Q", title=x_title, scale=alt.Scale(zero=False, nice=True), axis=axis)
    tooltip = [
        alt.Tooltip("name:N", title="model"),
        alt.Tooltip("shown_value:N", title="value"),
        alt.Tooltip("shown_interval:N", title="interval"),
    ]
    bars = base.mark_rule(strokeWidth=3).encode(
        y=y,
        x=alt.X("lower:Q", title=x_title, axis=axis),
        x2="upper:Q",
        color=palette.colour(),
        tooltip=tooltip,
    )
    dots = base.mark_point(size=110, opacity=1).encode(y=y, x=x, color=palette.colour(), tooltip=tooltip)
    layers = [] if reference is None else [_reference(x_title)]
    chart = alt.layer(*layers, bars, dots).add_params(palette.shown(), palette.shown_names())
    told = [] if reference is None else [_row(reference_name, reference)]
    return specification(
        chart, words, {"models": rows, "reference": told}, height=ROW_HEIGHT * max(len(rows), 1)
    )


def _row(name: str, estimate: Estimate) -> dict[str, Any]:
    return {
        "name": name,
        "value": estimate.value,
        "lower": _finite(estimate.lower, estimate.value),
        "upper": _finite(estimate.upper, estimate.value),
        "shown_value": fixed(estimate.value, 4),
        "shown_interval": f"{fixed(estimate.lower, 4)} to {fixed(estimate.upper, 4)}",
    }


def _reference(x_title: str) -> alt.Chart:
    return (
        drawn_from("reference")
        .mark_rule(color=QUIET, strokeWidth=2, strokeDash=[4, 3])
        .encode(
            x=alt.X("value:Q", title=x_title, scale=alt.Scale(zero=False)),
            tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("shown_value:N", title="value")],
        )
    )


def _finite(end: float, value: float) -> float:
    return end if math.isfinite(end) else value
