"""Rows in a balanced k-d order: consecutive rows are near each other, so every block is a small box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.kernel_density.columns import ranges


def balanced_order(points: np.ndarray, block_size: int) -> np.ndarray:
    """A permutation of the rows whose consecutive blocks of `block_size` are the leaves of a k-d tree.

    Each cell is cut across its widest column at the multiple of `block_size` nearest its median.
    Time n log(n / block_size).
    """
    order = np.arange(len(points))
    cells = [(0, len(points))]
    while cells:
        start, stop = cells.pop()
        n_blocks = -(-(stop - start) // block_size)
        if n_blocks < 2:
            continue
        inside = order[start:stop]
        here = points[inside]
        low, high = ranges(here)
        widest = int(np.argmax(high - low))
        cut = (n_blocks // 2) * block_size
        order[start:stop] = inside[np.argpartition(here[:, widest], cut)]
        cells += [(start, start + cut), (start + cut, stop)]
    return order


@dataclass(frozen=True, slots=True)
class Blocks:
    """Points in blocks of one size with their bounding boxes; the last is filled up with copies of its first.

    Parameters
    ----------
    order : ndarray of shape (n_points,)
        Row number of each point in block order.
    points : ndarray of shape (n_stored, block_size, n_features)
        At least `n_blocks` + 1 are stored; those from `n_blocks` on are empty.
    low, high : ndarray of shape (n_blocks, n_features)
        The boxes.
    """

    order: np.ndarray
    points: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, block_size: int) -> Blocks:
        """Finite points, at least one, in their balanced order."""
        order = balanced_order(points, block_size)
        n_blocks = -(-len(points) // block_size)
        stored = bucket_size(n_blocks + 1, smallest=1)
        filled = np.zeros((stored * block_size, points.shape[1]))
        filled[: len(points)] = points[order]
        last_start = (n_blocks - 1) * block_size
        filled[len(points) : n_blocks * block_size] = filled[last_start]
        in_blocks = filled.reshape(stored, block_size, -1)
        used = in_blocks[:n_blocks]
        return cls(order, in_blocks, used.min(axis=1), used.max(axis=1))

    @property
    def n_blocks(self) -> int:
        """Number of blocks that hold points."""
        return len(self.low)

    @property
    def block_size(self) -> int:
        """Points in a block."""
        return self.points.shape[1]

    def arrange(self, values: np.ndarray, filler: float) -> np.ndarray:
        """One value per point in block shape ``(n_stored, block_size)``, `filler` where there is no point."""
        flat = np.full(self.points.shape[0] * self.block_size, filler)
        flat[: len(values)] = values[self.order]
        return flat.reshape(-1, self.block_size)

    def restore(self, in_blocks: np.ndarray) -> np.ndarray:
        """Values in block shape back in the order of the rows."""
        values = np.empty(len(self.order))
        values[self.order] = in_blocks.reshape(-1)[: len(self.order)]
        return values


def squared_gaps(low: np.ndarray, high: np.ndarray, blocks: Blocks) -> np.ndarray:
    """Squared distance of each given box and each block's, ``(n_boxes, n_blocks)``; 0 if they touch."""
    total = np.zeros((len(low), blocks.n_blocks))
    for j in range(low.shape[1]):
        gap = np.maximum(low[:, None, j] - blocks.high[None, :, j], blocks.low[None, :, j] - high[:, None, j])
        total += np.maximum(gap, 0.0) ** 2
    return total
