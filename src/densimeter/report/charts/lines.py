"""Curves over a number: what was tried for a setting, how a training went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from densimeter.report.charts.style import INK, QUIET, drawn_from, specification
from densimeter.report.numerals import fixed, short

FARTHEST = 3.0
"""Scores that lie so many times farther below the best than the median does are cut off."""


def curve_chart(
    xs: Sequence[float],
    ys: Sequence[float],
    words: str,
    x_title: str,
    y_title: str,
    *,
    marked: float,
    marked_name: str = "chosen",
    colour: str = INK,
    log_x: bool = False,
) -> dict[str, Any]:
    """A curve with a dot at each point, and a line where the one that was taken stands."""
    rows = [
        {"x": x, "y": y, "shown_x": short(x), "shown_y": fixed(y, 4)}
        for x, y in zip(xs, ys, strict=True)
        if math.isfinite(y)
    ]
    lowest, highest = _window([row["y"] for row in rows])
    scale = alt.Scale(type="log", nice=False) if log_x else alt.Scale(nice=False, zero=False)
    x = alt.X("x:Q", title=x_title, scale=scale)
    y = alt.Y("y:Q", title=y_title, scale=alt.Scale(domain=[lowest, highest], zero=False))
    tooltip = [alt.Tooltip("shown_x:N", title=x_title), alt.Tooltip("shown_y:N", title=y_title)]
    base = drawn_from("curve").encode(x=x, y=y)
    line = base.mark_line(color=colour, clip=True)
    dots = base.mark_point(color=colour, clip=True, size=45, opacity=1).encode(tooltip=tooltip)
    rule = (
        drawn_from("mark")
        .mark_rule(color=QUIET, strokeDash=[4, 3], strokeWidth=1.5)
        .encode(x=x, tooltip=[alt.Tooltip("name:N", title=" ")])
    )
    mark = [{"x": marked, "name": f"{marked_name}: {short(marked)}"}]
    return specification(alt.layer(rule, line, dots), words, {"curve": rows, "mark": mark}, height=240)


def _window(ys: list[float]) -> tuple[float, float]:
    """The range in which the top of the curve can be read."""
    ordered = sorted(ys)
    best, median, worst = ordered[-1], ordered[len(ordered) // 2], ordered[0]
    lowest = max(worst, best - FARTHEST * (best - median)) if best > median else worst
    room = 0.06 * (best - lowest) or 0.5
    return lowest - room, best + room
