"""The gradient of a Gaussian estimate's log-density: the pull of the rows on a query.

    ∇ log p(q) = Σ_i r_i (x_i - q) / h²,    r_i = w_i k(‖q - x_i‖) / Σ_j w_j k(‖q - x_j‖)

The responsibilities r are taken relative to the nearest row, so the gradient is right wherever the density is
finite, however small it is.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.kernel_sum import KernelSum
from densimeter.kernel_density.pairs import data_blocks, padded, query_block, squared_distances


def gradients(kernel_sum: KernelSum, queries: np.ndarray) -> np.ndarray:
    """Gradient of the log-sum at each query, ``(n_queries, n_features)``; every pair is visited."""
    if len(queries) == 0:
        return np.empty((0, kernel_sum.n_features))
    with double_precision():
        n_blocks, points, log_weights = data_blocks(kernel_sum.rows.points, kernel_sum.rows.log_weights)
        size = query_block(len(queries))
        parts = [
            _gradient_block(
                padded(queries[start : start + size], size),
                points,
                log_weights,
                n_blocks,
                jnp.asarray(kernel_sum.scales),
            )
            for start in range(0, len(queries), size)
        ]
        return np.concatenate([np.asarray(part) for part in parts])[: len(queries)]


@jax.jit
def _gradient_block(
    queries: jax.Array, points: jax.Array, log_weights: jax.Array, n_blocks: int, scales: jax.Array
) -> jax.Array:
    """A running weighted mean of ``(x - q) / h``, as in a running log-sum-exp."""

    def step(
        index: jax.Array, state: tuple[jax.Array, jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        top, total, pull = state
        exponents = -0.5 * squared_distances(queries, points[index], scales) + log_weights[index]
        new_top = jnp.maximum(top, exponents.max(axis=1))
        shift = jnp.where(jnp.isfinite(new_top), new_top, 0.0)
        shares = jnp.exp(exponents - shift[:, None])
        shrink = jnp.exp(top - shift)
        # the mean row minus the query would lose digits far from the origin; differences do not
        moved = jax.lax.map(
            lambda column: (shares * ((column[0][None, :] - column[1][:, None]) / column[2])).sum(axis=1),
            (points[index].T, queries.T, scales),
        )
        return new_top, total * shrink + shares.sum(axis=1), pull * shrink[:, None] + moved.T

    n = queries.shape[0]
    empty = (jnp.full(n, -jnp.inf), jnp.zeros(n), jnp.zeros(queries.shape))
    _, total, pull = jax.lax.fori_loop(0, n_blocks, step, empty)
    return pull / total[:, None] / scales
