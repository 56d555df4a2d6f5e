from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import logsumexp

from densimeter.foundations.errors import DataError, DensimeterWarning, SettingError
from densimeter.kernel_density.estimator import KernelDensity


def test_least_squares_scores_are_the_integrated_squared_error_up_to_a_constant():
    X = np.random.default_rng(0).normal(size=(60, 1))
    widths = [0.2, 0.5]
    model = KernelDensity(bandwidth="lscv", candidates=widths).fit(X)
    for width, score in zip(widths, model.bandwidth_scores_.scores, strict=True):
        model = KernelDensity(bandwidth=width)
        grid = np.linspace(-6, 6, 2001)[:, None]  # for so smooth a function the trapezoid rule is exact
        integral = np.exp(2 * model.fit(X).score_samples(grid)).sum() * 12 / 2000
        each = [np.exp(model.fit(np.delete(X, i, axis=0)).score(X[[i]])) for i in range(60)]
        assert score == pytest.approx(2 * np.mean(each) - integral, abs=1e-6)


@pytest.mark.parametrize("criterion", ["likelihood", "lscv"])
def test_the_default_grid_follows_the_units_and_the_origin_of_each_column(criterion):
    X = np.random.default_rng(1).normal(size=(200, 2))
    unit, origin = np.array([1e-3, 1e4]), np.array([5.0, -1e5])
    one = KernelDensity(bandwidth=criterion).fit(X)
    other = KernelDensity(bandwidth=criterion).fit(X * unit + origin)
    np.testing.assert_allclose(other.bandwidth_, one.bandwidth_ * unit, rtol=1e-6)


def test_the_default_grid_goes_on_downwards_while_the_narrowest_is_the_best():
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(size=(200, 1)), rng.normal(size=(200, 1)) + 1e4])
    model = KernelDensity().fit(X)
    assert 0.1 < model.bandwidth_[0] < 1
    scan = model.bandwidth_scores_
    assert np.all(np.diff(scan.bandwidths[:, 0]) > 0)
    assert len(scan.bandwidths) > 20


def test_the_floor_of_the_search_is_said():
    # pairs a millionth of a bandwidth apart are not tied, and drive the bandwidth to them
    X = np.random.default_rng(3).normal(size=(50, 1))
    with pytest.warns(DensimeterWarning, match="narrowest"):
        KernelDensity().fit(np.concatenate([X, X + 1e-12]))


def test_tied_rows_neither_warn_nor_narrow_the_bandwidth():
    X = np.random.default_rng(4).normal(size=(100, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tied = KernelDensity().fit(np.repeat(X, 2, axis=0))
    np.testing.assert_allclose(tied.bandwidth_, KernelDensity().fit(X).bandwidth_)


def test_one_distinct_row_chooses_nothing():
    with pytest.raises(DataError, match="1 distinct row"):
        KernelDensity(candidates=[1.0]).fit([[1.0], [1.0]])


@pytest.mark.parametrize("grid", [[], [0.0, 1.0], [np.nan], "wide", [[1.0]], [1e-200, 1e200]])
def test_refuses_candidates_that_are_none(grid):
    with pytest.raises(SettingError, match="candidates"):
        KernelDensity(candidates=grid).fit([[0.0], [1.0]])


def test_least_squares_needs_the_gaussian():
    with pytest.raises(SettingError, match="Gaussian"):
        KernelDensity(bandwidth="lscv", kernel="tophat").fit([[0.0], [1.0]])


@pytest.mark.parametrize("kernel", ["tophat", "epanechnikov", "linear", "cosine"])
def test_the_default_grid_goes_on_upwards_until_a_kernel_with_an_edge_reaches_every_row(kernel):
    X = np.random.default_rng(5).standard_t(2, size=(300, 2))
    scan = KernelDensity(kernel=kernel).fit(X).bandwidth_scores_
    assert len(scan.bandwidths) > 20
    assert np.isfinite(scan.scores[scan.best])
    assert np.all(np.diff(scan.bandwidths[:, 0]) > 0)


HEAVY = {
    "Cauchy": lambda rng: rng.standard_cauchy((500, 1)),
    "t of 1.5 degrees": lambda rng: rng.standard_t(1.5, (500, 1)),
    "incomes and one of 5e7": lambda rng: np.r_[rng.lognormal(10, 0.5, (200, 1)), [[5e7]]],
    "one far outlier": lambda rng: np.r_[rng.normal(size=(300, 1)), [[1000.0]]],
}


@pytest.mark.parametrize("name", HEAVY)
def test_the_search_goes_on_until_the_best_is_inside(name):
    """Against direct sums over a dense grid that is far wider."""
    X = HEAVY[name](np.random.default_rng(0))
    scan = KernelDensity().fit(X).bandwidth_scores_
    assert 0 < scan.best < len(scan.scores) - 1
    chosen = float(scan.bandwidths[scan.best][0])
    distances = np.abs(X - X.T)

    def leave_one_out(h):
        logs = -0.5 * (distances / h) ** 2 - np.log(h * np.sqrt(2 * np.pi))
        np.fill_diagonal(logs, -np.inf)
        return np.mean(logsumexp(logs, axis=1) - np.log(len(X) - 1))

    grid = np.geomspace(chosen / 50, chosen * 50, 200)
    best = max(leave_one_out(h) for h in grid)
    # candidates are 20 to a factor of 40: the best of them is at most half a step of 21 % off
    assert scan.scores[scan.best] == pytest.approx(leave_one_out(chosen), abs=1e-5)
    assert scan.scores[scan.best] > best - 0.01


def test_a_far_validation_row_is_reached():
    X = np.random.default_rng(0).normal(size=(100, 1))
    found = KernelDensity().fit(X, X_val=[[50.0]])
    assert found.bandwidth_[0] == pytest.approx(50, rel=0.1)
