"""The contract of an objective: what it learns beside the tilt, what it remembers, and what it minimises."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.energy.base import MixtureBase
from densimeter.energy.proposal import Proposal
from densimeter.energy.tilt import Tilt


class Learned(eqx.Module):
    """Everything the optimiser moves: the tilt, and what the objective learns beside it (a pytree)."""

    tilt: Tilt
    extra: Any = None


class Batch(NamedTuple):
    """What one step sees: rows ``(n, d)``, the base they are tilted from, and draws that stand for it."""

    rows: jax.Array
    base: MixtureBase
    proposal: Proposal
    n_proposals: int
    key: jax.Array


class Step(NamedTuple):
    """What a step's loss tells beside its value: the memory to carry on, and the effective share of draws."""

    memory: Any
    effective_share: jax.Array


class Objective(Protocol):
    """One way to learn the tilt. Stateless: what changes is handed in and out."""

    def start(self, tilt: Tilt, batch: Batch) -> tuple[Learned, Any]:
        """The learned part and the memory before the first step."""
        ...

    def loss(self, learned: Learned, memory: Any, batch: Batch) -> tuple[jax.Array, Step]:
        """The number to minimise, whose gradient with respect to `learned` is the step, and what it tells."""
        ...


def effective_share(log_weights: jax.Array) -> jax.Array:
    """Kish's effective sample size over the sample size: ``(sum w)^2 / (n sum w^2)``, in (0, 1]."""
    twice = 2 * jax.nn.logsumexp(log_weights) - jax.nn.logsumexp(2 * log_weights)
    return jnp.exp(twice) / log_weights.shape[0]
