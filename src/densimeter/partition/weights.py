"""Where importance weights come from: a function of a random key and a count to log weights.

The partition function of an energy E under a proposal q is a mean of weights,

    Z = ∫ exp(-E(x)) dx = E_q[w(x)],      log w(x) = -E(x) - log q(x),

and, for a density q(x) exp(t(x)) / Z with a *tilt* t, simply ``log w = t``: no cancellation, and bounded
where the tilt is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import equinox as eqx
import jax

from densimeter.foundations.densities import PointDensity

PointFunction: TypeAlias = Callable[[jax.Array], jax.Array]
"""An energy or a tilt: one point ``(n_features,)`` to one number, traceable by JAX."""


class LogWeights(Protocol):
    """Draws `n_samples` independent log weights; pure, traceable by JAX, `n_samples` a Python int."""

    def __call__(self, key: jax.Array, n_samples: int, /) -> jax.Array:
        """Log weights ``(n_samples,)``, -inf where the weight is zero."""
        ...


class EnergyWeights(eqx.Module):
    """Weights of ``exp(-energy)`` under a proposal.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from densimeter.foundations.densities import Gaussian
    >>> weights = EnergyWeights(lambda x: 0.5 * x @ x, Gaussian(jnp.zeros(2), jnp.eye(2)))
    >>> weights(jax.random.key(0), 2).round(4).tolist()  # log 2 pi, whatever the point
    [1.837..., 1.837...]
    """

    energy: PointFunction
    proposal: PointDensity

    def __call__(self, key: jax.Array, n_samples: int, /) -> jax.Array:
        """Log weights ``(n_samples,)``."""
        points = self.proposal.sample(key, n_samples)
        return jax.vmap(self.at)(points)

    def at(self, x: jax.Array) -> jax.Array:
        """Log weight of one point."""
        return -self.energy(x) - self.proposal.log_prob(x)


class TiltWeights(eqx.Module):
    """Weights of ``base(x) exp(tilt(x))`` under the base itself."""

    tilt: PointFunction
    base: PointDensity

    def __call__(self, key: jax.Array, n_samples: int, /) -> jax.Array:
        """Log weights ``(n_samples,)``."""
        return jax.vmap(self.tilt)(self.base.sample(key, n_samples))
