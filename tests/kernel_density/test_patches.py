"""Rows whose common box would be mostly empty: several boxes, the same promise."""

from __future__ import annotations

import numpy as np
import pytest

from densimeter.kernel_density.direct import by_differences
from densimeter.kernel_density.fourier import FourierBox, FourierSummary
from densimeter.kernel_density.fourier_engine import FourierEngine
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.patches import Patch
from densimeter.kernel_density.planner import ALGORITHMS, Planner
from densimeter.kernel_density.profiles import Gaussian

N_ROWS = 20_000


def rows_named(name, n_features=2):
    rng = np.random.default_rng(0)
    bulk = rng.normal(size=(N_ROWS, n_features))
    return {
        "one far outlier": np.concatenate([bulk, np.full((1, n_features), 2e5)]),
        "clusters far apart": bulk + 1e8 * (np.arange(N_ROWS) % 3)[:, None],
        "heavy tails": rng.standard_t(1.5, size=(N_ROWS, n_features)),
        "powers of two": np.concatenate([bulk, np.ones(n_features) * 2.0 ** np.arange(-900, 900)[:, None]]),
    }[name]


def problem_of(points, bandwidth=0.3):
    rows = WeightedRows.of(points, np.random.default_rng(1).uniform(0.5, 2, len(points)))
    return KernelSum(rows, np.full(points.shape[1], bandwidth), Gaussian())


@pytest.mark.parametrize("n_features", [1, 2])
@pytest.mark.parametrize("name", ["one far outlier", "clusters far apart", "heavy tails"])
def test_patches_answer_most_rows_and_state_an_error_that_holds(name, n_features):
    problem = problem_of(rows_named(name, n_features))
    engine = FourierEngine(problem, (1.0, 2.0))
    points = problem.rows.points
    queries = np.concatenate([points[::50], points[-5:], points[:50] + 3.0])
    sums, errors = engine.sums(queries)
    assert len(engine.layout.patches) > 0
    assert np.mean(np.isfinite(errors)) > 0.7
    known = np.flatnonzero(np.isfinite(errors))
    expected = np.exp(by_differences(problem, queries[known], np.array([1.0, 2.0])))
    # the reference itself is right to 1e-12 of a sum
    assert np.all(np.abs(sums[:, known] - expected) <= errors[known] + 1e-12 * expected)


@pytest.mark.parametrize("name", ["one far outlier", "clusters far apart", "heavy tails", "powers of two"])
def test_the_promise_is_kept_inside_between_and_outside_the_patches(name):
    problem = problem_of(rows_named(name))
    points = problem.rows.points
    between = points[:200] + np.random.default_rng(2).normal(size=(200, 2)) * 5
    queries = np.concatenate([points[::40], points[-300:], between])
    expected = by_differences(problem, queries)[0]
    with np.errstate(over="ignore"):
        found = ALGORITHMS["auto"].log_sums(Planner(problem), queries, 1e-6)
    np.testing.assert_allclose(found.values, expected, atol=1e-6, rtol=1e-15)
    assert np.all(found.error <= 1e-6)


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_rows_out_of_reach_of_a_patch_add_no_more_than_is_said(n_features):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(3000, n_features)) * 6
    patch = Patch(np.ones(n_features), np.ones(n_features), FourierBox.within(np.full(n_features, 2.0)))
    near = patch.rows_among(points)
    assert len(near) < len(points)
    summary = FourierSummary.of(patch.box, patch.in_units(points[near]), np.full(len(near), 1 / 3000))
    queries = rng.uniform(-1, 3, size=(200, n_features))
    expected = np.exp(-0.5 * ((queries[:, None] - points) ** 2).sum(axis=-1)).mean(axis=1)
    error = patch.box.absolute_error(len(near)) + patch.box.accuracy.left_out
    assert np.abs(summary.sums(patch.in_units(queries))[0] - expected).max() < error


def test_rows_without_gaps_have_one_box():
    (patch,) = FourierEngine(problem_of(np.random.default_rng(0).normal(size=(N_ROWS, 2)))).layout.patches
    assert patch.is_whole


def test_the_outermost_rows_are_in_the_box_of_all():
    problem = problem_of(np.random.default_rng(0).normal(size=(N_ROWS, 1)) * 0.1 + 0.3, 0.07)
    (patch,) = FourierEngine(problem).layout.patches
    assert len(patch.rows_among(problem.rows.points)) == N_ROWS
