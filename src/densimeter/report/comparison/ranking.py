"""Who is best and by how much: the ranked table, the intervals, and who is not ranked."""

from __future__ import annotations

from typing import Any

from densimeter.foundations.estimates import Estimate
from densimeter.report.blocks import Cell, Chart, Section, Table
from densimeter.report.charts.intervals import interval_chart
from densimeter.report.charts.palette import Palette
from densimeter.report.numerals import fixed, interval, p_value
from densimeter.report.wording import describe_heavy_tails, describe_settings, percent

LIKELIHOOD = "mean test log-likelihood, nats per row"
DIFFERENCE = "paired difference to the best, nats per row"


def ranking(comparison: Any, palette: Palette) -> Section:
    """The models best first, each number with its interval, as a table and as pictures."""
    words = [
        "The score of a model is its mean log-density of rows it has not seen, in nats per row: higher is "
        "better, and every model speaks the same unit. Differences are taken row by row on the same test "
        "rows, so they are known better than the scores themselves.",
        *_ties(comparison),
        *(f"{line}." for line in describe_heavy_tails(comparison)),
    ]
    charts = [_likelihoods(comparison, palette)]
    if len(comparison.models) > 1:
        charts.append(_differences(comparison, palette))
    tables = [_table(comparison)]
    if comparison.best.repeated:
        tables.append(_splits(comparison))
    if comparison.unranked:
        tables.append(_unranked(comparison))
    return Section("ranking", "The ranking", words, charts, tables)


def _ties(comparison: Any) -> list[str]:
    runs = [run for run in comparison.indistinguishable if len(run) > 1]
    return [f"Not told apart, when all pairs are asked at once: {', '.join(run)}." for run in runs]


def _table(comparison: Any) -> Table:
    known = comparison.oracle is not None
    heads = ["model", "log-likelihood", "difference to best", "adjusted p"]
    heads += ["gap to oracle"] * known + ["fit, s", "settings"]
    caption = f"Mean test log-likelihoods, nats per row, with {percent(comparison.confidence)} intervals"
    rows = [_row(model, known) for model in comparison.models]
    if comparison.oracle is not None:
        empty = [Cell("")] * (len(heads) - 3)
        rows.insert(0, [Cell("oracle"), _estimate(comparison.oracle), *empty, Cell("the true density")])
    return Table(caption, heads, rows)


def _row(model: Any, known: bool) -> list[Cell]:
    is_best = model.p_value is None and model.difference_to_best.value == 0
    cells = [Cell(model.name, model=model.name), _estimate(model.log_likelihood)]
    cells.append(Cell("best", 0.0) if is_best else _estimate(model.difference_to_best))
    cells.append(Cell(p_value(model.p_value), model.p_value))
    if known:
        cells.append(_estimate(model.gap_to_oracle))
    seconds = Cell(fixed(model.fit_seconds, 1), model.fit_seconds)
    return [*cells, seconds, Cell(describe_settings(model.settings))]


def _estimate(estimate: Estimate) -> Cell:
    return Cell(fixed(estimate.value), estimate.value, below=interval(estimate))


def _splits(comparison: Any) -> Table:
    heads = ["model", *(f"split {place}" for place in range(1, len(comparison.best.repeated) + 1))]
    rows = [
        [Cell(model.name, model=model.name), *(Cell(fixed(mean), mean) for mean in model.repeated)]
        for model in comparison.models
    ]
    return Table("Mean test log-likelihood on each split, nats per row", heads, rows)


def _unranked(comparison: Any) -> Table:
    rows = [[Cell(model.name), Cell(model.reason)] for model in comparison.unranked]
    return Table("Not ranked", ["model", "reason"], rows)


def _likelihoods(comparison: Any, palette: Palette) -> Chart:
    estimates = {model.name: model.log_likelihood for model in comparison.models}
    oracle = comparison.oracle
    best = comparison.best
    words = (
        f"Mean test log-likelihoods with {percent(comparison.confidence)} intervals: {best.name} is highest "
        f"at {fixed(best.log_likelihood.value)} {interval(best.log_likelihood)}."
    )
    if oracle is not None:
        words += f" The broken line is the true density's own score, {fixed(oracle.value)}."
    spec = interval_chart(
        estimates, palette, words, LIKELIHOOD, reference=oracle, reference_name="oracle: the true density"
    )
    return Chart("likelihoods", "Scores", spec, words, size="half")


def _differences(comparison: Any, palette: Palette) -> Chart:
    estimates = {model.name: model.difference_to_best for model in comparison.models}
    best, second = comparison.models[:2]
    words = (
        f"Differences to {best.name} on the same rows. {second.name} comes next, "
        f"{fixed(abs(second.difference_to_best.value))} nats per row below; an interval that crosses zero "
        "does not tell two models apart."
    )
    zero = Estimate.exact(0.0)
    spec = interval_chart(estimates, palette, words, DIFFERENCE, reference=zero, reference_name=best.name)
    return Chart("differences", "Paired differences", spec, words, size="half")
