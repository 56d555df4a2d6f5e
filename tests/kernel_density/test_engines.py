"""Every engine against the formula in extended precision, on ordinary rows and on rows made to break it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densimeter.kernel_density.direct import SINGLE, DirectEngine, by_differences, scan_directly
from densimeter.kernel_density.fourier_engine import FourierEngine
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.planner import ALGORITHMS, Planner
from densimeter.kernel_density.profiles import KERNELS
from densimeter.kernel_density.tree import TreeEngine

LOG_TOL = 1e-6

PROFILES = {
    "gaussian": lambda u: -(u**2) / 2,
    "exponential": lambda u: -u,
    "tophat": lambda u: np.where(u < 1, 0, -np.inf),
    "epanechnikov": lambda u: np.where(u < 1, np.log1p(-(np.minimum(u, 1) ** 2)), -np.inf),
    "linear": lambda u: np.where(u < 1, np.log1p(-np.minimum(u, 1)), -np.inf),
    "cosine": lambda u: np.where(u < 1, np.log(np.sin(np.pi / 2 * (1 - np.minimum(u, 1)))), -np.inf),
}


def exact(queries, points, log_weights, scales, kernel):
    """The formula in extended precision, one query at a time."""
    points, log_weights = points.astype(np.longdouble), log_weights.astype(np.longdouble)
    values = np.empty(len(queries))
    for i, query in enumerate(queries.astype(np.longdouble)):
        u = np.sqrt((((query - points) / scales) ** 2).sum(axis=1))
        with np.errstate(divide="ignore"):
            exponents = PROFILES[kernel](u) + log_weights
        top = exponents.max()
        values[i] = top if np.isneginf(top) else top + np.log(np.exp(exponents - top).sum())
    return values


def kernel_sum_of(points, scales=1.0, kernel="gaussian", weights=None):
    scales = np.broadcast_to(np.asarray(scales, float), points.shape[1:]).copy()
    return KernelSum(WeightedRows.of(points, weights), scales, KERNELS[kernel])


def assert_keeps_its_promise(found, expected, log_tol=LOG_TOL):
    __tracebackhide__ = True
    assert not np.isnan(found).any()
    np.testing.assert_array_equal(np.isneginf(found), np.isneginf(expected))
    seen = np.isfinite(expected)
    # a double of size |log p| has itself an error of about 1e-16 |log p|
    assert np.all(np.abs(found[seen] - expected[seen]) <= log_tol + 4e-16 * np.abs(expected[seen]))


ENGINES = {"direct": DirectEngine, "tree": TreeEngine}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n_features", [2, 5])
def test_exact_engines_for_every_kernel(engine, kernel, n_features):
    rng = np.random.default_rng(n_features)
    points = rng.normal(size=(1500, n_features)) * 3
    queries = np.concatenate([rng.normal(size=(60, n_features)) * 4, points[:20], points[:5] * 40])
    weights = rng.uniform(0.1, 3, size=1500)
    problem = kernel_sum_of(points, 0.9, kernel, weights)
    found = ENGINES[engine](problem).log_sums(queries, LOG_TOL)
    expected = exact(queries, points, problem.rows.log_weights, problem.scales, kernel)
    assert_keeps_its_promise(found.values, expected)
    assert np.all(found.error <= LOG_TOL)


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_fourier_states_an_error_that_holds(n_features):
    rng = np.random.default_rng(n_features)
    points = rng.normal(size=(2000, n_features)) * 4
    queries = np.concatenate([rng.normal(size=(300, n_features)) * 6, points[:50]])
    problem = kernel_sum_of(points)
    found = FourierEngine(problem).log_sums(queries, LOG_TOL)
    expected = exact(queries, points, problem.rows.log_weights, problem.scales, "gaussian")
    known = np.isfinite(found.error)
    assert known.sum() > 50
    assert np.all(np.abs(found.values - expected)[known] <= found.error[known] + 1e-14)


def adversarial_sets():
    rng = np.random.default_rng(5)
    cluster = rng.normal(size=(400, 2))
    return {
        "an outlier at 1e6 bandwidths": (np.concatenate([cluster, [[1e6, 0]]]), 1.0),
        "two clusters far apart": (np.concatenate([cluster, cluster + 1e8]), 1.0),
        "far from the origin": (cluster + 1e9, 1.0),
        "heavy tails": (rng.standard_cauchy(size=(800, 2)) ** 3, 0.5),
        "duplicates": (np.repeat(cluster[:40], 30, axis=0), 0.3),
        "one row": (cluster[:1], 1.0),
        "a constant column": (cluster * [1.0, 0.0], 0.7),
        "a lattice": (np.round(cluster), 0.2),
        "columns of different units": (cluster * [1e-8, 1e8], [1e-9, 1e7]),
        "a tiny bandwidth": (cluster, 1e-300),
        "a huge bandwidth": (cluster, 1e300),
    }


@pytest.mark.parametrize("algorithm", ["auto", "tree", "direct"])
@pytest.mark.parametrize("name", adversarial_sets())
def test_the_promise_on_adversarial_sets(name, algorithm):
    points, scales = adversarial_sets()[name]
    problem = kernel_sum_of(points, scales)
    rng = np.random.default_rng(1)
    near = points[:40] + rng.normal(size=(len(points[:40]), 2)) * np.minimum(problem.scales, 1e10)
    far = points[-1:] + np.array([[37.0, 0], [300.0, 4], [0, -1e4]]) * np.minimum(problem.scales, 1e10)
    queries = np.concatenate([points[:30], near, far, points[-3:], [[0.0, 0.0], [-1e5, 1e5]]])
    with np.errstate(over="ignore"):
        found = ALGORITHMS[algorithm].log_sums(Planner(problem), queries, LOG_TOL).values
        expected = exact(queries, points, problem.rows.log_weights, problem.scales, "gaussian")
        expected = np.where(expected < -1.7e308, -np.inf, expected)
    assert_keeps_its_promise(found, expected)


@pytest.mark.parametrize("n_features", [1, 4, 20, 60])
def test_any_number_of_columns(n_features):
    rng = np.random.default_rng(2)
    points, queries = rng.normal(size=(300, n_features)), rng.normal(size=(50, n_features)) * 2
    problem = kernel_sum_of(points, 0.3)
    found = ALGORITHMS["auto"].log_sums(Planner(problem), queries, LOG_TOL).values
    expected = exact(queries, points, problem.rows.log_weights, problem.scales, "gaussian")
    assert_keeps_its_promise(found, expected)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_features=st.integers(1, 3),
    n_rows=st.integers(1, 700),
    width=st.floats(-2.5, 2.5),
    spread=st.floats(0, 4),
    algorithm=st.sampled_from(["auto", "fourier", "tree", "direct"]),
    log_tol=st.sampled_from([1e-9, 1e-6, 1e-3]),
)
def test_the_law_of_all_algorithms(seed, n_features, n_rows, width, spread, algorithm, log_tol):
    rng = np.random.default_rng(seed)
    stretch = np.exp(spread * rng.normal(size=(n_rows, 1)) / 2)
    points = rng.normal(size=(n_rows, n_features)) * stretch
    queries = np.concatenate([points[rng.integers(n_rows, size=20)], rng.normal(size=(20, n_features)) * 5])
    problem = kernel_sum_of(points, 10**width, weights=rng.uniform(0.01, 1, size=n_rows))
    planner = Planner(problem)
    if algorithm == "fourier" and not planner.fourier_is_possible:
        algorithm = "auto"
    found = ALGORITHMS[algorithm].log_sums(planner, queries, log_tol)
    expected = exact(queries, points, problem.rows.log_weights, problem.scales, "gaussian")
    assert_keeps_its_promise(found.values, expected, log_tol)
    assert np.all(found.error <= log_tol)


def test_weights_of_any_size():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(200, 2))
    weights = 10.0 ** rng.uniform(-300, 300, size=200)
    problem = kernel_sum_of(points, 0.5, weights=weights)
    expected = exact(points, points, problem.rows.log_weights, problem.scales, "gaussian")
    for name in ("auto", "tree", "direct"):
        assert_keeps_its_promise(
            ALGORITHMS[name].log_sums(Planner(problem), points, LOG_TOL).values, expected
        )


@pytest.mark.parametrize("leave_out", [True, False])
@pytest.mark.parametrize("scale", [0.001, 0.5])
def test_a_direct_scan_is_one_sum_for_each_factor(scale, leave_out):
    rng = np.random.default_rng(4)
    points = rng.normal(size=(300, 3))
    problem = kernel_sum_of(points, scale)
    own = np.arange(300) if leave_out else None
    factors = np.array([0.5, 1.0, 3.0])
    found = scan_directly(problem, points, factors, LOG_TOL, own)
    for factor, logs in zip(factors, found, strict=True):
        for i in (0, 17, 299):
            rest = np.delete(np.arange(300), i) if leave_out else np.arange(300)
            expected = exact(
                points[[i]], points[rest], problem.rows.log_weights[rest], problem.scales * factor, "gaussian"
            )
            assert logs[i] == pytest.approx(expected[0], abs=LOG_TOL, rel=1e-14)


def test_no_queries_give_no_sums():
    problem = kernel_sum_of(np.zeros((3, 2)))
    assert by_differences(problem, np.empty((0, 2))).shape == (1, 0)


def test_new_row_counts_do_not_compile_again():
    from densimeter.kernel_density import pairs

    rng = np.random.default_rng(0)
    compiled = []
    for n in (2100, 3000, 4000, 4090):
        problem = kernel_sum_of(rng.normal(size=(n, 4)))
        DirectEngine(problem).log_sums(rng.normal(size=(n - 300, 4)), LOG_TOL)
        compiled.append(pairs.product_block._cache_size())
    assert compiled[-1] == compiled[0]


@pytest.mark.parametrize("log_tol", [3e-2, 3e-3])
def test_single_precision_is_used_where_its_bound_fits_and_keeps_it(log_tol):
    rng = np.random.default_rng(6)
    points = rng.normal(size=(3000, 4))
    queries = np.concatenate([rng.normal(size=(200, 4)), rng.normal(size=(50, 4)) * 6])
    problem = kernel_sum_of(points, 0.8)
    engine = DirectEngine(problem)
    assert engine.products_are_safe(queries, log_tol, SINGLE).sum() > 50
    assert not engine.products_are_safe(queries, 1e-6, SINGLE).any()
    expected = exact(queries, points, problem.rows.log_weights, problem.scales, "gaussian")
    assert_keeps_its_promise(engine.log_sums(queries, log_tol).values, expected, log_tol / 2)
