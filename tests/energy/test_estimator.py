"""The estimator keeps scikit-learn's conventions and reports normalised densities."""

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.utils.estimator_checks import parametrize_with_checks

from densimeter.energy import EnergyModel


def small(**settings):
    given = {"base": "gaussian", "hidden": (16,), "n_frequencies": 4, "max_steps": 200, "log_z_width": 0.05}
    return EnergyModel(**{**given, "random_state": 0, **settings})


@parametrize_with_checks([small(max_steps=100, n_proposals=256, batch_size=64)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(-3, 1, (300, 1)), rng.normal(3, 1, (300, 1))]
    return small().fit(X), X


def test_density_integrates_to_one(fitted):
    model, X = fitted
    grid = np.linspace(X.min() - 10, X.max() + 10, 4001)
    mass = np.trapezoid(np.exp(model.score_samples(grid[:, None])), grid)
    assert mass == pytest.approx(1, abs=5e-3 + model.log_normalizer_.half_width)


def test_beats_its_base_on_two_bumps(fitted):
    model, _ = fitted
    rng = np.random.default_rng(1)
    fresh = np.r_[rng.normal(-3, 1, (2000, 1)), rng.normal(3, 1, (2000, 1))]
    single_gaussian = -0.5 * np.log(2 * np.pi * np.e * 10)
    assert model.score(fresh) > single_gaussian + 0.15


def test_same_seed_same_model(fitted):
    model, X = fitted
    again = small().fit(X)
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
    assert again.log_normalizer_ == model.log_normalizer_


def test_shift_and_scale_move_the_score_by_the_jacobian(fitted):
    model, X = fitted
    moved = small().fit(4 * X + 16)  # powers of two: rounding does not change the scaled rows by much
    assert moved.score(4 * X + 16) == pytest.approx(model.score(X) - np.log(4), abs=1e-3)


def test_samples_follow_the_density(fitted):
    model, _ = fitted
    drawn = model.sample(4000, random_state=0)
    grid = np.linspace(-15, 15, 6001)
    cumulative = np.cumsum(np.exp(model.score_samples(grid[:, None]))) * (grid[1] - grid[0])
    assert kstest(drawn[:, 0], lambda x: np.interp(x, grid, cumulative)).pvalue > 1e-3


def test_gradient_agrees_with_differences(fitted):
    model, X = fitted
    rows, step = X[:50], 1e-5
    slopes = (model.score_samples(rows + step) - model.score_samples(rows - step)) / (2 * step)
    np.testing.assert_allclose(model.gradient(rows)[:, 0], slopes, rtol=1e-5, atol=1e-6)
