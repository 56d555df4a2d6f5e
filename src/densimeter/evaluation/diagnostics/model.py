"""All diagnostics of one fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densimeter.adapters.draws import can_sample, draw_rows
from densimeter.evaluation.diagnostics.availability import NotAvailable
from densimeter.evaluation.diagnostics.calibration import (
    Calibration,
    highest_density_coverage,
    probability_integral_transform,
)
from densimeter.evaluation.diagnostics.marginals import MarginalFit, marginal_fits
from densimeter.evaluation.diagnostics.tails import TailSummary, summarise_tail
from densimeter.evaluation.diagnostics.two_sample import TwoSampleTest, classifier_two_sample_test
from densimeter.foundations.errors import in_one_line
from densimeter.foundations.randomness import RandomState, generator_from

N_DRAWS = 10_000
"""Draws of the model against which the rows are held."""
FEWEST_ROWS = 20
"""For folds with a row of each kind in every one of them, and enough to tell anything."""


@dataclass(frozen=True)
class ModelDiagnostics:
    """How one model fits the rows it has not seen; what it cannot give is `NotAvailable`."""

    tail: TailSummary
    columns: tuple[Calibration, ...] | NotAvailable
    coverage: Calibration | NotAvailable
    marginals: tuple[MarginalFit, ...] | NotAvailable
    two_sample: TwoSampleTest | NotAvailable

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "tail": self.tail.to_dict(),
            "columns": _plain(self.columns),
            "coverage": _plain(self.coverage),
            "marginals": _plain(self.marginals),
            "two_sample": _plain(self.two_sample),
        }


def diagnose(
    model: Any,
    rows: np.ndarray,
    scores: np.ndarray,
    columns: Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
    n_draws: int = N_DRAWS,
    random_state: RandomState = None,
) -> ModelDiagnostics:
    """All diagnostics of a fitted model on rows it has not seen.

    Parameters
    ----------
    model : object
        With ``score_samples``, and ``sample`` for all but the tail.
    rows : array of shape (n_samples, n_features)
    scores : array of shape (n_samples,)
        Their log-densities under the model, nats.
    columns : sequence of str, optional
        Names.
    confidence : float
        Of all intervals and bands.
    n_draws : int
    random_state : seed or generator

    Examples
    --------
    >>> from sklearn.mixture import GaussianMixture
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> model = GaussianMixture(random_state=0).fit(X[:200])
    >>> found = diagnose(model, X[200:], model.score_samples(X[200:]), n_draws=1000, random_state=0)
    >>> found.coverage.p_value > 0.01, found.tail.heavy
    (True, False)
    """
    tail = summarise_tail(scores, confidence=confidence)
    draws = _draws(model, len(rows), n_draws, generator := generator_from(random_state))
    if isinstance(draws, NotAvailable):
        return ModelDiagnostics(tail, draws, draws, draws, draws)
    return ModelDiagnostics(
        tail,
        probability_integral_transform(rows, draws, columns, confidence=confidence, random_state=generator),
        highest_density_coverage(
            scores, model.score_samples(draws), confidence=confidence, random_state=generator
        ),
        marginal_fits(rows, draws, columns, random_state=generator),
        classifier_two_sample_test(rows, draws, confidence=confidence, random_state=generator),
    )


def _draws(
    model: Any, n_rows: int, n_draws: int, generator: np.random.Generator
) -> np.ndarray | NotAvailable:
    if not can_sample(model):
        return NotAvailable("the model cannot be sampled")
    if n_rows < FEWEST_ROWS:
        return NotAvailable(f"{n_rows} test rows are too few")
    try:
        return draw_rows(model, n_draws, generator)
    except Exception as error:  # a stranger's sampler may fail in any way, and the scores stand without it
        return NotAvailable(f"sampling failed: {in_one_line(error)}")


def _plain(part: Any) -> Any:
    return [one.to_dict() for one in part] if isinstance(part, tuple) else part.to_dict()
