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
    lower = jnp.linalg.cholesky(matrices)
    eye = jnp.broadcast_to(jnp.eye(matrices.shape[-1], dtype=matrices.dtype), lower.shape)
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
