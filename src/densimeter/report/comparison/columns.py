"""Each column by itself: is every model spread along it as the rows are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.calibration import calibration_chart
from densimeter.report.charts.marginals import marginal_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.comparison.fit import BAND, available
from densimeter.report.numerals import fixed, p_value

MOST_COLUMNS = 6
"""That are drawn; the table tells of all."""


def columns(diagnostics: Any, palette: Palette) -> Section | None:
    """Distances of rows and samples, marginals, and calibration; None where no model has samples."""
    marginals = available(diagnostics.models, "marginals")
    if not marginals:
        return None
    words = (
        "Bars are test rows, lines are samples of each model. Below, the share of rows under each quantile "
        f"of a model, less what it should be (the probability integral transform). {BAND}",
    )
    charts = [
        *_marginals(marginals, palette),
        *_calibrations(available(diagnostics.models, "columns"), palette),
    ]
    return Section("columns", "Column by column", words, charts, [_distances(marginals)])


def _distances(marginals: Mapping[str, Any]) -> Table:
    rows = [
        [
            Cell(fits[0].name),
            *(Cell(fixed(fit.distance), fit.distance, below=f"p {p_value(fit.p_value)}") for fit in fits),
        ]
        for fits in zip(*marginals.values(), strict=True)
    ]
    return Table("Kolmogorov-Smirnov distances of rows and samples", ["column", *marginals], rows)


def _marginals(marginals: Mapping[str, Any], palette: Palette) -> list[Chart]:
    charts = []
    for place, name in enumerate(_names(marginals)):
        fits = {model: found[place] for model, found in marginals.items()}
        words = f"{name} by itself: the test rows as bars, each model's samples as a line."
        spec = marginal_chart(fits, palette, words, height=200)
        charts.append(Chart(f"marginal-{place}", name, spec, words, size="small"))
    return charts


def _calibrations(found: Mapping[str, Any], palette: Palette) -> list[Chart]:
    charts = []
    for place, name in enumerate(_names(found)):
        curves = {model: calibrations[place] for model, calibrations in found.items()}
        words = f"Probability integral transform of {name}: rows below each quantile of a model. {BAND}"
        spec = calibration_chart(curves, palette, words, height=200)
        charts.append(Chart(f"calibration-{place}", f"{name}: calibration", spec, words, size="small"))
    return charts


def _names(found: Mapping[str, Any]) -> list[str]:
    return [one.name for one in next(iter(found.values()))][:MOST_COLUMNS]
