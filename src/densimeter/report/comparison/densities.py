"""What each model believes: its density over the test rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from densimeter.report.blocks import Chart, Section
from densimeter.report.charts.densities import contours_chart, curves_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.charts.views import N_DRAWS, Drawer, View, pairs_by_dependence

MOST_COLUMNS = 5
"""Whose pairs are shown; of more, those that depend most on others."""
SHARES_ALONE, SHARES_TOGETHER, SHARES_SMALL = (0.25, 0.5, 0.75, 0.9, 0.99), (0.5, 0.9), (0.5, 0.9)
"""Mass within the contour lines of one model, of several, and of several in a small picture."""


def densities(comparison: Any, palette: Palette) -> Section:
    """Curves for one column, contours for two, all pairs of the columns that matter most for more."""
    names = comparison.data.columns
    drawers = [Drawer(model.name, model.estimator, len(names)) for model in comparison.models]
    rows = comparison.held_out.rows
    if len(names) == 1:
        return _in_one_column(View.of(rows, names, (0,), drawers), palette)
    if len(names) == 2:
        return _in_two_columns(View.of(rows, names, (0, 1), drawers), palette)
    return _in_pairs(rows, names, drawers, palette)


def _in_one_column(view: View, palette: Palette) -> Section:
    words = f"Each model's density of {view.names[0]} over the histogram of the test rows."
    chart = Chart("density", "Density over the rows", curves_chart(view, palette, words), words)
    return Section("densities", "What each model believes", (), [chart])


def _in_two_columns(view: View, palette: Palette) -> Section:
    words = (
        "Within the inner line of each model lies half of its mass, within the outer nine tenths. The points "
        "are test rows, which no model has seen."
    )
    together = contours_chart(view, palette, words, SHARES_TOGETHER, height=560)
    charts = [Chart("density", "All models", together, words, size="main")]
    for place, (name, density) in enumerate(view.densities.items()):
        told = f"The density of {name}: within the lines lie 25, 50, 75, 90 and 99 % of its mass."
        alone = replace(view, densities={name: density})
        spec = contours_chart(alone, palette, told, SHARES_ALONE, height=250)
        charts.append(Chart(f"density-{place}", name, spec, told, size="small", model=name))
    return Section("densities", "What each model believes", (), charts)


def _in_pairs(rows: Any, names: tuple[str, ...], drawers: list[Drawer], palette: Palette) -> Section:
    pairs = pairs_by_dependence(rows, MOST_COLUMNS)
    views = [View.of(rows, names, pair, drawers) for pair in pairs]
    charts = []
    for place, view in enumerate(views):
        columns = f"{view.names[0]} and {view.names[1]}"
        words = f"{columns}: lines around 50 and 90 % of each model's mass, over test rows."
        spec = contours_chart(view, palette, words, SHARES_SMALL, height=240)
        title = f"{view.names[0]} × {view.names[1]}"
        charts.append(Chart(f"pair-{place}", title, spec, words, size="small"))
    told = [
        "Pairs of columns, the most dependent first. Within the inner line of each model lies half of its "
        "mass, within the outer nine tenths; the points are test rows, which no model has seen. Models that "
        f"cannot tell their marginals are drawn from {N_DRAWS:,} of their samples."
    ]
    if len(names) > MOST_COLUMNS:
        told.append(f"Of {len(names)} columns, the {MOST_COLUMNS} that depend most on others are shown.")
    silent = [drawer.name for drawer in drawers if not any(drawer.name in view.densities for view in views)]
    if silent:
        told.append(f"No marginals and no samples, so not drawn: {', '.join(silent)}.")
    return Section("densities", "What each model believes", told, charts)
