"""The blocked exact sum that every other engine is measured against.

Two ways to the exponent of a pair:

- *differences*: ``q - x`` is formed first, then divided by the bandwidth and squared. Every digit is kept
  wherever the rows lie, and the sum runs relative to its largest term, so nothing under- or overflows.
- *products* (Gaussian only): ``q·x - ‖q‖²/2 - ‖x‖²/2 + log w`` is one matrix product, several times faster.
  With all norms below R it is wrong by at most ``2 (d + 4) ε R²``, so it is used where that fits the
  tolerance; a query whose plain sum comes near underflow is answered again by differences.

Blocks have one size, so a new number of rows is not a new compilation; memory is
``16 n d + 8 (n_factors + 2) 512 DATA_BLOCK`` bytes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.exponentials import RELATIVE_ERROR, fast_exp2
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums
from densimeter.kernel_density.profiles import Gaussian, Kernel

QUERY_BLOCKS, DATA_BLOCK = (32, 128, 512), 2048
"""Sizes of a block of queries, the smallest that holds them all or the largest; size of a block of rows."""
NEAR_UNDERFLOW = 1e-270
"""A plain sum below may have lost terms that matter; above, lost terms are under 1e-20 of it."""
DIFFERENCES_ERROR = 1e-12
"""Rounding of the sum by differences, for any number of rows that fits in memory."""


class DirectEngine:
    """Every pair of query and row; time is n_queries × n_rows × n_features."""

    def __init__(self, kernel_sum: KernelSum):
        self.kernel_sum = kernel_sum

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums by products where they are safe and by differences elsewhere."""
        near = self.products_are_safe(queries, log_tol)
        values = np.full(len(queries), -np.inf)
        if near.any():
            values[near] = self._by_products(queries[near])
        again = np.flatnonzero(values < math.log(NEAR_UNDERFLOW))
        values[again] = by_differences(self.kernel_sum, queries[again])[0]
        error = np.full(len(queries), log_tol / 2)
        error[again] = DIFFERENCES_ERROR
        return LogSums(values, error)

    def products_are_safe(self, queries: np.ndarray, log_tol: float) -> np.ndarray:
        """For which queries the exponents by products are right to a quarter of `log_tol`."""
        if not isinstance(self.kernel_sum.kernel, Gaussian) or log_tol < 4 * RELATIVE_ERROR:
            return np.zeros(len(queries), bool)
        reach = safe_reach(self.kernel_sum.n_features, log_tol)
        if not np.sum(self.kernel_sum.half_extent**2) < reach**2:
            return np.zeros(len(queries), bool)
        return np.abs(self.kernel_sum.in_units(queries)).max(axis=1) < reach / math.sqrt(queries.shape[1])

    def _by_products(self, queries: np.ndarray) -> np.ndarray:
        unit_queries = self.kernel_sum.in_units(queries)
        with double_precision():
            n_blocks, blocks, weights = data_blocks(
                self.kernel_sum.unit_points, self.kernel_sum.rows.log_weights
            )
            augmented = augmented_rows(blocks, weights)
            size = query_block(len(queries))
            parts = [
                _product_block(padded(unit_queries[start : start + size], size), augmented, n_blocks)
                for start in range(0, len(queries), size)
            ]
            return np.log(np.concatenate([np.asarray(part) for part in parts])[: len(queries)])


def scan_directly(
    kernel_sum: KernelSum,
    queries: np.ndarray,
    factors: np.ndarray,
    log_tol: float,
    leave_out: np.ndarray | None = None,
) -> np.ndarray:
    """Log-sums at each query for each bandwidth ``factor * scales``, shape ``(n_factors, n_queries)``.

    The distances of a pair are computed once for all factors. `leave_out` names for each query the one row
    that is left out of its sum (its own, in a leave-one-out likelihood).
    """
    narrowest = replace(kernel_sum, scales=kernel_sum.scales * float(np.min(factors)))
    near = DirectEngine(narrowest).products_are_safe(queries, log_tol)
    values = np.full((len(factors), len(queries)), -np.inf)
    if near.any():
        own = None if leave_out is None else leave_out[near]
        values[:, near] = _scan_by_products(narrowest, queries[near], factors / np.min(factors), own)
    again = np.flatnonzero(np.any(values < math.log(NEAR_UNDERFLOW), axis=0))
    own = None if leave_out is None else leave_out[again]
    values[:, again] = by_differences(kernel_sum, queries[again], factors, own)
    return values


def _scan_by_products(
    kernel_sum: KernelSum, queries: np.ndarray, factors: np.ndarray, leave_out: np.ndarray | None
) -> np.ndarray:
    """Log of the plain Gaussian sums of all factors; where they come near underflow they are not right."""
    leave_out = np.full(len(queries), -1) if leave_out is None else leave_out
    unit_queries = kernel_sum.in_units(queries)
    with double_precision():
        n_blocks, blocks, log_weights = data_blocks(kernel_sum.unit_points, kernel_sum.rows.log_weights)
        augmented = augmented_rows(blocks, jnp.zeros(log_weights.shape))
        size = query_block(len(queries))
        parts = [
            _product_scan_block(
                padded(unit_queries[start : start + size], size),
                padded(leave_out[start : start + size], size),
                augmented,
                log_weights / math.log(2),
                n_blocks,
                jnp.asarray(1.0 / factors**2),
            )
            for start in range(0, len(queries), size)
        ]
        return np.log(np.concatenate([np.asarray(part) for part in parts], axis=1)[:, : len(queries)])


def safe_reach(n_features: int, log_tol: float) -> float:
    """Norm in bandwidths up to which the products' rounding stays below a quarter of `log_tol`."""
    return math.sqrt(log_tol / (8 * (n_features + 4) * np.finfo(np.float64).eps))


def by_differences(
    kernel_sum: KernelSum,
    queries: np.ndarray,
    factors: np.ndarray | None = None,
    leave_out: np.ndarray | None = None,
) -> np.ndarray:
    """Log-sums at each query for each bandwidth ``factor * scales``, shape ``(n_factors, n_queries)``.

    The distances of a pair are computed once for all factors. `leave_out` names for each query the one row
    that is left out of its sum (its own, in a leave-one-out likelihood), or -1.
    """
    factors = np.ones(1) if factors is None else np.asarray(factors, np.float64)
    leave_out = np.full(len(queries), -1) if leave_out is None else leave_out
    if len(queries) == 0:
        return np.empty((len(factors), 0))
    with double_precision():
        n_blocks, points, log_weights = data_blocks(kernel_sum.rows.points, kernel_sum.rows.log_weights)
        size = query_block(len(queries))
        parts = [
            _difference_block(
                padded(queries[start : start + size], size),
                padded(leave_out[start : start + size], size),
                points,
                log_weights,
                n_blocks,
                kernel_sum.scales,
                jnp.asarray(1.0 / factors**2),
                kernel_sum.kernel,
            )
            for start in range(0, len(queries), size)
        ]
        return np.concatenate([np.asarray(part) for part in parts], axis=1)[:, : len(queries)]


def query_block(n_queries: int) -> int:
    """The block size for so many queries."""
    return next((size for size in QUERY_BLOCKS if n_queries <= size), QUERY_BLOCKS[-1])


def padded(block: np.ndarray, size: int) -> np.ndarray:
    """The block filled up to `size` with copies of its first row."""
    missing = size - len(block)
    return np.concatenate([block, np.repeat(block[:1], missing, axis=0)]) if missing else block


def data_blocks(points: np.ndarray, log_weights: np.ndarray) -> tuple[int, jax.Array, jax.Array]:
    """The number of blocks in use, and rows and log-weights in blocks; rows of padding weigh nothing."""
    n_blocks = -(-len(points) // DATA_BLOCK)
    missing = bucket_size(n_blocks, smallest=1) * DATA_BLOCK - len(points)
    points = np.concatenate([points, np.zeros((missing, points.shape[1]))])
    log_weights = np.concatenate([log_weights, np.full(missing, -np.inf)])
    return (
        n_blocks,
        jnp.asarray(points.reshape(-1, DATA_BLOCK, points.shape[1])),
        jnp.asarray(log_weights.reshape(-1, DATA_BLOCK)),
    )


def squared_distances(queries: jax.Array, points: jax.Array, scales: jax.Array) -> jax.Array:
    """Squared distances in bandwidths of every query and point, from their differences."""
    columns = range(queries.shape[1])
    return jnp.asarray(sum(((queries[:, j, None] - points[None, :, j]) / scales[j]) ** 2 for j in columns))


@partial(jax.jit, static_argnames="kernel")
def _difference_block(
    queries: jax.Array,
    leave_out: jax.Array,
    points: jax.Array,
    log_weights: jax.Array,
    n_blocks: int,
    scales: jax.Array,
    inverse_squares: jax.Array,
    kernel: Kernel,
) -> jax.Array:
    """A running log-sum-exp over the data blocks for one block of queries and every factor."""

    def step(index: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        squared = squared_distances(queries, points[index], scales)
        own = leave_out[:, None] == index * DATA_BLOCK + jnp.arange(DATA_BLOCK)
        squared = jnp.where(own, jnp.inf, squared)

        def extend(one: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            top, total, inverse_square = one
            exponents = kernel.log_profile(squared * inverse_square) + log_weights[index]
            new_top = jnp.maximum(top, exponents.max(axis=1))
            shift = jnp.where(jnp.isfinite(new_top), new_top, 0.0)
            return new_top, total * jnp.exp(top - shift) + jnp.exp(exponents - shift[:, None]).sum(axis=1)

        return jax.lax.map(extend, (*state, inverse_squares))

    shape = (inverse_squares.shape[0], queries.shape[0])
    empty = (jnp.full(shape, -jnp.inf), jnp.zeros(shape))
    top, total = jax.lax.fori_loop(0, n_blocks, step, empty)
    return jnp.where(total > 0, jnp.log(total) + top, -jnp.inf)


@jax.jit
def augmented_rows(blocks: jax.Array, log_weights: jax.Array) -> jax.Array:
    """Rows x as ``(x, log w - ‖x‖²/2, 1)``; times `augmented_queries` they give exponents to base 2."""
    offsets = log_weights - 0.5 * (blocks**2).sum(axis=-1)
    return jnp.concatenate([blocks, offsets[..., None], jnp.ones_like(offsets)[..., None]], axis=-1)


def augmented_queries(queries: jax.Array) -> jax.Array:
    """Queries q as ``(q, 1, -‖q‖²/2) log2(e)``."""
    half_norms = 0.5 * (queries**2).sum(axis=-1, keepdims=True)
    return jnp.concatenate([queries, jnp.ones_like(half_norms), -half_norms], axis=-1) / math.log(2)


@jax.jit
def _product_block(queries: jax.Array, augmented: jax.Array, n_blocks: int) -> jax.Array:
    left = augmented_queries(queries)

    def step(index: jax.Array, total: jax.Array) -> jax.Array:
        return total + fast_exp2(left @ augmented[index].T).sum(axis=1)

    return jax.lax.fori_loop(0, n_blocks, step, jnp.zeros(queries.shape[0]))


@jax.jit
def _product_scan_block(
    queries: jax.Array,
    leave_out: jax.Array,
    augmented: jax.Array,
    log2_weights: jax.Array,
    n_blocks: int,
    inverse_squares: jax.Array,
) -> jax.Array:
    left = augmented_queries(queries)

    def step(index: jax.Array, totals: jax.Array) -> jax.Array:
        exponents = left @ augmented[index].T
        own = leave_out[:, None] == index * DATA_BLOCK + jnp.arange(DATA_BLOCK)
        exponents = jnp.where(own, -jnp.inf, exponents)

        def add(one: tuple[jax.Array, jax.Array]) -> jax.Array:
            total, inverse_square = one
            return total + fast_exp2(exponents * inverse_square + log2_weights[index]).sum(axis=1)

        return jax.lax.map(add, (totals, inverse_squares))

    empty = jnp.zeros((inverse_squares.shape[0], queries.shape[0]))
    return jax.lax.fori_loop(0, n_blocks, step, empty)
