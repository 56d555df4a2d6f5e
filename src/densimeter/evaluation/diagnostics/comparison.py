"""All diagnostics of a comparison: of each model, of the two best together, of all on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from densimeter.evaluation.diagnostics.model import ModelDiagnostics, diagnose
from densimeter.evaluation.diagnostics.rows import (
    SeparatingRow,
    UnexplainedRow,
    separating_rows,
    unexplained_rows,
)
from densimeter.foundations.randomness import RandomState, generator_from

if TYPE_CHECKING:
    from densimeter.evaluation.results import Comparison


@dataclass(frozen=True)
class ComparisonDiagnostics:
    """What the test rows tell beside the ranking.

    Parameters
    ----------
    separated : tuple of str
        The best model and the next, which `separating` tells apart; empty where there is one model.
    separating : tuple of SeparatingRow
        The rows on which these two differ most.
    unexplained : tuple of UnexplainedRow
        The rows that every model finds least likely. Rows are named by their place in the source, from 0.
    models : mapping of str to ModelDiagnostics
        How each model fits the rows.
    """

    separated: tuple[str, ...]
    separating: tuple[SeparatingRow, ...]
    unexplained: tuple[UnexplainedRow, ...]
    models: Mapping[str, ModelDiagnostics]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "separated": list(self.separated),
            "separating": [row.to_dict() for row in self.separating],
            "unexplained": [row.to_dict() for row in self.unexplained],
            "models": {name: found.to_dict() for name, found in self.models.items()},
        }


def diagnose_comparison(comparison: Comparison, random_state: RandomState = 0) -> ComparisonDiagnostics:
    """The diagnostics of every model on the test rows, and those of all of them together.

    Examples
    --------
    >>> import densimeter as dm
    >>> X, _ = dm.datasets.make_ring(400, n_components=3, random_state=0)
    >>> compared = dm.compare(X, ["mixture", "kernel"], test_fraction=0.25, random_state=0)
    >>> found = diagnose_comparison(compared)
    >>> found.separated, len(found.separating)
    (('mixture', 'kernel'), 10)
    """
    generator = generator_from(random_state)
    models, held_out = comparison.models, comparison.held_out
    pair = models[:2] if len(models) > 1 else ()
    return ComparisonDiagnostics(
        tuple(model.name for model in pair),
        separating_rows(pair[0].scores, pair[1].scores, held_out.numbers) if pair else (),
        unexplained_rows({model.name: model.scores for model in models}, held_out.numbers),
        {
            model.name: diagnose(
                model.estimator,
                held_out.rows[held_out.first],
                model.scores[held_out.first],
                comparison.data.columns,
                confidence=comparison.confidence,
                random_state=generator,
            )
            for model in models
        },
    )
