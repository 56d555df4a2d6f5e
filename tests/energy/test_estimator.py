"""The estimator keeps scikit-learn's conventions and reports normalised densities."""

import copy
import pickle

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.utils.estimator_checks import parametrize_with_checks

from densimeter.datasets import RingOfGaussians
from densimeter.energy import EnergyModel
from densimeter.energy.objectives import OBJECTIVES
from densimeter.foundations.errors import SettingError
from densimeter.mixture import GaussianMixture


def small(**settings):
    given = {"base": "gaussian", "hidden": (16,), "n_frequencies": 4, "max_steps": 200, "log_z_width": 0.1}
    return EnergyModel(**{**given, "random_state": 0, **settings})


@parametrize_with_checks([small(max_steps=100, n_proposals=64, batch_size=32, n_folds=2)])
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


def test_a_pickled_or_copied_model_scores_the_same_bit_for_bit(fitted):
    """Double precision survives, though JAX is not told of it where the model is unpickled."""
    model, X = fitted
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))


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
    rows, step = X[:50] + 0.01, 1e-5  # at one row of the fit the tilt's cap begins: a kink
    slopes = (model.score_samples(rows + step) - model.score_samples(rows - step)) / (2 * step)
    np.testing.assert_allclose(model.gradient(rows)[:, 0], slopes, rtol=1e-5, atol=1e-6)


def test_a_fitted_mixture_as_base_without_a_tilt_to_learn_is_that_mixture():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 2)) * [1, 5] + [10, -3]
    mixture = GaussianMixture(2, random_state=0).fit(X[:400])
    model = small(base=mixture, max_steps=100).fit(X[400:])
    if float(model.density_.tilt.strength) == 0:
        np.testing.assert_allclose(model.score_samples(X), mixture.score_samples(X), rtol=1e-9)
    else:
        assert abs(model.score(X) - mixture.score(X)) < 0.05


def test_a_base_of_other_columns_is_refused():
    mixture = GaussianMixture(1).fit(np.random.default_rng(0).normal(size=(50, 3)))
    with pytest.raises(SettingError, match="3 columns"):
        small(base=mixture).fit(np.random.default_rng(0).normal(size=(50, 2)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base", "mixtrue"),
        ("activation", "step"),
        ("objective", "contrastive"),
        ("proposal", 3),
        ("tilt_bound", -1.0),
        ("hidden", (0,)),
        ("learning_rate", 0),
        ("validation_fraction", 1.0),
        ("max_steps", 0),
        ("log_z_confidence", 1.5),
    ],
)
def test_bad_settings_are_named(name, value):
    with pytest.raises(SettingError):
        small(**{name: value}).fit(np.zeros((10, 1)))


def test_energy_and_score_differ_by_log_z(fitted):
    model, X = fitted
    np.testing.assert_allclose(-model.energy(X) - model.log_normalizer_.value, model.score_samples(X))


def test_given_validation_rows_are_not_trained_on():
    rng = np.random.default_rng(0)
    X, X_val = rng.normal(size=(200, 1)), rng.normal(size=(50, 1))
    model = small().fit(X, X_val=X_val)
    np.testing.assert_allclose(model.scaling_.location, X.mean(axis=0))
    np.testing.assert_allclose(np.asarray(model.density_.base.means[0, 0]), 0, atol=1e-12)


@pytest.mark.slow
def test_every_objective_ends_within_a_twentieth_nat_of_the_others_on_the_ring():
    ring = RingOfGaussians(10, 10.0)
    X, test = ring.sample(1000, 0), ring.sample(20_000, 1)
    scores = [EnergyModel(objective=word, random_state=0).fit(X).score(test) for word in OBJECTIVES]
    assert max(scores) - min(scores) < 0.05


@pytest.mark.slow
def test_no_score_above_the_oracle_beyond_its_interval():
    ring = RingOfGaussians(10, 10.0)
    X, test = ring.sample(1000, 0), ring.sample(20_000, 1)
    model = EnergyModel(random_state=0).fit(X)
    gap = ring.log_prob(test) - model.score_samples(test)
    noise = 3 * gap.std() / np.sqrt(len(gap)) + model.log_normalizer_.half_width
    assert -noise < gap.mean() < 0.035 + noise
