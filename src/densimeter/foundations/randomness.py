"""One way from a scikit-learn `random_state` to the generators used inside."""

from __future__ import annotations

from typing import TypeAlias

import jax
import numpy as np
from sklearn.utils import check_random_state

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


def key_from(random_state: RandomState | jax.Array) -> jax.Array:
    """A JAX random key (threefry) drawn from `random_state`; a key is returned as it is.

    Examples
    --------
    >>> bool((jax.random.key_data(key_from(3)) == jax.random.key_data(key_from(3))).all())
    True
    """
    if isinstance(random_state, jax.Array):
        return random_state
    words = generator_from(random_state).integers(2**32, size=2, dtype=np.uint32)
    return jax.random.wrap_key_data(jax.numpy.asarray(words), impl="threefry2x32")
