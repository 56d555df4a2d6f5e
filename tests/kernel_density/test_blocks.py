from __future__ import annotations

import numpy as np
import pytest

from densimeter.kernel_density.blocks import Blocks, balanced_order, squared_gaps


@pytest.mark.parametrize("n_points", [1, 7, 8, 9, 100])
def test_the_order_is_a_permutation_and_blocks_hold_all_points(n_points):
    points = np.random.default_rng(0).normal(size=(n_points, 2))
    blocks = Blocks.of(points, 8)
    np.testing.assert_array_equal(np.sort(blocks.order), np.arange(n_points))
    flat = blocks.points.reshape(-1, 2)[:n_points]
    np.testing.assert_array_equal(flat, points[blocks.order])
    for block, low, high in zip(blocks.points, blocks.low, blocks.high, strict=False):
        assert np.all((block >= low) & (block <= high))


def test_values_come_back_in_the_order_of_the_rows():
    points = np.random.default_rng(0).normal(size=(21, 3))
    blocks = Blocks.of(points, 4)
    np.testing.assert_array_equal(blocks.restore(blocks.arrange(np.arange(21.0), -1.0)), np.arange(21.0))


def test_blocks_are_compact():
    points = np.random.default_rng(0).random((4096, 2))
    order = balanced_order(points, 64)
    widths = np.ptp(points[order].reshape(-1, 64, 2), axis=1)
    assert widths.max() < 0.3  # 64 blocks tile the unit square; one side of a perfect tile is 1/8


def test_gaps_are_below_the_distance_of_any_two_points():
    rng = np.random.default_rng(1)
    a, b = Blocks.of(rng.normal(size=(40, 3)), 8), Blocks.of(rng.normal(size=(56, 3)) + 1, 8)
    gaps = squared_gaps(a.low, a.high, b)
    for i in range(a.n_blocks):
        for j in range(b.n_blocks):
            nearest = ((a.points[i][:, None] - b.points[j]) ** 2).sum(axis=-1).min()
            assert gaps[i, j] <= nearest + 1e-12
