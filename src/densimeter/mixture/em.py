"""The loop of expectation-maximisation, for several restarts at once.

Rows that fit one piece run in a compiled loop, one restart after the other and their groups side by side on
all processors; a host loop drives the compiled E-step over longer tables, all restarts in each pass. Both
stop a restart when its mean log-likelihood changes by less than the tolerance. Rows with missing cells, where
EM is slow, have a loop of their own (`acceleration`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.foundations.precision import computing_in
from densimeter.mixture.acceleration import Limits, run_together
from densimeter.mixture.estep import ONE_THREAD, Chart, local_step, natural_step, sweep
from densimeter.mixture.families import NO_FLOOR, Family, Floor, Parameters
from densimeter.mixture.frame import Frame
from densimeter.mixture.sources import Piece, Resident, Source
from densimeter.mixture.workers import in_order, n_threads

TOLERATED_ERROR = {np.dtype(np.float64): 1e-7, np.dtype(np.float32): 1e-2}
"""Worst error of a log-density, in nats, beyond which the E-step takes differences first; by dtype.

Rounding errors are rarely all of one sign: the errors seen are some thirty times smaller than this bound.
"""

GROUP = 5
"""Restarts of a compiled call, idle ones among them: one program serves any number of restarts."""
BOUNDS_AT_ONCE = 128
"""Iterations of a compiled call: so many bounds it has room for, whatever the limit of iterations."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When to stop, and the floor of covariances in the frame."""

    tol: float
    max_iter: int
    floor: Floor
    reached: float = -np.inf
    """The bound that the run before this one reached, if this goes on from it."""
    left: float = np.inf
    """Nats over all rows: a converged restart goes on while Aitken's rule lets it expect to gain more."""


@dataclass(frozen=True, slots=True)
class Progression:
    """Where each restart stands: arrays with a leading axis of restarts.

    `lower_bound` is the mean log-likelihood, nats per unit of weight in the user's coordinates, of the
    parameters before the last M-step; `history` ``(R, n)`` has it for every iteration, NaN for those in which
    a restart stood still.
    """

    parameters: Parameters
    lower_bound: Any
    n_iter: Any
    converged: Any
    active: Any
    history: Any

    @classmethod
    def start(cls, parameters: Parameters, rules: Rules) -> Progression:
        """Before the first iteration."""
        n = len(parameters.weights)
        return cls(
            parameters,
            np.full(n, rules.reached),
            np.zeros(n, np.int32),
            np.zeros(n, bool),
            np.full(n, rules.max_iter > 0),
            np.empty((n, 0)),
        )


def run(
    family: Family, frame: Frame, source: Source, dtype: np.dtype, start: Parameters, rules: Rules
) -> Progression:
    """EM from `start` over a source of rows, until every restart has converged or used up its iterations.

    A restart whose likelihood is not finite stops where it is.
    """
    if not source.complete:
        return _run_accelerated(family, frame, source, dtype, start, rules)
    state = Progression.start(start, rules)
    piece = source.single if isinstance(source, Resident) else None
    if piece is not None:
        state = _run_compiled(family, frame, piece, dtype, state, rules)
    with np.errstate(all="ignore"):  # what is not finite stops its restart
        return _run_on_host(family, frame, source, dtype, state, rules)


def _run_accelerated(
    family: Family, frame: Frame, source: Source, dtype: np.dtype, start: Parameters, rules: Rules
) -> Progression:
    """The loop over rows with missing cells."""

    def step(parameters: Parameters) -> tuple[Parameters, np.ndarray, float]:
        sums = natural_step(family, frame, source, dtype, parameters)
        moved = sums.finish(family, len(frame.location), rules.floor)
        return moved, sums.mean_log_likelihood, sums.weight

    rounding = 4 * float(np.finfo(dtype).eps) if rules.tol > 0 else 0.0
    with np.errstate(all="ignore"):  # what is not finite stops its restart
        runs = run_together(family, start, step, Limits(rules.tol, rounding, rules.max_iter))
    history = np.full((len(runs), max(len(run.bounds) for run in runs)), np.nan)
    for row, run in zip(history, runs, strict=True):
        row[: len(run.bounds)] = run.bounds
    return Progression(
        Parameters(*(np.stack(parts) for parts in zip(*(run.parameters for run in runs), strict=True))),
        np.array([run.bounds[-1] for run in runs]),
        np.array([len(run.bounds) for run in runs]),
        np.array([run.converged for run in runs]),
        np.zeros(len(runs), bool),
        history,
    )


def _run_on_host(
    family: Family, frame: Frame, source: Source, dtype: np.dtype, state: Progression, rules: Rules
) -> Progression:
    """The loop over whatever restarts are still active, finished ones dropping out of the computation."""
    n_features = len(frame.location)
    while state.active.any():
        chosen = _bucketed(np.flatnonzero(state.active), len(state.active))
        current = Parameters(*(part[chosen] for part in state.parameters))
        theta = family.natural(current)
        error = np.finfo(dtype).eps * np.nanmax(family.cancellation(theta, current), initial=0.0)
        if error > TOLERATED_ERROR[dtype] and source.complete:
            sums = local_step(family, frame, source, dtype, current)
            local = family.maximise(sums.sums, n_features, NO_FLOOR)
            moved = family.from_local(local, current, rules.floor)
        else:
            sums = natural_step(family, frame, source, dtype, current, theta)
            moved = sums.finish(family, n_features, rules.floor)
        state = _advance(state, chosen, moved, sums.mean_log_likelihood, rules)
    return state


def _bucketed(active: np.ndarray, n_restarts: int) -> np.ndarray:
    """The active restarts, some twice, so that their number takes few values."""
    return np.resize(active, min(bucket_size(len(active), smallest=1), n_restarts))


def _advance(
    state: Progression, chosen: np.ndarray, moved: Parameters, bound: np.ndarray, rules: Rules
) -> Progression:
    parameters = Parameters(*(part.copy() for part in state.parameters))
    for whole, part in zip(parameters, moved, strict=True):
        whole[chosen] = part
    lower_bound, converged = state.lower_bound.copy(), state.converged.copy()
    n_iter, active = state.n_iter.copy(), state.active.copy()
    with np.errstate(invalid="ignore"):
        converged[chosen] = np.abs(bound - state.lower_bound[chosen]) < rules.tol
    lower_bound[chosen] = bound
    n_iter[chosen] = state.n_iter[chosen] + 1
    active[chosen] = ~converged[chosen] & np.isfinite(bound) & (n_iter[chosen] < rules.max_iter)
    seen = np.full((len(active), 1), np.nan)
    seen[chosen, 0] = bound
    return Progression(parameters, lower_bound, n_iter, converged, active, np.hstack([state.history, seen]))


def _run_compiled(
    family: Family, frame: Frame, piece: Piece, dtype: np.dtype, state: Progression, rules: Rules
) -> Progression:
    """The loop in compiled calls; restarts that need differences first are left active."""
    chart = Chart.of(frame, np.arange(len(frame.location)), dtype)
    limit = dtype.type(TOLERATED_ERROR[dtype] / np.finfo(dtype).eps)
    floor = jax.tree.map(lambda part: part.astype(dtype), rules.floor)
    stops = dtype.type(rules.tol), dtype.type(rules.left), np.int32(rules.max_iter)
    fixed = chart, piece, floor, *stops, limit
    state = replace(state, lower_bound=state.lower_bound - frame.log_jacobian)
    state = jax.tree.map(lambda part: part.astype(dtype) if part.dtype == float else part, state)
    places = _groups(len(state.active))
    grouped = jax.tree.map(lambda part: part[places], state)
    grouped = replace(grouped, active=grouped.active & (places >= 0))

    def compute(group: int) -> Progression:
        with computing_in(dtype):
            return _run_group(family, jax.tree.map(lambda part: part[group], grouped), fixed)

    ended = _joined([part for _, part in in_order(range(len(places)), compute)])
    ended = jax.tree.map(lambda part: part[places.ravel() >= 0], ended)
    unfinished = ~ended.converged & np.isfinite(ended.lower_bound) & (ended.n_iter < rules.max_iter)
    history = ended.history + frame.log_jacobian
    return Progression(
        Parameters(*(part.astype(np.float64) for part in ended.parameters)),
        ended.lower_bound.astype(np.float64) + frame.log_jacobian,
        ended.n_iter,
        ended.converged,
        unfinished | (ended.n_iter == 0),
        history[:, ~np.isnan(history).all(axis=0)],
    )


def _groups(n_restarts: int) -> np.ndarray:
    """The restarts of each group, ``(n_groups, GROUP)``, -1 for idle places: as many groups as threads."""
    n_groups = max(-(-n_restarts // GROUP), min(n_restarts, n_threads()))
    places = np.full((n_groups, GROUP), -1)
    for place, members in zip(places, np.array_split(np.arange(n_restarts), n_groups), strict=True):
        place[: len(members)] = members
    return places


def _run_group(family: Family, state: Progression, fixed: tuple[Any, ...]) -> Progression:
    """Compiled calls until every restart of the group stands."""
    seen = np.full((GROUP, BOUNDS_AT_ONCE), np.nan, state.lower_bound.dtype)
    histories: list[np.ndarray] = []
    while not histories or state.active.any():
        state = jax.tree.map(np.asarray, _loop(family, replace(state, history=seen), *fixed))
        histories.append(state.history)
    return replace(state, history=np.hstack(histories))


def _joined(parts: list[Progression]) -> Progression:
    """The restarts of several groups, histories in float64 and as long as the longest."""
    longest = max(part.history.shape[1] for part in parts)
    joined = jax.tree.map(
        lambda *fields: np.concatenate(fields), *(replace(p, history=p.active) for p in parts)
    )
    history = np.full((len(joined.active), longest), np.nan)
    for first, part in zip(range(0, len(history), GROUP), parts, strict=True):
        history[first : first + GROUP, : part.history.shape[1]] = part.history
    return replace(joined, history=history)


@partial(jax.jit, static_argnums=0, compiler_options=ONE_THREAD)
def _loop(
    family: Family,
    begun: Progression,
    chart: Chart,
    piece: Piece,
    floor: Floor,
    tol: jax.Array,
    left: jax.Array,
    max_iter: jax.Array,
    limit: jax.Array,
) -> Progression:
    """For each restart as many iterations as the history has room for, or until it stands."""
    total_weight = piece.weights.sum()
    n_features = begun.parameters.means.shape[-1]
    room = begun.history.shape[1]

    def step(turn: tuple[jax.Array, Progression]) -> tuple[jax.Array, Progression]:
        i, state = turn
        theta = family.natural(state.parameters)
        on = state.active & (family.cancellation(theta, state.parameters) < limit)
        sums, log_likelihood = sweep(family, theta[None], chart, piece)
        moved = family.maximise(sums[0], n_features, floor)
        bound = jnp.where(on, log_likelihood[0] / total_weight, state.lower_bound)
        settled = jnp.where(on, jnp.abs(bound - state.lower_bound) < tol, state.converged)
        n_iter = state.n_iter + on
        parameters = jax.tree.map(partial(jnp.where, on), moved, state.parameters)
        gain, gain_before = bound - state.lower_bound, state.lower_bound - state.history[i - 2]
        rate = jnp.minimum(gain / gain_before, 1 - 1e-6)
        nothing = total_weight * gain < 1e-3 * left  # far above rounding, which must not decide
        is_little = nothing | (total_weight * gain * rate < left * (1 - rate)) | jnp.isinf(left)
        going = on & ~(settled & is_little) & jnp.isfinite(bound) & (n_iter < max_iter)
        history = state.history.at[i].set(jnp.where(on, bound, jnp.nan))
        return i + 1, Progression(parameters, bound, n_iter, settled, going, history)

    def unfinished(turn: tuple[jax.Array, Progression]) -> jax.Array:
        return turn[1].active & (turn[0] < room)

    def run_one(state: Progression) -> Progression:
        return jax.lax.while_loop(unfinished, step, (jnp.int32(0), state))[1]

    return jax.lax.map(run_one, begun)


jax.tree_util.register_dataclass(
    Progression,
    data_fields=["parameters", "lower_bound", "n_iter", "converged", "active", "history"],
    meta_fields=[],
)
