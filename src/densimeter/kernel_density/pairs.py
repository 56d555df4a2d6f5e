"""One block of queries under all blocks of rows: the compiled inner loops of every exact engine.

Blocks come in a few sizes, so a new number of rows is rarely a new compilation.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.kernel_density.exponentials import fast_exp2
from densimeter.kernel_density.profiles import Kernel

QUERY_BLOCKS, DATA_BLOCK = (8, 32, 128, 512), 2048
"""Sizes of a block of queries; size of a block of rows, unless there are fewer rows."""


def query_block(n_queries: int) -> int:
    """The largest block that so many queries fill, or the smallest: at most half of the work is padding.

    Examples
    --------
    >>> [query_block(n) for n in (1, 31, 32, 600)]
    [8, 8, 32, 512]
    """
    return max((size for size in QUERY_BLOCKS if size <= n_queries), default=QUERY_BLOCKS[0])


def padded(block: np.ndarray, size: int) -> np.ndarray:
    """The block filled up to `size` with copies of its first row."""
    missing = size - len(block)
    return np.concatenate([block, np.repeat(block[:1], missing, axis=0)]) if missing else block


def data_blocks(points: np.ndarray, log_weights: np.ndarray) -> tuple[int, jax.Array, jax.Array]:
    """The number of blocks in use, and rows and log-weights in blocks; rows of padding weigh nothing.

    They have the precision of the scope.
    """
    size = min(DATA_BLOCK, bucket_size(len(points)))
    n_blocks = -(-len(points) // size)
    missing = bucket_size(n_blocks, smallest=1) * size - len(points)
    points = np.concatenate([points, np.zeros((missing, points.shape[1]))])
    log_weights = np.concatenate([log_weights, np.full(missing, -np.inf)])
    return (
        n_blocks,
        jnp.asarray(points.reshape(-1, size, points.shape[1])),
        jnp.asarray(log_weights.reshape(-1, size)),
    )


FEW_COLUMNS = 8
"""Up to so many, a sum over columns is written out, which compiles fast and runs as one kernel."""


def squared_distances(queries: jax.Array, points: jax.Array, scales: jax.Array) -> jax.Array:
    """Squared distances in bandwidths of every query and point, from their differences.

    Wide rows are summed in a loop: a program that names every column takes minutes to compile.
    """
    n_columns = queries.shape[1]

    def squared(j: Any) -> jax.Array:
        return ((queries[:, j, None] - points[None, :, j]) / scales[j]) ** 2

    if n_columns <= FEW_COLUMNS:
        return jnp.asarray(sum(squared(j) for j in range(n_columns)))
    n_looped = n_columns // FEW_COLUMNS * FEW_COLUMNS

    def add(i: jax.Array, total: jax.Array) -> jax.Array:
        return total + sum(squared(i * FEW_COLUMNS + j) for j in range(FEW_COLUMNS))

    rest = sum((squared(j) for j in range(n_looped, n_columns)), jnp.zeros(()))
    shape = (queries.shape[0], points.shape[0])
    return jax.lax.fori_loop(0, n_looped // FEW_COLUMNS, add, jnp.zeros(shape, queries.dtype) + rest)


@partial(jax.jit, static_argnames="kernel")
def difference_block(
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
    size = points.shape[1]

    def step(index: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        squared = squared_distances(queries, points[index], scales)
        own = leave_out[:, None] == index * size + jnp.arange(size)
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
def product_block(queries: jax.Array, augmented: jax.Array, n_blocks: int) -> jax.Array:
    """Plain Gaussian sums of one block of queries, in the dtype of the rows."""
    left = augmented_queries(queries)
    power = fast_exp2 if queries.dtype == np.float64 else jnp.exp2

    def step(index: jax.Array, total: jax.Array) -> jax.Array:
        return total + power(left @ augmented[index].T).sum(axis=1)

    return jax.lax.fori_loop(0, n_blocks, step, jnp.zeros(queries.shape[0], queries.dtype))


@jax.jit
def product_scan_block(
    queries: jax.Array,
    leave_out: jax.Array,
    augmented: jax.Array,
    log2_weights: jax.Array,
    n_blocks: int,
    inverse_squares: jax.Array,
) -> jax.Array:
    """Plain Gaussian sums of one block of queries for every factor; the distances are computed once."""
    size = augmented.shape[1]
    left = augmented_queries(queries)

    def step(index: jax.Array, totals: jax.Array) -> jax.Array:
        exponents = left @ augmented[index].T
        own = leave_out[:, None] == index * size + jnp.arange(size)
        exponents = jnp.where(own, -jnp.inf, exponents)

        def add(one: tuple[jax.Array, jax.Array]) -> jax.Array:
            total, inverse_square = one
            return total + fast_exp2(exponents * inverse_square + log2_weights[index]).sum(axis=1)

        return jax.lax.map(add, (totals, inverse_squares))

    empty = jnp.zeros((inverse_squares.shape[0], queries.shape[0]))
    return jax.lax.fori_loop(0, n_blocks, step, empty)
