from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from densimeter.foundations.errors import DataError
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.kernel_density.kernel_sum import WeightedRows
from densimeter.kernel_density.rules import RULES, improved_sheather_jones, reference_widths, scott, silverman


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("rule", "name"), [(scott, "scott"), (silverman, "silverman")])
@pytest.mark.parametrize("n_features", [1, 3])
def test_normal_references_are_those_of_scipy(rule, name, n_features, weighted):
    """Ties count as often as they are there, and weights as scipy's effective number has them."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(500, n_features)), 1) * np.arange(1, n_features + 1)
    weights = rng.random(500) if weighted else None
    theirs = gaussian_kde(X.T, bw_method=name, weights=weights)
    expected = np.sqrt(np.diag(theirs.covariance))
    np.testing.assert_allclose(rule(WeightedRows.of(X, weights)), expected, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_a_column_in_other_units_has_a_bandwidth_in_those_units(rule):
    X = np.random.default_rng(1).normal(size=(400, 2))
    unit = np.array([1.0, 1000.0])
    one, other = (KernelDensity(bandwidth=rule).fit(rows) for rows in (X, X * unit))
    np.testing.assert_allclose(other.bandwidth_, one.bandwidth_ * unit, rtol=1e-9)
    np.testing.assert_allclose(
        other.score_samples(X * unit), one.score_samples(X) - np.log(1000.0), atol=1e-5
    )


@pytest.mark.parametrize("rule", [reference_widths, improved_sheather_jones])
def test_weights_equal_repetition(rule):
    rng = np.random.default_rng(2)
    X, counts = rng.normal(size=(200, 2)), rng.integers(1, 4, size=200)
    weighted = rule(WeightedRows.of(X, counts))
    np.testing.assert_allclose(weighted, rule(WeightedRows.of(np.repeat(X, counts, axis=0))), rtol=1e-9)


def test_the_plug_in_is_the_optimum_for_a_normal_column():
    X = np.random.default_rng(3).normal(size=(20_000, 1))
    optimum = (4 / 3) ** 0.2 * 20_000**-0.2
    assert improved_sheather_jones(WeightedRows.of(X))[0] == pytest.approx(optimum, rel=0.06)


def test_the_plug_in_sees_modes_that_the_normal_reference_smears():
    rng = np.random.default_rng(4)
    X = np.concatenate([rng.normal(-10, 1, size=5000), rng.normal(10, 1, size=5000)])[:, None]
    optimum = (4 / 3) ** 0.2 * 5000**-0.2 / 2**0.2 * 2**0.2  # each mode of half the weight: n/2 rows of sd 1
    found = improved_sheather_jones(WeightedRows.of(X))[0]
    assert found == pytest.approx(optimum, rel=0.15)
    assert silverman(WeightedRows.of(X))[0] > 5 * found


@pytest.mark.parametrize("rule", RULES.values())
def test_a_constant_column_is_named(rule):
    with pytest.raises(DataError, match="column 1 is constant"):
        rule(WeightedRows.of(np.column_stack([np.arange(5.0), np.ones(5)])))
