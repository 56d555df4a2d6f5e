"""Expectation-maximisation of several restarts at once, compiled as one loop.

An iteration is, for a block of rows at a time, one product of the natural parameters of every component of
every restart with the rows' features, a softmax over components, and one product of the responsibilities with
the same features (see `families`). Blocks keep the working set in the cache and its size independent of the
number of rows; the trip count over blocks is a run-time number, so a new row count of the same bucket
compiles nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.mixture.families import Family, Parameters

BLOCK = 1024
"""Rows worked on at a time: their features and responsibilities stay in the second-level cache."""


class Blocks(NamedTuple):
    """Columns ``(n_blocks, d, block)``, weights ``(n_blocks, block)``, and how many blocks hold rows."""

    columns: np.ndarray
    weights: np.ndarray
    n_filled: int


class Outcome(NamedTuple):
    """How each restart ended: arrays with a leading axis of restarts."""

    parameters: Parameters
    lower_bound: Any
    n_iter: Any
    converged: Any


def into_blocks(rows: np.ndarray, weights: np.ndarray) -> Blocks:
    """Rows ``(n, d)`` and weights ``(n,)`` laid out for `run`; padding has weight zero."""
    n, d = rows.shape
    block = min(BLOCK, bucket_size(n))
    n_filled = -(-n // block)
    n_blocks = bucket_size(n_filled, smallest=1)
    padded = np.zeros((n_blocks * block, d), rows.dtype)
    padded[:n] = rows
    padded_weights = np.zeros(n_blocks * block, rows.dtype)
    padded_weights[:n] = weights
    columns = np.ascontiguousarray(padded.reshape(n_blocks, block, d).swapaxes(1, 2))
    return Blocks(columns, padded_weights.reshape(n_blocks, block), n_filled)


def expected_sums(
    family: Family, theta: jax.Array, columns: jax.Array, weights: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The E-step of one block: ``sum_i w_i r_ik phi(x_i)`` and ``sum_i w_i log p(x_i)`` for each restart.

    `theta` has shape ``(R, K, n_terms)``, the results ``(R, K, n_terms)`` and ``(R,)``.
    """
    n_restarts, n_components, n_terms = theta.shape
    features = family.expand(columns)
    log_joint = (theta.reshape(-1, n_terms) @ features).reshape(n_restarts, n_components, -1)
    peak = log_joint.max(1, keepdims=True)
    joint = jnp.exp(log_joint - peak)
    total = joint.sum(1, keepdims=True)
    responsibilities = joint * (weights / total)
    sums = responsibilities.reshape(n_restarts * n_components, -1) @ features.T
    return sums.reshape(theta.shape), (weights * (peak + jnp.log(total))[:, 0]).sum(-1)


def _sweep(family: Family, parameters: Parameters, blocks: Blocks) -> tuple[jax.Array, jax.Array]:
    """The E-step over all blocks."""
    theta = family.natural(parameters)

    def add(i: jax.Array, total: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        sums, log_likelihood = expected_sums(family, theta, blocks.columns[i], blocks.weights[i])
        return total[0] + sums, total[1] + log_likelihood

    zero = (jnp.zeros_like(theta), jnp.zeros(theta.shape[0], theta.dtype))
    return jax.lax.fori_loop(0, blocks.n_filled, add, zero)


class _State(NamedTuple):
    parameters: Parameters
    lower_bound: jax.Array
    n_iter: jax.Array
    converged: jax.Array
    active: jax.Array


@partial(jax.jit, static_argnames="family")
def run(
    family: Family, start: Parameters, blocks: Blocks, floor: np.ndarray, tol: float, max_iter: int
) -> Outcome:
    """EM from `start` until the mean log-likelihood changes by less than `tol`, for each restart.

    A restart that is done, or whose likelihood is no longer finite, is frozen while the others go on.
    """
    total_weight = blocks.weights.sum()

    def step(state: _State) -> _State:
        sums, log_likelihood = _sweep(family, state.parameters, blocks)
        bound = log_likelihood / total_weight
        moved = family.maximise(sums, blocks.columns.shape[1], floor)
        on = state.active
        parameters = Parameters(
            *(
                jnp.where(on.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(moved, state.parameters, strict=True)
            )
        )
        settled = jnp.abs(bound - state.lower_bound) < tol
        return _State(
            parameters,
            jnp.where(on, bound, state.lower_bound),
            state.n_iter + on,
            jnp.where(on, settled, state.converged),
            on & ~settled & jnp.isfinite(bound) & (state.n_iter + 1 < max_iter),
        )

    restarts = start.weights.shape[0]
    first = _State(
        start,
        jnp.full(restarts, -jnp.inf, start.weights.dtype),
        jnp.zeros(restarts, jnp.int32),
        jnp.zeros(restarts, bool),
        jnp.full(restarts, max_iter > 0),
    )
    last = jax.lax.while_loop(lambda state: state.active.any(), step, first)
    return Outcome(last.parameters, last.lower_bound, last.n_iter, last.converged)
