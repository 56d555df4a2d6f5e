"""The training loop: jitted scans of steps, averaged weights, early stopping on validation likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from densimeter.energy.base import Base
from densimeter.energy.objectives.contract import Batch, Learned, Objective
from densimeter.energy.proposal import Proposal
from densimeter.energy.tilt import Tilt
from densimeter.energy.validation import Validation, judge
from densimeter.foundations.errors import NonFiniteError
from densimeter.foundations.progress import Progress, silent


@dataclass(frozen=True)
class Plan:
    """How to train: everything that is fixed before the first step. Hashable, so that it compiles in.

    Steps are taken in rounds of `round_steps`, after each of which the tilt is validated; `max_steps` is
    rounded up to whole rounds, the learning rate being zero beyond it.
    """

    objective: Objective
    proposal: Proposal
    max_steps: int = 1500
    batch_size: int = 512
    n_proposals: int = 2048
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    averaging: float = 0.99
    patience: int = 6
    round_steps: int = 100

    @property
    def optimiser(self) -> optax.GradientTransformation:
        """AdamW under a cosine schedule with a short warm-up, the gradient's norm clipped at one."""
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
    bases: Base


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


class DivergedError(NonFiniteError):
    """Training met a number that is not finite.

    Attributes
    ----------
    step : int
        The step that met it.
    last_good : State
        The state after the last round of steps in which every number was finite.
    best : Best
        The best tilt until then.
    """

    def __init__(self, step: int, last_good: State, best: Best):
        good = int(last_good.step)
        super().__init__(
            f"the loss stopped being finite at step {step}; the last good state is that of step {good}",
            "lower learning_rate, bound the tilt with tilt_bound, or look for extreme rows",
        )
        self.step = step
        self.last_good = last_good
        self.best = best


Keep = Any
"""Called as ``keep(state, best)`` after every round; see `checkpoint`."""


def train(
    state: State,
    best: Best,
    folds: Folds,
    validation: Validation,
    plan: Plan,
    key: jax.Array,
    *,
    keep: Keep = lambda state, best: None,
    progress: Progress = silent,
) -> Best:
    """Go on from a state until the steps are spent or validation has not gained for `patience` rounds.

    Raises
    ------
    DivergedError
        If a loss is not finite.
    """
    for after, trace in _rounds(state, best, folds, plan, key):
        _record(best, after, trace, validation)
        keep(after, best)
        progress(int(after.step), plan.max_steps, f"validation gain {best.gain:.4f} nats per row")
    return best


@eqx.filter_jit
def start(tilt: Tilt, folds: Folds, plan: Plan, key: jax.Array) -> State:
    """The state before the first step."""
    learned, memory = plan.objective.start(tilt, folds.bases, key)
    optimiser = plan.optimiser.init(eqx.filter(learned, eqx.is_inexact_array))
    return State(jnp.zeros((), jnp.int32), learned, tilt, optimiser, memory)


def _rounds(
    state: State, best: Best, folds: Folds, plan: Plan, key: jax.Array
) -> Iterator[tuple[State, Trace]]:
    """The state after each round of steps and its trace, until it is time to stop."""
    while int(state.step) < plan.max_steps and _has_patience(int(state.step), best, plan):
        after, trace = advance(state, folds, plan, key)
        finite = np.isfinite(np.asarray(trace.loss))
        if not finite.all():
            raise DivergedError(int(state.step) + int(np.argmin(finite)) + 1, state, best)
        state = after
        yield state, trace


def _has_patience(step: int, best: Best, plan: Plan) -> bool:
    return step - best.step < plan.patience * plan.round_steps


@eqx.filter_jit
def advance(state: State, folds: Folds, plan: Plan, key: jax.Array) -> tuple[State, Trace]:
    """One round of steps in one compiled scan."""
    dynamic, static = eqx.partition(state, eqx.is_array)

    def body(carry: Any, _: None) -> tuple[Any, Trace]:
        after, trace = _step(eqx.combine(carry, static), folds, plan, key)
        return eqx.filter(after, eqx.is_array), trace

    dynamic, trace = jax.lax.scan(body, dynamic, None, length=min(plan.round_steps, plan.max_steps))
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
    return Batch(folds.rows[fold, index], fold, base, plan.proposal, plan.n_proposals, for_objective)


def _average(averaged: Tilt, latest: Tilt, decay: float, step: jax.Array) -> Tilt:
    """Exponential moving average of the weights, its memory short at first and `decay` later."""
    keep = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, averaged, latest)


def _record(best: Best, state: State, trace: Trace, validation: Validation) -> None:
    """Append the round to the history, and keep its tilt if it validates better than any before."""
    verdict = judge(state.averaged, validation)
    if not np.isfinite(verdict.gain):
        raise DivergedError(int(state.step), state, best)
    best.history.append(
        {
            "step": int(state.step),
            "loss": float(np.mean(trace.loss)),
            "validation_gain": verdict.gain,
            "strength": verdict.strength,
            "effective_share": float(np.mean(trace.effective_share)),
        }
    )
    if verdict.gain > best.gain:
        best.tilt, best.gain = state.averaged, verdict.gain
        best.strength, best.step = verdict.strength, int(state.step)
