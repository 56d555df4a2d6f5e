"""The tilt t: what is added to the base log-density, bounded if the user lets it be."""

from __future__ import annotations

import math
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.networks import Network


class Bound(Protocol):
    """A map of the network's value that keeps it within ``[-limit, limit]``."""

    @property
    def limit(self) -> float:
        """The largest size of the value, infinite if there is none."""
        ...

    def __call__(self, g: jax.Array) -> jax.Array:
        """The value within the bound."""
        ...


class TanhBound(eqx.Module):
    """``B tanh(g / B)``: the identity near zero, never beyond B."""

    limit: float = eqx.field(static=True)

    def __call__(self, g: jax.Array) -> jax.Array:
        """The value within the bound."""
        return self.limit * jnp.tanh(g / self.limit)


class Unbounded(eqx.Module):
    """The network's value as it is; log Z then has no finite-sample certificate."""

    @property
    def limit(self) -> float:
        """Infinite."""
        return math.inf

    def __call__(self, g: jax.Array) -> jax.Array:
        """The value within the bound."""
        return g


class Tilt(eqx.Module):
    """``t(x) = bound(g(x))`` for one point x of shape ``(n_features,)``, nats; what training moves."""

    network: Network
    bound: Bound

    def __call__(self, x: jax.Array) -> jax.Array:
        """t(x), nats."""
        return self.bound(self.network(x))


class FinishedTilt(eqx.Module):
    """``min(strength t(x), ceiling)``: the tilt as the model keeps it.

    The strength, in [0, 1], is chosen on validation rows and draws the model back towards its base where they
    do not support what was learned. The ceiling is the highest value met while fitting: it changes the
    density nowhere that rows or draws have been, and it is what rejection sampling and the certificate of
    log Z pay for.
    """

    tilt: Tilt
    strength: Any
    ceiling: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        """t(x), nats."""
        return jnp.minimum(self.strength * self.tilt(x), self.ceiling)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value there can be, nats."""
        strength = float(self.strength)
        lowest = -strength * self.tilt.bound.limit if strength > 0 else 0.0
        return lowest, float(self.ceiling)
