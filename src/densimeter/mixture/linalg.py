"""Factorisations that NumPy and JAX do differently, with one behaviour: NaN where there is no factor."""

from __future__ import annotations

from functools import partial
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


def lifted(matrices: Any, least: Any) -> Any:
    """Symmetric matrices ``(..., d, d)`` with no variance below `least` ``(d,)`` in any direction.

    In columns divided by the roots of `least`, eigenvalues below one become one. Of all covariances that obey
    the bound the result has the highest likelihood of rows whose covariance is given. Matrices that obey it
    are left as they are.
    """
    xp, d = matrices.__array_namespace__(), matrices.shape[-1]
    roots = xp.sqrt(least)
    scale = roots[:, None] * roots
    unit = (matrices / scale).reshape(-1, d, d)
    raised = _raised_numpy(unit) if isinstance(matrices, np.ndarray) else _raised_jax(unit)
    return xp.where(
        (raised == unit).all((-2, -1), keepdims=True).reshape(*matrices.shape[:-2], 1, 1),
        matrices,
        raised.reshape(matrices.shape) * scale,
    )


def _raised_numpy(unit: np.ndarray) -> np.ndarray:
    low = np.isnan(cholesky(unit - np.eye(unit.shape[-1]))).any((-2, -1)) & np.isfinite(unit).all((-2, -1))
    raised = unit.copy()
    raised[low] = _raised(np, unit[low])
    return raised


def _raised_jax(unit: jax.Array) -> jax.Array:
    """One matrix after the other, as `_inverse_cholesky_jax`, and eigenvalues only where one may be low."""

    def is_low(matrix: jax.Array) -> jax.Array:
        return jnp.isnan(jnp.linalg.cholesky(matrix - jnp.eye(len(matrix), dtype=matrix.dtype))).any()

    def raise_all(low: jax.Array) -> jax.Array:
        raised = jax.lax.map(partial(_raised, jnp), unit)
        return jnp.where(low[:, None, None], raised, unit)

    low = jax.lax.map(is_low, unit)
    return jax.lax.cond(low.any(), raise_all, lambda low: unit, low)


def _raised(xp: Any, unit: Any) -> Any:
    values, vectors = xp.linalg.eigh(unit)
    return xp.matmul(vectors * xp.maximum(values, 1.0)[..., None, :], xp.swapaxes(vectors, -1, -2))


def gram(factors: Any) -> Any:
    """``F^T F`` of ``(..., d, d)``."""
    xp = factors.__array_namespace__()
    return xp.matmul(xp.swapaxes(factors, -1, -2), factors)
