from __future__ import annotations

import numpy as np
import pytest

from densimeter.foundations.errors import SettingError
from densimeter.kernel_density.costs import MOST_GRID_BYTES
from densimeter.kernel_density.direct import DirectEngine
from densimeter.kernel_density.fourier_engine import FourierEngine
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums, WeightedRows
from densimeter.kernel_density.planner import ALGORITHMS, Algorithm, Planner
from densimeter.kernel_density.profiles import KERNELS
from densimeter.kernel_density.tree import TreeEngine


def planner_of(n_rows, n_features, bandwidth, kernel="gaussian"):
    points = np.random.default_rng(0).normal(size=(n_rows, n_features))
    rows = WeightedRows.of(points)
    return Planner(KernelSum(rows, np.full(n_features, bandwidth), KERNELS[kernel])), points


@pytest.mark.parametrize(
    ("n_rows", "n_features", "bandwidth", "kernel", "engine"),
    [
        (50_000, 2, 0.3, "gaussian", FourierEngine),
        (50_000, 8, 0.7, "gaussian", DirectEngine),
        (50_000, 2, 1e-5, "gaussian", TreeEngine),
        (50_000, 2, 0.05, "epanechnikov", TreeEngine),
        (100, 2, 0.3, "tophat", DirectEngine),
    ],
)
def test_takes_the_engine_made_for_the_case(n_rows, n_features, bandwidth, kernel, engine):
    planner, points = planner_of(n_rows, n_features, bandwidth, kernel)
    first = planner.fastest(points, 1e-6) or planner.fastest_exact(points, 1e-6)
    assert isinstance(first, engine)


@pytest.mark.parametrize("bandwidth", [1e-300, 1e-9, 1e-4])
def test_a_grid_that_does_not_fit_is_not_considered(bandwidth):
    planner, points = planner_of(1000, 3, bandwidth)
    assert not planner.fourier_is_possible
    found = ALGORITHMS["auto"].log_sums(planner, points[:20], 1e-6)
    # each row sees only itself
    np.testing.assert_allclose(found.values, -np.log(1000), atol=1e-6)


def test_the_memory_of_a_box_is_that_of_its_grids():
    planner, _ = planner_of(1000, 2, 0.1)
    (patch,) = planner.fourier.layout.patches
    box = patch.box
    coefficients = np.prod(box.n_modes)
    assert box.memory == 16 * coefficients * (2 + 2**2)
    assert box.memory < MOST_GRID_BYTES


@pytest.mark.parametrize(("n_features", "kernel"), [(4, "gaussian"), (2, "linear")])
def test_fourier_by_name_says_where_it_cannot(n_features, kernel):
    planner, points = planner_of(10, n_features, 0.5, kernel)
    with pytest.raises(SettingError, match="fourier"):
        ALGORITHMS["fourier"].log_sums(planner, points, 1e-6)


def test_what_the_first_engine_cannot_answer_goes_to_the_exact_one():
    class Unsure:
        def log_sums(self, queries, log_tol):
            error = np.where(np.arange(len(queries)) % 2, np.inf, 0.0)
            return LogSums(np.full(len(queries), 7.0), error)

    planner, points = planner_of(50, 2, 0.5)
    algorithm = Algorithm((lambda *_: Unsure(), lambda *_: None, lambda planner, *_: planner.direct))
    found = algorithm.log_sums(planner, points, 1e-6)
    exact = planner.direct.log_sums(points, 1e-6)
    np.testing.assert_array_equal(found.values[::2], 7.0)
    np.testing.assert_allclose(found.values[1::2], exact.values[1::2], rtol=1e-14)
    assert np.all(found.error <= 1e-6)
