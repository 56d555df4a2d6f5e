from __future__ import annotations

import numpy as np
import pytest

from densimeter.kernel_density.direct import by_differences
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.neighbours import NeighbourEngine
from densimeter.kernel_density.profiles import KERNELS, Gaussian


def problem_of(points, bandwidth, kernel="gaussian"):
    rows = WeightedRows.of(points, np.random.default_rng(1).uniform(0.1, 3, len(points)))
    return KernelSum(rows, np.full(points.shape[1], bandwidth), KERNELS[kernel])


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_it_answers_is_right_and_the_rest_is_said(kernel):
    points = np.random.default_rng(0).standard_t(2, size=(2000, 2))
    problem = problem_of(points, 0.05, kernel)
    queries = np.concatenate([points[:200], points[:100] * 4, [[1e3, -1e3]]])
    found = NeighbourEngine(problem).log_sums(queries, 1e-6)
    known = np.isfinite(found.error)
    assert known.sum() > 20
    expected = by_differences(problem, queries)[0]
    np.testing.assert_allclose(found.values[known], expected[known], atol=5e-7, rtol=1e-15)


def test_a_query_in_the_bulk_is_left_to_others():
    problem = problem_of(np.random.default_rng(0).normal(size=(3000, 2)), 1.0)
    assert np.isinf(NeighbourEngine(problem).log_sums(np.zeros((1, 2)), 1e-6).error[0])


def test_a_scan_leaves_out_the_own_row_for_every_factor():
    points = np.random.default_rng(0).standard_t(1, size=(1500, 2))
    problem = problem_of(points, 0.02)
    own, factors = np.arange(1500), np.array([0.3, 1.0, 2.0])
    values, known = NeighbourEngine(problem).scan(points, factors, 1e-6, own)
    assert known.sum() > 100
    expected = by_differences(problem, points, factors, own)
    np.testing.assert_allclose(values[:, known], expected[:, known], atol=5e-7, rtol=1e-15)


def test_tied_rows_are_one_so_that_no_query_visits_them_all():
    points = np.repeat(np.random.default_rng(0).normal(size=(7, 2)), 400, axis=0)
    problem = KernelSum(WeightedRows.of(points), np.full(2, 0.5), Gaussian())
    engine = NeighbourEngine(problem)
    assert len(engine.rows) == 7
    found = engine.log_sums(points[::100], 1e-6)
    np.testing.assert_allclose(found.values, by_differences(problem, points[::100])[0], atol=1e-9)
    assert np.all(found.error <= 1e-6)
