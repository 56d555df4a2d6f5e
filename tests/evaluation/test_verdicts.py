"""Verdicts on small tables: how often a winner is named where there is none, and where there is one."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, DensityMixin

from densimeter.evaluation import trials
from densimeter.evaluation.comparison import compare
from densimeter.report.wording import describe_verdict


class Shifted(DensityMixin, BaseEstimator):
    """A normal density about the mean of the rows it has seen, and so much beside it."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y=None):
        self.mean_ = np.mean(X, axis=0) + self.shift
        return self

    def score_samples(self, X):
        return -((np.asarray(X) - self.mean_) ** 2).sum(axis=1) / 2 - X.shape[1] * np.log(2 * np.pi) / 2


@pytest.fixture(autouse=True)
def they_are_densities(monkeypatch):
    monkeypatch.setattr(trials, "_checked_claim", lambda *_: None)


def _share_of_winners(n, first, second, repeats):
    """Of tables of n normal rows on which a winner is named."""
    named, generator = 0, np.random.default_rng(n)
    for seed in range(repeats):
        rows = generator.normal(size=(n, 1))
        models = {"first": Shifted(first), "second": Shifted(second)}
        verdict = describe_verdict(compare(rows, models, source="rows", random_state=seed))
        named += verdict.startswith("Believe")
    return named / repeats


def test_no_winner_is_named_where_rows_are_few():
    assert _share_of_winners(60, 0.0, 3.0, 10) == 0


@pytest.mark.slow
@pytest.mark.parametrize("n", [70, 200, 600])
@pytest.mark.parametrize("shift", [0.05, 0.5])
def test_a_winner_among_equals_is_as_rare_as_the_level(n, shift):
    """To either side by the same shift: neither is better. 600 tables: three standard errors of 0.9 %."""
    assert _share_of_winners(n, shift, -shift, 600) < 0.05 + 0.027


@pytest.mark.slow
@pytest.mark.parametrize(("n", "shift", "power"), [(70, 1.2, 0.8), (200, 0.7, 0.8), (600, 0.4, 0.8)])
def test_a_better_model_is_found(n, shift, power):
    """It is better by half the square of the shift, nats per row, whose differences scatter by the shift."""
    assert _share_of_winners(n, 0.0, shift, 200) > power
