"""How an energy model was trained, and what is known of its log Z."""

from __future__ import annotations

from typing import Any

from densimeter.foundations.estimates import Estimate
from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.lines import curve_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.numerals import fixed, interval
from densimeter.report.wording import percent

GAIN = "gain over the base, nats per row"

_GUARANTEES = {
    "exact": "it is right to rounding",
    "bounded": "the truth lies in the interval for certain",
    "certified": "the interval covers the truth with at least this confidence at this very number of samples",
    "asymptotic": "the interval covers the truth with this confidence in the limit of many samples",
    "lower bound": "only the lower end is promised",
    "upper bound": "only the upper end is promised",
    "none": "a diagnostic failed, so the interval promises nothing",
}


def training(comparison: Any, palette: Palette) -> Section | None:
    """The learning curve and log Z of every model that has them; None if no model does."""
    charts, log_zs = [], {}
    for place, model in enumerate(comparison.models):
        estimator = model.estimator
        if getattr(estimator, "history_", None) and hasattr(estimator, "best_step_"):
            charts.append(_learning_curve(place, model.name, estimator, palette))
        if isinstance(getattr(estimator, "log_normalizer_", None), Estimate):
            log_zs[model.name] = estimator.log_normalizer_
    if not charts and not log_zs:
        return None
    words = [_told_of(name, log_z) for name, log_z in log_zs.items()]
    tables = [_table(log_zs)] if log_zs else []
    return Section("training", "Training and log Z", words, charts, tables)


def _told_of(name: str, log_z: Estimate) -> str:
    guarantee = _GUARANTEES[str(log_z.guarantee)]
    return (
        f"The log-normaliser of {name} was estimated: {fixed(log_z.value, 4)} {interval(log_z, 4)} nats; "
        f"{guarantee}. This is counted in the interval of the model's score."
    )


def _table(log_zs: dict[str, Estimate]) -> Table:
    rows = [
        [
            Cell(name, model=name),
            Cell(fixed(log_z.value, 4), log_z.value),
            Cell(interval(log_z, 4), log_z.half_width),
            Cell(percent(log_z.confidence)),
            Cell(str(log_z.guarantee)),
            Cell(log_z.method),
        ]
        for name, log_z in log_zs.items()
    ]
    heads = ["model", "log Z, nats", "interval", "confidence", "guarantee", "method"]
    return Table("Estimated log-normalisers", heads, rows)


def _learning_curve(place: int, name: str, estimator: Any, palette: Palette) -> Chart:
    steps = [told["step"] for told in estimator.history_]
    gains = [told["validation_gain"] for told in estimator.history_]
    kept = estimator.best_step_
    words = (
        f"What training added to {name}'s log-likelihood of the validation rows, over its base: at most "
        f"{fixed(max(gains))} nats per row, at step {kept:,} of {steps[-1]:,}, which was kept."
    )
    spec = curve_chart(
        steps,
        gains,
        words,
        "step",
        GAIN,
        marked=kept,
        marked_name="kept",
        colour=f"var(--model-{palette.place(name)})",
    )
    rows = [
        [Cell(f"{step:,}", step), Cell(fixed(gain, 4), gain)] for step, gain in zip(steps, gains, strict=True)
    ]
    numbers = Table(f"{name}: gain by step", ["step", GAIN], rows)
    return Chart(f"learning-{place}", f"{name}: learning curve", spec, words, numbers, "wide", name)
