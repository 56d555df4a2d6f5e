"""Whether a model is right, beyond being better than others: calibration, samples, marginals, tails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.calibration import calibration_chart
from densimeter.report.charts.marginals import marginal_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.numerals import fixed, interval, p_value
from densimeter.report.wording import percent

MOST_COLUMNS = 6
"""Whose calibration and marginals are drawn; the table tells of all."""

BAND = "A right model stays within the grey band."


def fit(comparison: Any, diagnostics: Any, palette: Palette) -> Section:
    """What each model's own samples say about the rows it has not seen."""
    models: Mapping[str, Any] = diagnostics.models
    words = [
        "The best of several models may still be wrong. Here each is held against the test rows by itself.",
        *_missing(models),
    ]
    charts = [*_coverage(models, palette), *_columns(models, palette), *_marginals(models, palette)]
    tables = [*_two_samples(models), *_marginal_distances(models), _tails(models, comparison.confidence)]
    return Section("fit", "Is any model right?", words, charts, tables)


def _available(models: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The diagnostic of each model that could be given it."""
    found = {name: getattr(model, what) for name, model in models.items()}
    return {name: one for name, one in found.items() if not hasattr(one, "reason")}


def _missing(models: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} could not be held against its own samples: {model.coverage.reason}."
        for name, model in models.items()
        if hasattr(model.coverage, "reason")
    ]


def _coverage(models: Mapping[str, Any], palette: Palette) -> list[Chart]:
    curves = _available(models, "coverage")
    if not curves:
        return []
    words = (
        "How many rows lie inside each model's region of highest density, less how many should. A curve "
        f"below zero tells of a model that is too sure of itself. {BAND}"
    )
    rows = [
        [Cell(name, model=name), Cell(fixed(curve.distance), curve.distance), _p(curve.p_value)]
        for name, curve in curves.items()
    ]
    numbers = Table("Distance of coverage from nominal", ["model", "largest distance", "p"], rows)
    spec = calibration_chart(curves, palette, words, height=280)
    return [Chart("coverage", "Highest-density regions", spec, words, numbers)]


def _columns(models: Mapping[str, Any], palette: Palette) -> list[Chart]:
    found = _available(models, "columns")
    charts = []
    for place, name in enumerate(_names(found)):
        curves = {model: columns[place] for model, columns in found.items()}
        words = f"Probability integral transform of {name}: rows at or below each quantile of a model. {BAND}"
        spec = calibration_chart(curves, palette, words, height=200)
        charts.append(Chart(f"calibration-{place}", f"Quantiles of {name}", spec, words, size="small"))
    return charts


def _marginals(models: Mapping[str, Any], palette: Palette) -> list[Chart]:
    found = _available(models, "marginals")
    charts = []
    for place, name in enumerate(_names(found)):
        fits = {model: marginals[place] for model, marginals in found.items()}
        words = f"{name} by itself: the test rows as bars, each model's samples as a line."
        spec = marginal_chart(fits, palette, words, height=200)
        charts.append(Chart(f"marginal-{place}", f"Marginal of {name}", spec, words, size="small"))
    return charts


def _names(found: Mapping[str, Any]) -> list[str]:
    first = next(iter(found.values()), ())
    return [one.name for one in first][:MOST_COLUMNS]


def _marginal_distances(models: Mapping[str, Any]) -> list[Table]:
    found = _available(models, "marginals")
    rows = [
        [Cell(name, model=name), Cell(one.name), Cell(fixed(one.distance), one.distance), _p(one.p_value)]
        for name, marginals in found.items()
        for one in marginals
    ]
    heads = ["model", "column", "largest distance", "p"]
    return [
        Table("Each column by itself: Kolmogorov-Smirnov distance of rows and samples", heads, rows)
    ] * bool(rows)


def _two_samples(models: Mapping[str, Any]) -> list[Table]:
    found = _available(models, "two_sample")
    rows = [
        [
            Cell(name, model=name),
            Cell(fixed(test.auc.value), test.auc.value, below=interval(test.auc)),
            Cell(fixed(test.accuracy.value), test.accuracy.value, below=interval(test.accuracy)),
            _p(test.p_value),
            Cell(f"{test.n_rows:,}", test.n_rows),
        ]
        for name, test in found.items()
    ]
    heads = ["model", "area under the curve", "accuracy", "p", "rows of each"]
    caption = "How well a classifier tells a model's samples from test rows; 0.5 is not at all"
    return [Table(caption, heads, rows)] * bool(rows)


def _tails(models: Mapping[str, Any], confidence: float) -> Table:
    rows = [
        [
            Cell(name, model=name),
            Cell("heavy: do not believe the mean's interval" if model.tail.heavy else "light enough"),
            Cell(fixed(model.tail.shape, 2), model.tail.shape),
            Cell(f"{model.tail.n_excluded:,}", model.tail.n_excluded),
            *(
                Cell(fixed(estimate.value), estimate.value, below=interval(estimate))
                for estimate in (model.tail.median, model.tail.trimmed_mean)
            ),
        ]
        for name, model in models.items()
    ]
    heads = ["model", "lower tail of its scores", "shape", "rows of density 0", "median", "trimmed mean"]
    return Table(
        f"Robust summaries of the scores, nats per row, with {percent(confidence)} intervals", heads, rows
    )


def _p(value: float) -> Cell:
    return Cell(p_value(value), value)
