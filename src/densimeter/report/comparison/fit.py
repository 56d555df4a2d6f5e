"""Whether a model is right, beyond being better than others: calibration, samples, tails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.calibration import calibration_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.numerals import fixed, interval, p_value
from densimeter.report.wording import percent

BAND = "A right model stays within the grey band."


def fit(comparison: Any, diagnostics: Any, palette: Palette) -> Section:
    """What each model's own samples say about the rows it has not seen."""
    models: Mapping[str, Any] = diagnostics.models
    words = [
        "The best of several models may still be wrong. Here each is held against the test rows by itself.",
        *_missing(models),
    ]
    tables = [*_two_samples(models), _tails(models, comparison.confidence)]
    return Section("fit", "Is any model right?", words, _coverage(models, palette), tables)


def available(models: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The diagnostic called `what` of each model that could be given it."""
    found = {name: getattr(model, what) for name, model in models.items()}
    return {name: one for name, one in found.items() if not hasattr(one, "reason")}


def _missing(models: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} could not be held against its own samples: {model.coverage.reason}."
        for name, model in models.items()
        if hasattr(model.coverage, "reason")
    ]


def _coverage(models: Mapping[str, Any], palette: Palette) -> list[Chart]:
    curves = available(models, "coverage")
    if not curves:
        return []
    words = (
        "How many rows lie inside each model's region of highest density, less how many should. A curve "
        f"below zero tells of a model that is too sure of itself. {BAND}"
    )
    rows = [
        [Cell(name, model=name), Cell(fixed(curve.distance), curve.distance), p_cell(curve.p_value)]
        for name, curve in curves.items()
    ]
    numbers = Table("Distance of coverage from nominal", ["model", "largest distance", "p"], rows)
    spec = calibration_chart(curves, palette, words, height=280)
    return [Chart("coverage", "Coverage of highest-density regions", spec, words, numbers)]


def _two_samples(models: Mapping[str, Any]) -> list[Table]:
    rows = [
        [
            Cell(name, model=name),
            Cell(fixed(test.auc.value), test.auc.value, below=interval(test.auc)),
            Cell(fixed(test.accuracy.value), test.accuracy.value, below=interval(test.accuracy)),
            p_cell(test.p_value),
            Cell(f"{test.n_rows:,}", test.n_rows),
        ]
        for name, test in available(models, "two_sample").items()
    ]
    heads = ["model", "area under the curve", "accuracy", "p", "rows of each"]
    caption = "How well a classifier tells a model's samples from test rows: 0.5 is not at all"
    return [Table(caption, heads, rows)] if rows else []


def _tails(models: Mapping[str, Any], confidence: float) -> Table:
    rows = [
        [
            Cell(name, model=name),
            Cell(fixed(model.tail.shape, 2), model.tail.shape),
            Cell(f"{model.tail.n_excluded:,}", model.tail.n_excluded),
            *(
                Cell(fixed(estimate.value), estimate.value, below=interval(estimate))
                for estimate in (model.tail.median, model.tail.trimmed_mean)
            ),
            Cell("heavy: do not believe the mean's interval" if model.tail.heavy else "light enough"),
        ]
        for name, model in models.items()
    ]
    heads = ["model", "tail shape", "rows of density 0", "median", "trimmed mean", "lower tail of its scores"]
    caption = f"Robust summaries of the scores, nats per row, with {percent(confidence)} intervals"
    return Table(caption, heads, rows)


def p_cell(value: float) -> Cell:
    """A p-value."""
    return Cell(p_value(value), value)
