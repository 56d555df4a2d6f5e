"""Fewer rows than columns: the fit in the span of the rows is the fit in all columns."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from densimeter import GaussianMixture
from densimeter.mixture import fitting, span


def rows(n=20, d=200):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)) * rng.uniform(0.5, 20, d) + np.where(np.arange(n) % 2, 30, 0)[:, None]


@pytest.mark.parametrize(("family", "reg_covar"), [("full", "auto"), ("tied", "auto"), ("full", 1e-3)])
def test_the_fit_is_that_in_all_columns(family, reg_covar, monkeypatch):
    X = rows(d=130)
    settings = {"covariance_type": family, "reg_covar": reg_covar, "init_params": "kmeans", "random_state": 0}
    model = GaussianMixture(2, **settings).fit(X)
    monkeypatch.setattr(fitting, "_span", lambda *_: None)
    whole = GaussianMixture(2, **settings).fit(X)
    np.testing.assert_allclose(model.means_, whole.means_, atol=1e-6)
    np.testing.assert_allclose(model.covariances_, whole.covariances_, rtol=1e-6, atol=1e-8)
    assert model.lower_bound_ == pytest.approx(whole.lower_bound_, rel=1e-8)
    assert list(model.on_floor_) == list(whole.on_floor_) == [reg_covar == "auto"] * 2
    new = rows()[:5, :130] + 1
    np.testing.assert_allclose(model.score_samples(new), whole.score_samples(new), rtol=1e-5)


@pytest.mark.parametrize("family", ["full", "tied"])
def test_the_scores_are_those_of_scipy(family):
    X = rows()
    model = GaussianMixture(2, covariance_type=family, random_state=0).fit(X)
    full = model.covariances_ if family == "full" else [model.covariances_] * 2
    parts = [
        np.log(w) + multivariate_normal(m, c).logpdf(X)
        for w, m, c in zip(model.weights_, model.means_, full, strict=True)
    ]
    np.testing.assert_allclose(model.score_samples(X), np.logaddexp(*parts), rtol=1e-6)
    assert model.score(X) == pytest.approx(model.lower_bound_, rel=1e-6)


def test_a_span_of_many_rows_is_not_taken():
    floor = span.Floor(np.ones(100))
    assert span.Span.of(np.zeros((90, 100)), floor) is None
    assert span.Span.of(np.zeros((20, 200)), span.Floor(np.zeros(200))) is None
