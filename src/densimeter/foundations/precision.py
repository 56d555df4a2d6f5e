"""The dtype of a computation follows the dtype of its input, without touching JAX's global settings."""

from __future__ import annotations

from contextlib import AbstractContextManager

import jax
import numpy as np
from numpy.typing import DTypeLike

from densimeter.foundations.forking import begin_computing


def computing_in(dtype: DTypeLike) -> AbstractContextManager[None]:
    """A scope in which JAX computes in `dtype`: float64 switches 64-bit mode on, float32 switches it off.

    Raises
    ------
    TypeError
        If `dtype` is neither float32 nor float64.
    ForkedProcessError
        If JAX cannot compute in this process.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> with computing_in("float64"):
    ...     print(jnp.ones(1).dtype)
    float64
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"computations run in float32 or float64, not in {dtype}")
    begin_computing()
    return jax.enable_x64(dtype == np.float64)


def double_precision() -> AbstractContextManager[None]:
    """A scope in which JAX computes in float64."""
    return computing_in(np.float64)
