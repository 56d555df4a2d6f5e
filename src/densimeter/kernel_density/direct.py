"""The blocked exact sum ``log Σ_i w_i k(‖q - x_i‖)`` that every other engine is measured against.

Two ways to the exponent of a pair:

- *differences*: ``q - x`` is formed first, then divided by the bandwidth and squared. Every digit is kept
  wherever the rows lie, and the sum runs relative to its largest term, so nothing under- or overflows.
- *products* (Gaussian only): ``q·x - ‖q‖²/2 - ‖x‖²/2 + log w`` is one matrix product, several times faster.
  With all norms below R it is wrong by at most ``2 (d + 4) ε R²``, so it is used where that fits the
  tolerance; a query whose plain sum comes near underflow is answered again by differences.

Blocks have one size, so a new number of rows is not a new compilation; memory is
``8 n d + 8 (n_factors + 2) QUERY_BLOCK DATA_BLOCK`` bytes.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.profiles import Gaussian, Kernel
from densimeter.kernel_density.rows import WeightedRows

QUERY_BLOCK, DATA_BLOCK = 512, 2048
NEAR_UNDERFLOW = 1e-270
"""A plain sum below may have lost terms that matter; above, lost terms are under 1e-30 of it."""


def log_sums(
    queries: np.ndarray, rows: WeightedRows, scales: np.ndarray, kernel: Kernel, log_tol: float = 1e-6
) -> np.ndarray:
    """Log of the weighted kernel sum at each query, ``(n_queries,)``, within `log_tol` of the exact value.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_features)
    rows : WeightedRows
    scales : ndarray of shape (n_features,)
        Bandwidth of each column.

    Notes
    -----
    Time is n_queries × n_rows × n_features.
    """
    if isinstance(kernel, Gaussian):
        centre = rows.points.mean(axis=0)
        points, unit_queries = (rows.points - centre) / scales, (queries - centre) / scales
        reach = _safe_reach(queries.shape[1], log_tol)
        near = np.einsum("ij,ij->i", unit_queries, unit_queries) < reach**2
        if near.any() and np.einsum("ij,ij->i", points, points).max() < reach**2:
            found = np.full(len(queries), -np.inf)
            found[near] = _log_sums_by_products(unit_queries[near], points, rows.log_weights)
            again = np.flatnonzero(found < np.log(NEAR_UNDERFLOW))
            if len(again):
                found[again] = log_sums_by_differences(queries[again], rows, scales, np.ones(1), kernel)[0]
            return found
    return log_sums_by_differences(queries, rows, scales, np.ones(1), kernel)[0]


def log_sums_by_differences(
    queries: np.ndarray,
    rows: WeightedRows,
    scales: np.ndarray,
    factors: np.ndarray,
    kernel: Kernel,
    leave_out: np.ndarray | None = None,
) -> np.ndarray:
    """Log-sums at each query for each bandwidth ``factor * scales``, shape ``(n_factors, n_queries)``.

    The distances of a pair are computed once for all factors. `leave_out` names for each query the one row
    that is left out of its sum (its own, in a leave-one-out likelihood), or -1.
    """
    if leave_out is None:
        leave_out = np.full(len(queries), -1)
    with double_precision():
        n_blocks, points, log_weights = _data_blocks(rows.points, rows.log_weights)
        inverse_squares = jnp.asarray(1.0 / np.asarray(factors, np.float64) ** 2)
        parts = [
            np.asarray(
                _difference_block(
                    _padded(queries[start : start + QUERY_BLOCK]),
                    _padded(leave_out[start : start + QUERY_BLOCK]),
                    points,
                    log_weights,
                    n_blocks,
                    scales,
                    inverse_squares,
                    kernel,
                )
            )
            for start in range(0, len(queries), QUERY_BLOCK)
        ]
    return np.concatenate(parts, axis=1)[:, : len(queries)]


def _safe_reach(n_features: int, log_tol: float) -> float:
    """Norm in bandwidths up to which the products' rounding stays below a quarter of `log_tol`."""
    return float(np.sqrt(log_tol / (8 * (n_features + 4) * np.finfo(np.float64).eps)))


def _padded(block: np.ndarray) -> np.ndarray:
    missing = QUERY_BLOCK - len(block)
    return np.concatenate([block, np.repeat(block[:1], missing, axis=0)]) if missing else block


def _data_blocks(points: np.ndarray, log_weights: np.ndarray) -> tuple[int, jax.Array, jax.Array]:
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
    columns = range(queries.shape[1])

    def step(index: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        block, weights = points[index], log_weights[index]
        squared = sum(((queries[:, j, None] - block[None, :, j]) / scales[j]) ** 2 for j in columns)
        own = leave_out[:, None] == index * DATA_BLOCK + jnp.arange(DATA_BLOCK)
        squared = jnp.where(own, jnp.inf, squared)

        def extend(one: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            top, total, inverse_square = one
            exponents = kernel.log_profile(squared * inverse_square) + weights
            new_top = jnp.maximum(top, exponents.max(axis=1))
            shift = jnp.where(jnp.isfinite(new_top), new_top, 0.0)
            return new_top, total * jnp.exp(top - shift) + jnp.exp(exponents - shift[:, None]).sum(axis=1)

        return jax.lax.map(extend, (*state, inverse_squares))

    shape = (inverse_squares.shape[0], queries.shape[0])
    empty = (jnp.full(shape, -jnp.inf), jnp.zeros(shape))
    top, total = jax.lax.fori_loop(0, n_blocks, step, empty)
    return jnp.where(total > 0, jnp.log(total) + top, -jnp.inf)


def _log_sums_by_products(queries: np.ndarray, points: np.ndarray, log_weights: np.ndarray) -> np.ndarray:
    """Log of the plain Gaussian sums of rows in bandwidth units; -inf where they underflow."""
    with double_precision():
        n_blocks, blocks, weights = _data_blocks(points, log_weights)
        augmented = _augmented(blocks, weights)
        parts = [
            _product_block(_padded(queries[start : start + QUERY_BLOCK]), augmented, n_blocks)
            for start in range(0, len(queries), QUERY_BLOCK)
        ]
        sums = np.concatenate([np.asarray(part) for part in parts])[: len(queries)]
    with np.errstate(divide="ignore"):
        return np.log(sums)


@jax.jit
def _augmented(blocks: jax.Array, log_weights: jax.Array) -> jax.Array:
    """Rows x as ``(x, log w - ‖x‖²/2, 1)``, so that a product with ``(q, 1, -‖q‖²/2)`` is the exponent."""
    offsets = jnp.maximum(log_weights, -2000.0) - 0.5 * (blocks**2).sum(axis=-1)
    return jnp.concatenate([blocks, offsets[..., None], jnp.ones_like(offsets)[..., None]], axis=-1)


@jax.jit
def _product_block(queries: jax.Array, augmented: jax.Array, n_blocks: int) -> jax.Array:
    half_norms = 0.5 * (queries**2).sum(axis=1, keepdims=True)
    left = jnp.concatenate([queries, jnp.ones_like(half_norms), -half_norms], axis=1)

    def step(index: jax.Array, total: jax.Array) -> jax.Array:
        return total + jnp.exp(left @ augmented[index].T).sum(axis=1)

    return jax.lax.fori_loop(0, n_blocks, step, jnp.zeros(queries.shape[0]))
