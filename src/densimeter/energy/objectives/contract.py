"""The contract of an objective: what it learns beside the tilt, what it remembers, and what it minimises."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax

from densimeter.energy.base import Base
from densimeter.energy.proposal import Proposal
from densimeter.energy.tilt import Tilt


class Learned(eqx.Module):
    """Everything the optimiser moves: the tilt, and what the objective learns beside it (a pytree)."""

    tilt: Tilt
    extra: Any = None


class Batch(NamedTuple):
    """What one step sees: rows ``(n, d)`` of one fold, the fold's base, and how to draw for it."""

    rows: jax.Array
    fold: jax.Array
    base: Base
    proposal: Proposal
    n_proposals: int
    key: jax.Array


class Step(NamedTuple):
    """What a step tells beside its loss: the memory to carry on, and the share of its draws that counts.

    The share is Kish's effective sample size over the sample size; 1 where nothing is weighted.
    """

    memory: Any
    effective_share: jax.Array


class Objective(Protocol):
    """One way to learn the tilt. Stateless: what changes is handed in and out."""

    def start(self, tilt: Tilt, bases: Base, key: jax.Array) -> tuple[Learned, Any]:
        """The learned part and the memory before the first step; `bases` has a leading axis of folds."""
        ...

    def loss(self, learned: Learned, memory: Any, batch: Batch) -> tuple[jax.Array, Step]:
        """The number to minimise, whose gradient with respect to `learned` is the step, and what it tells."""
        ...
