"""The mean of the log-densities of every bandwidth is right to `log_tol`, whichever way it was computed."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densimeter.kernel_density import scans
from densimeter.kernel_density.accuracy import FINE, LEAN
from densimeter.kernel_density.direct import by_differences
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.profiles import KERNELS
from densimeter.kernel_density.scans import log_sums_over

FACTORS = np.geomspace(0.1, 3, 9)
LOG_TOL = 1e-6
WAYS = {
    "fine series": (True, FINE),
    "lean series": (True, LEAN),
    "direct": (False, FINE),
    "as predicted": None,
}


def is_small(engine):
    """Whether the series is possible and takes no longer than a test should."""
    if engine.kernel_sum.n_features > 3:
        return False
    return sum(patch.box.n_coefficients for patch in engine.layout.patches) < 3e5


@contextmanager
def forced(way):
    """Every group summed in one way."""
    with pytest.MonkeyPatch.context() as patch:
        if WAYS[way] is not None:
            by_series, accuracy = WAYS[way]
            patch.setattr(scans, "_fourier_is_faster", lambda engine, *_: by_series and is_small(engine))
            patch.setattr(scans, "_accuracy", lambda *_: accuracy)
        yield


def problem_of(points, seed=0):
    weights = np.random.default_rng(seed).uniform(0.2, 1, size=len(points))
    rows = WeightedRows.of(points, weights).distinct()
    return KernelSum(rows, np.full(points.shape[1], 0.8), KERNELS["gaussian"])


def assert_means_are_right(problem, queries, way):
    __tracebackhide__ = True
    n_rows = len(problem.rows)
    own = np.arange(n_rows) if queries is None else None
    expected = by_differences(problem, problem.rows.points if queries is None else queries, FACTORS, own)
    with forced(way):
        found = log_sums_over(problem, queries, FACTORS, LOG_TOL)
    shares = problem.rows.weights if queries is None else np.full(len(queries), 1 / len(queries))
    # a double of that size has itself such an error
    own_error = 4e-16 * np.abs(expected)
    assert np.all((np.abs(found - expected) - own_error) @ shares <= LOG_TOL)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_features", [1, 2, 3, 4])
@pytest.mark.parametrize("leave_one_out", [True, False])
def test_every_way_keeps_the_promise_for_every_bandwidth(n_features, leave_one_out, way):
    rng = np.random.default_rng(n_features)
    points = np.concatenate([rng.normal(size=(500, n_features)), rng.normal(size=(3, n_features)) * 4])
    queries = None if leave_one_out else rng.normal(size=(100, n_features)) * 3
    assert_means_are_right(problem_of(points), queries, way)


def hard_sets():
    rng = np.random.default_rng(5)
    bulk = rng.normal(size=(400, 2))
    return {
        "heavy tails": rng.standard_t(2, size=(600, 2)),
        "heavier tails": rng.standard_cauchy(size=(600, 2)),
        "tied rows": np.repeat(bulk[:100], 4, axis=0),
        "nearly tied rows": np.concatenate([bulk, bulk + 1e-9]),
        "two clusters": np.concatenate([bulk, bulk + 1e3]),
        "far from the origin": bulk + 1e7,
        "an outlier": np.concatenate([bulk, [[1e5, 0.0]]]),
    }


@pytest.mark.parametrize("way", ["fine series", "lean series", "as predicted"])
@pytest.mark.parametrize("name", hard_sets())
def test_hard_rows_keep_the_promise(name, way):
    assert_means_are_right(problem_of(hard_sets()[name]), None, way)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_features=st.integers(1, 2),
    n_rows=st.integers(2, 400),
    spread=st.floats(0, 3),
    way=st.sampled_from(["fine series", "lean series", "as predicted"]),
    leave_one_out=st.booleans(),
)
def test_the_law_of_means(seed, n_features, n_rows, spread, way, leave_one_out):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n_rows, n_features)) * np.exp(spread * rng.normal(size=(n_rows, 1)) / 2)
    queries = None if leave_one_out else rng.normal(size=(30, n_features)) * 4
    assert_means_are_right(problem_of(points, seed), queries, way)


def test_the_lean_series_is_for_rows_that_fill_few_bandwidths():
    points = np.random.default_rng(0).normal(size=(2000, 2))
    rows = WeightedRows.of(points)

    def chosen(bandwidth, log_tol=LOG_TOL):
        return scans._accuracy(KernelSum(rows, np.full(2, bandwidth), KERNELS["gaussian"]), log_tol)

    assert chosen(0.1) is LEAN
    assert chosen(0.001) is FINE
    assert chosen(0.1, 1e-10) is FINE
    assert chosen(1e-200) is FINE


def test_groups_cover_all_factors_in_order():
    groups = scans._groups(FACTORS)
    np.testing.assert_array_equal(np.concatenate(groups), np.arange(len(FACTORS)))
    assert all(FACTORS[g[-1]] <= scans.WIDEST_GROUP * FACTORS[g[0]] for g in groups)


@pytest.mark.parametrize("most_wasted", [0, 50, np.inf])
def test_runs_hold_each_factor_that_misses_something_once(most_wasted):
    missing = np.random.default_rng(0).random((12, 40)) < np.linspace(0.9, 0.0, 12)[:, None] ** 2
    runs = scans._runs_that_share(missing, most_wasted)
    assert sorted(position for run in runs for position in run) == list(np.flatnonzero(missing.any(axis=1)))
    for run in runs:
        computed = len(run) * missing[run].any(axis=0).sum()
        assert len(run) == 1 or computed <= max(1.5 * missing[run].sum(), missing[run].sum() + most_wasted)
    assert (len(runs) == 1) == np.isinf(most_wasted)
