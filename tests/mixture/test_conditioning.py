"""Marginals, conditionals and entropy against integrals and closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import multivariate_normal

from densimeter.foundations.errors import DataError, SettingError
from densimeter.mixture import GaussianMixture
from densimeter.mixture.catalogue import FAMILIES


def mixture(name="full", k=3, d=3, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((k, d, d)) * 0.4 + np.eye(d)
    covariances = {
        "full": root @ root.transpose(0, 2, 1),
        "tied": root[0] @ root[0].T,
        "diag": rng.random((k, d)) + 0.5,
        "spherical": rng.random(k) + 0.5,
    }[name]
    weights = rng.random(k) + 0.2
    return GaussianMixture.from_parameters(
        weights / weights.sum(),
        2 * rng.standard_normal((k, d)),
        covariances,
        covariance_type=name,
        random_state=0,
    )


@pytest.mark.parametrize("name", list(FAMILIES))
def test_joint_is_conditional_times_marginal(name):
    model = mixture(name)
    X = np.random.default_rng(1).standard_normal((20, 3))
    given = model.condition([2], X[:, [2]])
    assert len(given) == 20
    product = given.score_samples(X[:, :2]) + model.marginal([2]).score_samples(X[:, [2]])
    assert_allclose(product, model.score_samples(X), rtol=1e-10)
    assert_allclose(given[4].score_samples(X[[4], :2])[0], given.score_samples(X[:, :2])[4])


def test_marginal_is_the_integral():
    model = mixture("full", d=2)
    value, _ = quad(lambda y: np.exp(model.score_samples([[0.4, y]])[0]), -30, 30, limit=200)
    assert_allclose(np.exp(model.marginal([0]).score_samples([[0.4]])[0]), value, rtol=1e-7)


def test_columns_come_in_the_order_asked_for():
    model = mixture()
    swapped = model.marginal([2, 0])
    assert_allclose(swapped.means_, model.means_[:, [2, 0]])
    x = np.array([[0.1, 0.2, 0.3]])
    one = model.condition([2, 0], [0.3, 0.1]).score_samples([[0.2]])
    assert_allclose(one, model.condition([0, 2], [0.1, 0.3]).score_samples([[0.2]]))
    assert_allclose(one + swapped.score_samples(x[:, [2, 0]]), model.score_samples(x))


def test_conditional_samples_have_the_conditional_moments():
    given = mixture().condition([0], np.full((100_000, 1), 0.7))
    draws = given.sample(0)
    assert_allclose(draws.mean(0), given.mean()[0], atol=0.03)
    assert_allclose(np.cov(draws.T), given.covariance()[0], atol=0.08)


def test_entropy_of_one_gaussian_is_exact_and_of_more_is_covered():
    model = mixture(k=1)
    estimate = model.entropy()
    assert_allclose(estimate.value, multivariate_normal(model.means_[0], model.covariances_[0]).entropy())
    assert estimate.half_width == 0
    line = GaussianMixture.from_parameters([0.3, 0.7], [[-2.0], [1.0]], [[[1.0]], [[0.5]]])

    def integrand(x):
        log_p = line.score_samples([[x]])[0]
        return -np.exp(log_p) * log_p

    truth, _ = quad(integrand, -12, 10, limit=200)
    hits = [line.entropy(2000, random_state=seed).contains(truth) for seed in range(200)]
    assert 180 <= sum(hits) <= 198  # 190 expected, standard deviation 3


def test_wrong_columns_are_told():
    model = mixture()
    for columns in ([3], [-1], [0, 0], [], [0.5]):
        with pytest.raises(SettingError, match="distinct indices"):
            model.marginal(columns)
    with pytest.raises(SettingError, match="nothing is left"):
        model.condition([0, 1, 2], [0, 0, 0])
    with pytest.raises(DataError, match="shape"):
        model.condition([0, 1], [[1.0]])
    with pytest.raises(DataError, match="finite"):
        model.condition([0], [np.nan])


def test_parameters_that_are_no_mixture_are_told():
    with pytest.raises(SettingError, match="sum to one"):
        GaussianMixture.from_parameters([0.5, 0.6], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    with pytest.raises(SettingError, match="positive definite"):
        GaussianMixture.from_parameters([1.0], [[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]])
