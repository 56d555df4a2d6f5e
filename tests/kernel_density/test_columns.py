"""Column by column is the same as NumPy's own reductions, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from densimeter.kernel_density.columns import in_units, means, ranges, within

TABLES = {
    "rows": np.random.default_rng(0).normal(size=(50, 3)),
    "one row": np.ones((1, 2)),
    "columns first": np.asfortranarray(np.random.default_rng(1).normal(size=(40, 4))),
    "every other row": np.random.default_rng(2).normal(size=(60, 2))[::2],
}


@pytest.mark.parametrize("name", TABLES)
def test_ranges_means_and_reach(name):
    points = TABLES[name]
    low, high = ranges(points)
    np.testing.assert_array_equal(low, points.min(axis=0))
    np.testing.assert_array_equal(high, points.max(axis=0))
    np.testing.assert_allclose(means(points), points.mean(axis=0), rtol=1e-14, atol=1e-15)
    for reach in (0.7, np.linspace(0.5, 1, points.shape[1])):
        np.testing.assert_array_equal(within(points, reach), np.all(np.abs(points) <= reach, axis=1))


@pytest.mark.parametrize("name", TABLES)
def test_units_are_measured_from_the_centre_and_change_nothing(name):
    points = TABLES[name]
    before, centre = points.copy(), np.arange(points.shape[1]) + 0.3
    scales = 0.1 + np.arange(points.shape[1])
    found = in_units(points, centre, scales)
    np.testing.assert_array_equal(found, (points - centre) / scales)
    assert all(column.flags.contiguous for column in found.T)
    np.testing.assert_array_equal(points, before)


def test_units_beyond_the_range_of_floats_are_infinite():
    found = in_units(np.array([[1e300, -1e300]]), np.zeros(2), np.full(2, 1e-300))
    np.testing.assert_array_equal(found, [[np.inf, -np.inf]])
    assert not within(found, 1e300).any()
