"""The training loop: jitted scans of steps, averaged weights, early stopping on validation likelihood."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from densimeter.energy.base import MixtureBase
from densimeter.energy.objectives.contract import Batch, Learned, Objective
from densimeter.energy.proposal import Proposal
from densimeter.energy.tilt import Tilt
from densimeter.foundations.errors import NonFiniteError
from densimeter.foundations.progress import Progress, silent

STRENGTHS = (0.0, 0.25, 0.5, 0.7, 0.85, 1.0)
"""The factors by which validation rows may weaken a tilt."""


@dataclass(frozen=True)
class Plan:
    """How to train: everything that is fixed before the first step. Hashable, so that it compiles in."""

    objective: Objective
    proposal: Proposal
    max_steps: int = 3000
    batch_size: int = 512
    n_proposals: int = 4096
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    averaging: float = 0.99
    patience: int = 8
    round_steps: int = 100

    @property
    def optimiser(self) -> optax.GradientTransformation:
        """AdamW under a cosine schedule with a short warm-up, the gradient's norm clipped."""
        warm_up = max(self.max_steps // 50, 1)
        schedule = optax.warmup_cosine_decay_schedule(
            0.0, self.learning_rate, warm_up, max(self.max_steps, warm_up + 1)
        )
        return optax.chain(
            optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=self.weight_decay)
        )


class Folds(NamedTuple):
    """Training rows by fold ``(F, n, d)``, how many of each fold are rows ``(F,)``, and each fold's base.

    The base of a fold was fitted without the fold's rows, and its leaves carry a leading axis of F.
    """

    rows: jax.Array
    counts: jax.Array
    bases: MixtureBase


class Validation(NamedTuple):
    """Rows that base and tilt have not seen ``(n, d)``, weights (0 for padding), draws of the base."""

    rows: jax.Array
    weights: jax.Array
    points: jax.Array


class State(eqx.Module):
    """Everything that changes from step to step; with the key it determines the rest of the run."""

    step: jax.Array
    learned: Learned
    averaged: Tilt
    optimiser: Any
    memory: Any


class Trace(NamedTuple):
    """One number per step: the loss and the effective share of the proposal's draws."""

    loss: jax.Array
    effective_share: jax.Array


@dataclass
class Best:
    """The averaged tilt with the best validation gain so far, and the history that led to it."""

    tilt: Tilt
    gain: float = 0.0
    strength: float = 0.0
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    tilt: Tilt, folds: Folds, validation: Validation, plan: Plan, key: jax.Array, progress: Progress = silent
) -> Best:
    """The tilt that validates best among the rounds of a run.

    Raises
    ------
    NonFiniteError
        If a loss is not finite; its reason names the step.
    """
    best = Best(tilt)
    for state, trace in rounds(start(tilt, folds, plan, key), folds, plan, key):
        record_round(best, state, trace, validation, plan)
        step = int(state.step)
        progress(step, plan.max_steps, f"validation gain {best.gain:.4f} nats per row")
        if step - best.step >= plan.patience * plan.round_steps:
            break
    return best


@eqx.filter_jit
def start(tilt: Tilt, folds: Folds, plan: Plan, key: jax.Array) -> State:
    """The state before the first step."""
    learned, memory = plan.objective.start(tilt, _draw_batch(folds, plan, key))
    optimiser = plan.optimiser.init(eqx.filter(learned, eqx.is_inexact_array))
    return State(jnp.zeros((), jnp.int32), learned, tilt, optimiser, memory)


def rounds(state: State, folds: Folds, plan: Plan, key: jax.Array) -> Iterator[tuple[State, Trace]]:
    """The state after each round of steps, with the round's trace, until the plan's steps are spent."""
    while int(state.step) < plan.max_steps:
        after, trace = advance(state, folds, plan, key)
        finite = np.isfinite(np.asarray(trace.loss))
        if not finite.all():
            step = int(state.step) + int(np.argmin(finite)) + 1
            raise NonFiniteError(
                f"the loss stopped being finite at step {step}",
                "lower learning_rate, bound the tilt with tilt_bound, or look for extreme rows",
            )
        state = after
        yield state, trace


@eqx.filter_jit
def advance(state: State, folds: Folds, plan: Plan, key: jax.Array) -> tuple[State, Trace]:
    """One round of steps in one compiled scan."""
    dynamic, static = eqx.partition(state, eqx.is_array)

    def body(carry: Any, _: None) -> tuple[Any, Trace]:
        after, trace = _step(eqx.combine(carry, static), folds, plan, key)
        return eqx.filter(after, eqx.is_array), trace

    dynamic, trace = jax.lax.scan(body, dynamic, None, length=plan.round_steps)
    return eqx.combine(dynamic, static), trace


def _step(state: State, folds: Folds, plan: Plan, key: jax.Array) -> tuple[State, Trace]:
    batch = _draw_batch(folds, plan, jax.random.fold_in(key, state.step))
    (loss, told), gradient = eqx.filter_value_and_grad(plan.objective.loss, has_aux=True)(
        state.learned, state.memory, batch
    )
    parameters = eqx.filter(state.learned, eqx.is_inexact_array)
    updates, optimiser = plan.optimiser.update(gradient, state.optimiser, parameters)
    learned = eqx.apply_updates(state.learned, updates)
    averaged = _average(state.averaged, learned.tilt, plan.averaging, state.step)
    after = State(state.step + 1, learned, averaged, optimiser, told.memory)
    return after, Trace(loss, told.effective_share)


def _draw_batch(folds: Folds, plan: Plan, key: jax.Array) -> Batch:
    for_fold, for_rows, for_objective = jax.random.split(key, 3)
    fold = jax.random.randint(for_fold, (), 0, folds.counts.shape[0])
    index = jax.random.randint(for_rows, (plan.batch_size,), 0, folds.counts[fold])
    base = jax.tree.map(lambda leaf: leaf[fold], folds.bases)
    return Batch(folds.rows[fold, index], base, plan.proposal, plan.n_proposals, for_objective)


def _average(averaged: Tilt, latest: Tilt, decay: float, step: jax.Array) -> Tilt:
    """Exponential moving average of the weights, its memory short at first and `decay` later."""
    keep = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    blend = lambda old, new: keep * old + (1 - keep) * new if eqx.is_inexact_array(old) else old  # noqa: E731
    return jax.tree.map(blend, averaged, latest)


def record_round(best: Best, state: State, trace: Trace, validation: Validation, plan: Plan) -> None:
    """Append the round to the history, and keep its tilt if it validates better than any before."""
    gains = np.asarray(validation_gains(state.averaged, validation))
    winner = int(np.argmax(gains))
    best.history.append(
        {
            "step": int(state.step),
            "loss": float(np.mean(trace.loss)),
            "validation_gain": float(gains[winner]),
            "strength": STRENGTHS[winner],
            "effective_share": float(np.mean(trace.effective_share)),
        }
    )
    if gains[winner] > best.gain:
        best.tilt, best.gain = state.averaged, float(gains[winner])
        best.strength, best.step = STRENGTHS[winner], int(state.step)


@eqx.filter_jit
def validation_gains(tilt: Tilt, validation: Validation) -> jax.Array:
    """Validation log-likelihood per row above the base's, nats, for each of `STRENGTHS`; shape ``(S,)``."""
    on_rows, on_points = jax.vmap(tilt)(validation.rows), jax.vmap(tilt)(validation.points)
    mean = jnp.vdot(validation.weights, on_rows) / validation.weights.sum()
    strengths = jnp.asarray(STRENGTHS, on_rows.dtype)
    log_z = jax.nn.logsumexp(strengths[:, None] * on_points, axis=1) - math.log(len(on_points))
    return strengths * mean - log_z
