"""A comparison as a small HTML table, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from densimeter.foundations.estimates import Estimate
from densimeter.report.engine import render
from densimeter.report.wording import (
    describe_heavy_tails,
    describe_settings,
    describe_split,
    describe_verdict,
)

if TYPE_CHECKING:
    from densimeter.evaluation.results import Comparison, ModelResult


def comparison_as_html(comparison: Comparison) -> str:
    """The ranked table with every number's interval, all text escaped."""
    known = comparison.oracle is not None
    heads = ["model", "log-likelihood, nats/row", "difference to best"]
    heads += ["gap to oracle"] * known + ["settings", "fit, s"]
    rows = [_cells(model, known) for model in comparison.models]
    if comparison.oracle is not None:
        rows.insert(0, ["oracle", _interval(comparison.oracle), "", "", "the true density", ""])
    return render(
        "notebook.html",
        caption=describe_split(comparison.data, comparison.confidence),
        heads=heads,
        rows=rows,
        lines=[
            describe_verdict(comparison),
            *describe_heavy_tails(comparison),
            *(f"not ranked: {model.name}: {model.reason}" for model in comparison.unranked),
        ],
        notes=[note.text for note in comparison.data.notes],
    )


def _cells(model: ModelResult, known: bool) -> list[str]:
    cells = [model.name, _interval(model.log_likelihood), _interval(model.difference_to_best)]
    if known:
        cells.append(_interval(model.gap_to_oracle))
    return [*cells, describe_settings(model.settings), f"{model.fit_seconds:.1f}"]


def _interval(estimate: Estimate | None) -> str:
    return "" if estimate is None else str(estimate)
