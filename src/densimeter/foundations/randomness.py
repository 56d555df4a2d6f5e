"""One way from a scikit-learn `random_state` to the generators used inside."""

from __future__ import annotations

from typing import Any, TypeAlias

import jax
import numpy as np
from sklearn.utils import check_random_state

from densimeter.foundations.forking import begin_computing

RandomState: TypeAlias = int | np.random.RandomState | np.random.Generator | None
"""What a user may give: a seed, a generator that is advanced by its use, or None for fresh entropy."""


def generator_from(random_state: RandomState) -> np.random.Generator:
    """A NumPy generator: the same seed gives the same stream, a generator given is used as it is.

    Examples
    --------
    >>> a, b = generator_from(7), generator_from(7)
    >>> bool(a.random() == b.random())
    True
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
    check_random_state(random_state)  # its error message is the one scikit-learn users know
    return np.random.default_rng(random_state)


def odds_from(weights: np.ndarray) -> np.ndarray:
    """Weights ``(n,)`` as bounds of 32-bit numbers, for `drawn_rows`; float32 would not tell a million apart.

    Examples
    --------
    >>> odds_from(np.array([1.0, 3.0]))
    array([1073741824, 4294967295], dtype=uint32)
    """
    shares = np.cumsum(np.asarray(weights, np.float64))
    return np.minimum(np.floor(shares / shares[-1] * 2.0**32), 2**32 - 1).astype(np.uint32)


def drawn_rows(key: jax.Array, n_draws: int, n_rows: Any, odds: jax.Array | None = None) -> jax.Array:
    """Numbers of `n_draws` rows of `n_rows`, all equally likely, or by `odds`; traceable by JAX."""
    if odds is None:
        return jax.random.randint(key, (n_draws,), 0, n_rows)
    found = jax.numpy.searchsorted(odds, jax.random.bits(key, (n_draws,), "uint32"), side="right")
    return jax.numpy.minimum(found, n_rows - 1)


def key_from(random_state: RandomState | jax.Array) -> jax.Array:
    """A JAX random key (threefry) drawn from `random_state`; a key is returned as it is.

    Examples
    --------
    >>> bool((jax.random.key_data(key_from(3)) == jax.random.key_data(key_from(3))).all())
    True
    """
    if isinstance(random_state, jax.Array):
        return random_state
    begin_computing()
    words = generator_from(random_state).integers(2**32, size=2, dtype=np.uint32)
    return jax.random.wrap_key_data(jax.numpy.asarray(words), impl="threefry2x32")
