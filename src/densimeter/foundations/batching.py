"""A function of one point over all rows of a NumPy array, compiled for two block sizes and no more."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import pad_rows
from densimeter.foundations.precision import double_precision

SMALL_BLOCK, BLOCK = 2**10, 2**14
"""Rows computed at a time: the first if that is enough for all."""


def over_rows(function: Callable[[jax.Array], jax.Array], rows: np.ndarray) -> np.ndarray:
    """`function`, of one point and traced by JAX, at each of the rows ``(n, d)``: ``(n,)``, float64.

    Padding rows are zeros, and what the function makes of them is dropped. New parameters of a function that
    is a pytree are not a new compilation.

    Examples
    --------
    >>> over_rows(lambda x: x @ x, np.array([[3.0, 4.0], [1.0, 1.0]]))
    array([25.,  2.])
    """
    rows = np.asarray(rows, np.float64)
    size = SMALL_BLOCK if len(rows) <= SMALL_BLOCK else BLOCK
    values = np.empty(len(rows))
    with double_precision():
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            computed = _over_block(function, jnp.asarray(pad_rows(block, size)))
            values[start : start + size] = np.asarray(computed)[: len(block)]
    return values


@eqx.filter_jit
def _over_block(function: Callable[[jax.Array], jax.Array], rows: jax.Array) -> jax.Array:
    return jax.vmap(function)(rows)
