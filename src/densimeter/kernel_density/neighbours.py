"""The sum over each query's nearest rows, until a bound proves that the rest do not matter.

A kernel never grows with distance, so all rows beyond the k-th nearest, at distance r, add at most
``(1 - their weight) k(r)``. As long as that exceeds ``log_tol / 4`` of the sum so far, the query is asked
again with four times as many neighbours. This is for isolated queries and rows, and for bandwidths that are
small against the distances of the rows. A query in the bulk would need too many and is left to others.

Time is (n + m k) log n, memory ``16 n d`` bytes for the tree and at most 100 MB at work.
"""

from __future__ import annotations

import math
from functools import cached_property, partial

import jax
import numpy as np
from scipy.spatial import KDTree

from densimeter.foundations.padding import bucket_size
from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.columns import within
from densimeter.kernel_density.direct import DOUBLE, safe_reach
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums, WeightedRows
from densimeter.kernel_density.profiles import Gaussian, Kernel

NEIGHBOURS = (8, 32, 128, 512, 2048)
ROWS_PER_NEIGHBOUR = 200
"""Finding a neighbour costs as much as visiting so many rows in the direct sum by products."""
ROWS_PER_NEIGHBOUR_BY_DIFFERENCES = 20
LARGEST_COORDINATE = 1e100
"""In bandwidths; squares of larger ones would come near overflow."""
_MOST_GATHERED = 2**21
_SMALLEST_CALL = 512
"""Queries; fewer are filled up, which costs less than compiling for their number."""
_TRIAL = 64
_LEAST_SUCCESS = 0.1


class NeighbourEngine:
    """Sums over nearest rows; tied rows are one, so that no leaf of the tree is large."""

    def __init__(self, kernel_sum: KernelSum):
        self.kernel_sum = kernel_sum

    @cached_property
    def rows(self) -> WeightedRows:
        """The distinct rows."""
        return self.kernel_sum.rows.distinct()

    @cached_property
    def tree(self) -> KDTree:
        """Of the distinct rows, in bandwidths."""
        # cutting at the middle instead of the median builds several times faster
        return KDTree(self.kernel_sum.in_units(self.rows.points), balanced_tree=False, compact_nodes=False)

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums, with infinite error where they need too many rows."""
        values, known = self.scan(queries, np.ones(1), log_tol)
        return LogSums(values[0], np.where(known, log_tol / 2, np.inf))

    def scan(
        self, queries: np.ndarray, factors: np.ndarray, log_tol: float, leave_out: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log-sums for each bandwidth ``factor * scales``, and the queries with all right to ``log_tol / 2``.

        `leave_out` names for each query the one row left out of its sum; then the rows must be distinct.
        """
        values, known = np.full((len(factors), len(queries)), -np.inf), np.zeros(len(queries), bool)
        if not self.kernel_sum.half_extent.max() < LARGEST_COORDINATE:
            return values, known
        unit_queries = self.kernel_sum.in_units(queries)
        left = np.flatnonzero(within(unit_queries, LARGEST_COORDINATE))
        search = _Search(self, queries, unit_queries, factors, leave_out, log_tol)
        for k in NEIGHBOURS:
            if k > NEIGHBOURS[0] and k * self._rows_per_neighbour(log_tol) > len(self.rows):
                break
            if len(left) == 0 or not search.is_promising(left, k):
                continue
            values[:, left], known[left] = search.run(left, k)
            left = left[~known[left]]
        return values, known

    def _rows_per_neighbour(self, log_tol: float) -> int:
        kernel_sum = self.kernel_sum
        reach = safe_reach(kernel_sum.n_features, log_tol, DOUBLE)
        by_products = isinstance(kernel_sum.kernel, Gaussian) and kernel_sum.half_extent.max() < reach
        return ROWS_PER_NEIGHBOUR if by_products else ROWS_PER_NEIGHBOUR_BY_DIFFERENCES


class _Search:
    """The sums of one set of queries."""

    def __init__(
        self,
        engine: NeighbourEngine,
        queries: np.ndarray,
        unit_queries: np.ndarray,
        factors: np.ndarray,
        leave_out: np.ndarray | None,
        log_tol: float,
    ):
        self.rows, self.tree = engine.rows, engine.tree
        self.kernel = engine.kernel_sum.kernel
        self.scales, self.factors = engine.kernel_sum.scales, factors
        self.queries, self.unit_queries = queries, unit_queries
        self.leave_out = leave_out
        self.log_tol = log_tol
        extent = engine.kernel_sum.half_extent.max() + np.abs(unit_queries).max(axis=1, initial=0)
        self.rounding = 8 * np.finfo(float).eps * math.sqrt(queries.shape[1]) * extent

    def is_promising(self, left: np.ndarray, k: int) -> bool:
        """Whether `k` neighbours are enough for a fair share of a few of the queries."""
        if len(left) <= 4 * _TRIAL:
            return True
        return bool(self.run(left[:: len(left) // _TRIAL], k)[1].mean() > _LEAST_SUCCESS)

    def run(self, chosen: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Log-sums over the k nearest rows, and whether the rest is proven not to matter for any factor."""
        step = max(1, _MOST_GATHERED // k)
        parts = [self._run_chunk(chosen[at : at + step], k) for at in range(0, len(chosen), step)]
        return np.concatenate([p[0] for p in parts], axis=1), np.concatenate([p[1] for p in parts])

    def _run_chunk(self, chosen: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        distances, nearest = self.tree.query(self.unit_queries[chosen], k=k, workers=-1)
        missing = nearest == len(self.rows)
        nearest = np.where(missing, 0, nearest)
        log_weights = np.where(missing, -np.inf, self.rows.log_weights[nearest])
        seen = np.exp(log_weights).sum(axis=1)
        if self.leave_out is not None:
            log_weights[nearest == self.leave_out[chosen][:, None]] = -np.inf
        beyond = np.maximum(distances[:, -1] - self.rounding[chosen], 0.0)
        values, bound = self._sums(self.queries[chosen], nearest, log_weights, beyond)
        with np.errstate(divide="ignore"):
            rounding_of_weights = len(self.rows) * np.finfo(float).eps
            bound = bound + np.log(np.maximum(1 - seen, 0.0) + rounding_of_weights)
        done = np.isneginf(bound) | (bound < values + math.log(self.log_tol / 4))
        return values, missing[:, -1] | done.all(axis=0)

    def _sums(
        self, queries: np.ndarray, nearest: np.ndarray, log_weights: np.ndarray, beyond: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log-sums over the rows `nearest`, and the kernel's log-profile `beyond` them."""
        size = bucket_size(len(queries), smallest=_SMALLEST_CALL)
        with double_precision():
            values, bound = _sums_over_neighbours(
                np.resize(queries, (size, queries.shape[1])),
                self.rows.points[np.resize(nearest, (size, nearest.shape[1]))],
                np.resize(log_weights, (size, nearest.shape[1])),
                self.scales,
                np.resize(beyond, size),
                1.0 / self.factors**2,
                self.kernel,
            )
        return np.asarray(values)[:, : len(queries)], np.asarray(bound)[:, : len(queries)]


@partial(jax.jit, static_argnames="kernel")
def _sums_over_neighbours(
    queries: jax.Array,
    neighbours: jax.Array,
    log_weights: jax.Array,
    scales: jax.Array,
    beyond: jax.Array,
    inverse_squares: jax.Array,
    kernel: Kernel,
) -> tuple[jax.Array, jax.Array]:
    """By differences, relative to the largest term, for each factor."""
    squared = (((neighbours - queries[:, None]) / scales) ** 2).sum(axis=-1)

    def of_factor(inverse_square: jax.Array) -> tuple[jax.Array, jax.Array]:
        exponents = kernel.log_profile(squared * inverse_square) + log_weights
        return jax.nn.logsumexp(exponents, axis=1), kernel.log_profile(beyond**2 * inverse_square)

    return jax.lax.map(of_factor, inverse_squares)
