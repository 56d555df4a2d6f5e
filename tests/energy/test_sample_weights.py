"""Weights of rows in an energy model: whole ones are copies that stay together, zero means not there."""

import numpy as np
import pytest

from densimeter import EnergyModel
from densimeter.energy.crossfit import Parts, counts_from
from densimeter.foundations.errors import DataError


def small(**settings):
    given = {"base": "gaussian", "hidden": (8,), "n_frequencies": 4, "max_steps": 100, "log_z_width": 0.2}
    return EnergyModel(**{**given, "n_folds": 2, "random_state": 0, **settings})


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(-3, 1, (120, 1)), rng.normal(3, 1, (120, 1))]
    return X, np.where(X[:, 0] < 0, 3.0, 1.0)


def test_rows_of_weight_zero_are_not_there(table):
    X, _ = table
    left = X[:, 0] < 0
    expected = small().fit(X[left]).score_samples(X)
    np.testing.assert_array_equal(small().fit(X, sample_weight=left).score_samples(X), expected)


def test_the_base_has_the_weighted_moments_of_all_rows(table):
    X, weights = table
    model = small().fit(X, sample_weight=weights)
    mean = np.average(X[:, 0], weights=weights)
    assert model.scaling_.location == pytest.approx(mean, abs=1e-12)
    base = getattr(model.density_.base, "mixture", model.density_.base)
    assert float(base.means[0, 0]) == pytest.approx(0, abs=1e-6)
    variance = np.average((X[:, 0] - mean) ** 2, weights=weights)
    assert model.scaling_.scale**2 == pytest.approx(variance, rel=1e-12)
    assert float(base.cholesky[0, 0, 0]) == pytest.approx(1, abs=1e-5)  # a floor of 1e-6


@pytest.mark.parametrize("factor", [1.0, 0.37])
def test_three_quarters_of_the_weight_get_three_quarters_of_the_draws(table, factor):
    X, weights = table
    model = small(base="mixture").fit(X, sample_weight=weights * factor)
    drawn = model.sample(4000, random_state=0)
    # the weights on either side are fixed: rounding them adds 0.01, drawing 0.007, the model's fit the rest
    assert (drawn < 0).mean() == pytest.approx(0.75, abs=0.04)


def test_copies_stay_together(table):
    X, _ = table
    counts = np.arange(len(X)) % 4
    parts = Parts.cut(X, 50, 3, np.random.default_rng(0), counts)
    everything = [parts.for_choice, *parts.folds]
    together = np.sort(np.concatenate(everything).ravel())
    np.testing.assert_array_equal(together, np.sort(np.repeat(X.ravel(), counts)))
    found = [set(part.ravel()) for part in everything]
    assert sum(len(part) for part in found) == len(set.union(*found))


def test_counts_are_whole_weights_or_unbiased():
    weights = np.array([0.25, 0.5, 1.25, 2.0])
    drawn = np.array([counts_from(weights, np.random.default_rng(seed)) for seed in range(4000)])
    assert (np.abs(drawn - weights) < 1).all()
    np.testing.assert_allclose(drawn.mean(axis=0), weights, atol=0.03)  # four of the largest standard errors
    assert (drawn.sum(axis=1) == 4).all()


@pytest.mark.parametrize(
    "weights", [[1, -1, 1], [0, 0, 0], [1, np.nan, 1], [1, 1], [0, 0, 1], [1e-9, 1e-9, 1]]
)
def test_what_is_no_weight_is_one_error(weights):
    with pytest.raises(DataError):
        small().fit([[0.0], [1.0], [3.0]], sample_weight=weights)


@pytest.mark.parametrize("exponent", [498, -498])
def test_rows_in_units_of_1e150_score_as_rows_in_units_of_one(table, exponent):
    X, _ = table
    expected = small().fit(X).score_samples(X) - exponent * np.log(2)
    huge = np.ldexp(X, exponent)
    np.testing.assert_allclose(small().fit(huge).score_samples(huge), expected, rtol=1e-9)
