from __future__ import annotations

import numpy as np
import pytest

from densimeter.kernel_density import scans
from densimeter.kernel_density.direct import by_differences
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.profiles import KERNELS
from densimeter.kernel_density.scans import log_sums_over

FACTORS = np.geomspace(0.1, 3, 9)


@pytest.fixture(params=["fourier", "direct", "as predicted"])
def _way(request, monkeypatch):
    if request.param != "as predicted":
        monkeypatch.setattr(
            scans,
            "_fourier_is_faster",
            lambda engine, *_: request.param == "fourier" and engine.kernel_sum.n_features < 4,
        )


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("n_features", [1, 2, 4])
@pytest.mark.parametrize("leave_one_out", [True, False])
def test_every_way_keeps_the_promise_for_every_bandwidth(n_features, leave_one_out):
    rng = np.random.default_rng(n_features)
    points = np.concatenate([rng.normal(size=(500, n_features)), rng.normal(size=(3, n_features)) * 4])
    rows = WeightedRows.of(points, rng.uniform(0.2, 1, size=503))
    problem = KernelSum(rows, np.full(n_features, 0.8), KERNELS["gaussian"])
    queries = None if leave_one_out else rng.normal(size=(100, n_features)) * 3
    found = log_sums_over(problem, queries, FACTORS, 1e-6)
    own = np.arange(503) if leave_one_out else None
    expected = by_differences(problem, points if queries is None else queries, FACTORS, own)
    shares = rows.weights if leave_one_out else np.full(100, 0.01)
    assert np.all(np.abs(found - expected) @ shares <= 1e-6)
    np.testing.assert_allclose(found, expected, atol=1e-6 / shares.min(), rtol=1e-14)


def test_groups_cover_all_factors_in_order():
    groups = scans._groups(FACTORS)
    np.testing.assert_array_equal(np.concatenate(groups), np.arange(len(FACTORS)))
    assert all(FACTORS[g[-1]] <= scans.WIDEST_GROUP * FACTORS[g[0]] for g in groups)
