"""What each model believes: its density over the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.contours import region_lines
from densimeter.report.charts.densities import contours_chart, curves_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.charts.views import N_DRAWS, Drawer, View, pairs_by_dependence
from densimeter.report.numerals import short
from densimeter.report.wording import percent

N_TOLD = 15
"""Places of a curve whose heights are told in numbers."""
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
        return _in_one_column(rows, names, drawers, palette)
    if len(names) == 2:
        return _in_two_columns(rows, names, drawers, palette)
    return _in_pairs(rows, names, drawers, palette)


def _in_one_column(
    rows: np.ndarray, names: Sequence[str], drawers: Sequence[Drawer], palette: Palette
) -> Section:
    view = View.of(rows, names, (0,), drawers)
    words = f"Each model's density of {view.names[0]} over the histogram of the test rows."
    spec = curves_chart(view, palette, words)
    chart = Chart("density", "Density over the rows", spec, words, _heights(view))
    return Section("densities", "What each model believes", _not_drawn(drawers, [view]), [chart])


def _in_two_columns(
    rows: np.ndarray, names: Sequence[str], drawers: Sequence[Drawer], palette: Palette
) -> Section:
    view = View.of(rows, names, (0, 1), drawers)
    words = (
        "Within the inner line of each model lies half of its mass, within the outer nine tenths. The points "
        "are test rows, which no model has seen."
    )
    together = contours_chart(view, palette, words, SHARES_TOGETHER, height=560)
    charts = [Chart("density", "All models", together, words, _regions(view, SHARES_TOGETHER), "main")]
    for place, (name, density) in enumerate(view.densities.items()):
        told = f"The density of {name}: within the lines lie 25, 50, 75, 90 and 99 % of its mass."
        alone = replace(view, densities={name: density})
        spec = contours_chart(alone, palette, told, SHARES_ALONE, height=250)
        charts.append(
            Chart(f"density-{place}", name, spec, told, _regions(alone, SHARES_ALONE), "small", name)
        )
    return Section("densities", "What each model believes", _not_drawn(drawers, [view]), charts)


def _in_pairs(rows: Any, names: tuple[str, ...], drawers: list[Drawer], palette: Palette) -> Section:
    pairs = pairs_by_dependence(rows, MOST_COLUMNS)
    views = [View.of(rows, names, pair, drawers) for pair in pairs]
    charts = []
    for place, view in enumerate(views):
        columns = f"{view.names[0]} and {view.names[1]}"
        words = f"{columns}: lines around 50 and 90 % of each model's mass, over test rows."
        spec = contours_chart(view, palette, words, SHARES_SMALL, height=240)
        title = f"{view.names[0]} × {view.names[1]}"
        charts.append(Chart(f"pair-{place}", title, spec, words, _regions(view, SHARES_SMALL), "small"))
    told = [
        "Pairs of columns, the most dependent first. Within the inner line of each model lies half of its "
        "mass, within the outer nine tenths; the points are test rows, which no model has seen. Models that "
        f"cannot tell their marginals are drawn from {N_DRAWS:,} of their samples."
    ]
    if len(names) > MOST_COLUMNS:
        told.append(f"Of {len(names)} columns, the {MOST_COLUMNS} that depend most on others are shown.")
    return Section("densities", "What each model believes", [*told, *_not_drawn(drawers, views)], charts)


def _not_drawn(drawers: Sequence[Drawer], views: Sequence[View]) -> list[str]:
    silent = [drawer.name for drawer in drawers if not any(drawer.name in view.densities for view in views)]
    return [f"No density there and no samples, so not drawn: {', '.join(silent)}."] if silent else []


def _heights(view: View) -> Table:
    """The densities at a few places, for those who cannot see the curves."""
    places = np.linspace(0, len(view.axes[0]) - 1, N_TOLD).round().astype(int)
    rows = [
        [
            Cell(short(float(view.axes[0][place])), float(view.axes[0][place])),
            *(
                Cell(short(float(density[place])), float(density[place]))
                for density in view.densities.values()
            ),
        ]
        for place in places
    ]
    return Table(f"Densities of {view.names[0]}", [view.names[0], *view.densities], rows)


def _regions(view: View, shares: Sequence[float]) -> Table:
    """How far each model's regions reach, for those who cannot see the lines."""
    lines: dict[tuple[str, float], list[np.ndarray]] = {}
    for model, density in view.densities.items():
        for share, line in region_lines(view.axes[0], view.axes[1], density, shares):
            lines.setdefault((model, share), []).append(line)
    rows = []
    for (model, share), pieces in lines.items():
        together = np.concatenate(pieces)
        ends = [*zip(together.min(axis=0).tolist(), together.max(axis=0).tolist(), strict=True)]
        cells = [Cell(short(end), end) for pair in ends for end in pair]
        rows.append([Cell(model, model=model), Cell(percent(share), share), *cells])
    x, y = view.names
    heads = ["model", "mass", f"{x} from", "to", f"{y} from", "to"]
    return Table("Reach of the regions of highest density", heads, rows)
