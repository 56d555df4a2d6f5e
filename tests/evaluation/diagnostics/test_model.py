import json

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from densimeter.adapters.draws import draw_rows
from densimeter.evaluation.diagnostics import NotAvailable, diagnose
from densimeter.foundations.errors import FitError
from densimeter.kernel_density.estimator import KernelDensity


class Unsampled:
    def score_samples(self, X):
        return -np.abs(X).sum(axis=1)


class Broken(Unsampled):
    def sample(self, n_samples):
        raise RuntimeError("no luck")


class Wrong(Unsampled):
    def sample(self, n_samples):
        return np.full((n_samples, 2), np.nan)


X = np.random.default_rng(0).normal(size=(600, 2))


def test_a_good_model_passes_everything():
    fitted = GaussianMixture(random_state=0).fit(X[:300])
    found = diagnose(fitted, X[300:], fitted.score_samples(X[300:]), ["a", "b"], n_draws=2000, random_state=0)
    assert [column.name for column in found.columns] == ["a", "b"]
    assert [fit.name for fit in found.marginals] == ["a", "b"]
    p_values = [found.coverage.p_value, found.two_sample.p_value, *(fit.p_value for fit in found.marginals)]
    assert min(p_values) > 1e-4
    json.dumps(found.to_dict())


def test_a_model_that_is_too_wide_covers_too_much():
    fitted = KernelDensity(bandwidth=1.0).fit(X[:300])
    found = diagnose(fitted, X[300:], fitted.score_samples(X[300:]), n_draws=2000, random_state=0)
    assert (found.coverage.actual[20:80] > found.coverage.nominal[20:80]).all()
    assert found.coverage.p_value < 1e-6


@pytest.mark.parametrize(
    ("model", "reason"),
    [(Unsampled(), "cannot be sampled"), (Broken(), "no luck"), (Wrong(), "no table of 10000 finite rows")],
    ids=lambda value: type(value).__name__,
)
def test_what_a_model_cannot_give_is_said(model, reason):
    found = diagnose(model, X, model.score_samples(X))
    for part in (found.columns, found.coverage, found.marginals, found.two_sample):
        assert isinstance(part, NotAvailable)
        assert reason in str(part)
    assert np.isfinite(found.tail.median.value)
    json.dumps(found.to_dict())


def test_few_rows_are_not_tested():
    model = GaussianMixture().fit(X)
    found = diagnose(model, X[:10], model.score_samples(X[:10]))
    assert isinstance(found.two_sample, NotAvailable)


def test_draws_of_a_seed_are_the_same_and_leave_the_model_alone():
    model = GaussianMixture(3, random_state=5).fit(X)
    first, second = draw_rows(model, 50, 0), draw_rows(model, 50, 0)
    np.testing.assert_array_equal(first, second)
    assert (draw_rows(model, 50, 1) != first).all()
    assert model.random_state == 5


def test_draws_that_are_no_rows_are_refused():
    with pytest.raises(FitError, match="finite rows"):
        draw_rows(Wrong(), 5)
