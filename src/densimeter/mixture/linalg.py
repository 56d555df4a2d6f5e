"""Factorisations that NumPy and JAX do differently, with one behaviour: NaN where there is no factor."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def inverse_cholesky(matrices: Any) -> Any:
    """``L^-1`` with ``L L^T`` the given symmetric matrices ``(..., d, d)``; NaN if not positive definite."""
    if isinstance(matrices, np.ndarray):
        return _inverse_cholesky_numpy(matrices)
    d = matrices.shape[-1]
    inverses = jax.lax.map(_inverse_cholesky_jax, matrices.reshape(-1, d, d))
    return inverses.reshape(matrices.shape)


def _inverse_cholesky_jax(matrix: jax.Array) -> jax.Array:
    """Of one matrix, and never of a batch.

    A compiled program runs on a thread of XLA's pool, and XLA cuts a large batch of factorisations into tasks
    of the same pool, for which the program then waits. Programs that run side by side on all its threads
    would so wait for ever. A single factorisation is computed where it is called.
    """
    lower = jnp.linalg.cholesky(matrix)
    eye = jnp.eye(len(matrix), dtype=matrix.dtype)
    return jax.scipy.linalg.solve_triangular(lower, eye, lower=True)


def cholesky(matrices: np.ndarray) -> np.ndarray:
    """``L`` with ``L L^T`` the given symmetric matrices ``(..., d, d)``; NaN if not positive definite."""
    try:
        return np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if matrices.ndim == 2:
            return np.full_like(matrices, np.nan)
        return np.stack([cholesky(matrix) for matrix in matrices])


def _inverse_cholesky_numpy(matrices: np.ndarray) -> np.ndarray:
    lower = cholesky(matrices)
    lost = np.isnan(lower)
    if not lost.any():
        return np.tril(np.linalg.inv(lower))
    inverse = np.linalg.inv(np.where(lost, np.eye(lower.shape[-1]), lower))
    return np.where(lost.any((-2, -1), keepdims=True), np.nan, np.tril(inverse))


def gram(factors: Any) -> Any:
    """``F^T F`` of ``(..., d, d)``."""
    xp = factors.__array_namespace__()
    return xp.matmul(xp.swapaxes(factors, -1, -2), factors)
