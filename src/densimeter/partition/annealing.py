"""The bridge from a base density to a target: a schedule of temperatures and the transitions between them.

    log pi_beta(x) = (1 - beta) log base(x) - beta energy(x),      0 <= beta <= 1

A pilot run (tempered particles, resampled) chooses the temperatures so that neighbours differ equally, and
tunes the step size and the scale of each coordinate at each of them. All of it is frozen then: a schedule
that looked at the chains it serves would bias the weights.
"""

from __future__ import annotations

from typing import NamedTuple

import blackjax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from blackjax.smc.resampling import systematic

from densimeter.foundations.densities import PointDensity
from densimeter.foundations.diagnostics import effective_sample_size
from densimeter.foundations.errors import FitError, NonFiniteError
from densimeter.partition.weights import PointFunction

N_LEAPFROG = 8
"""Gradient evaluations of one Hamiltonian transition."""
WANTED_ACCEPTANCE = 0.8
N_PARTICLES = 512
_KEPT = 0.8
"""Effective share of the pilot's particles after each of its temperatures."""
_MOST_TEMPERATURES = 500
_ROUNDS = 4
"""Transitions of the pilot at each temperature, the step size tuned after each."""

_hamiltonian = blackjax.hmc.build_kernel()


class Bridge(eqx.Module):
    """The family pi_beta between a base and a target."""

    energy: PointFunction
    base: PointDensity

    def log_ratio(self, x: jax.Array) -> jax.Array:
        """``-energy - log base``, the derivative of log pi_beta in beta, at one point."""
        return -self.energy(x) - self.base.log_prob(x)

    def log_density(self, beta: jax.Array, x: jax.Array) -> jax.Array:
        """``log pi_beta``, unnormalised."""
        return (1 - beta) * self.base.log_prob(x) - beta * self.energy(x)


class Schedule(NamedTuple):
    """Temperatures ``(T,)`` from 0 to 1, and for each a step size and variances ``(T, n_features)``."""

    inverse_temperatures: np.ndarray
    step_sizes: np.ndarray
    variances: np.ndarray

    def refined(self, n_temperatures: int) -> Schedule:
        """`n_temperatures` of them, spread evenly over the index: neighbours still differ equally."""
        old = np.linspace(0, 1, len(self.step_sizes))
        new = np.linspace(0, 1, n_temperatures)
        variances = [np.interp(new, old, np.log(column)) for column in self.variances.T]
        return Schedule(
            np.interp(new, old, self.inverse_temperatures),
            np.exp(np.interp(new, old, np.log(self.step_sizes))),
            np.exp(np.column_stack(variances)),
        )


def transition(
    bridge: Bridge, key: jax.Array, x: jax.Array, beta: jax.Array, step: jax.Array, variances: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """One Hamiltonian Monte Carlo step of one chain, reversible with respect to pi_beta; and its acceptance.

    The step size is shaken by a third, so that no orbit closes on itself.
    """
    shake_key, key = jax.random.split(key)

    def log_density(x: jax.Array) -> jax.Array:
        return bridge.log_density(beta, x)

    state = blackjax.hmc.init(x, log_density)
    shaken = step * jax.random.uniform(shake_key, minval=2 / 3, maxval=4 / 3)
    state, info = _hamiltonian(key, state, log_density, shaken, variances, N_LEAPFROG)
    return state.position, info.acceptance_rate


@eqx.filter_jit
def _move(
    bridge: Bridge, key: jax.Array, rows: jax.Array, beta: jax.Array, step: jax.Array, variances: jax.Array
) -> tuple[jax.Array, jax.Array]:
    keys = jax.random.split(key, len(rows))
    moved, acceptance = jax.vmap(lambda k, x: transition(bridge, k, x, beta, step, variances))(keys, rows)
    return moved, acceptance.mean()


@eqx.filter_jit
def _start(bridge: Bridge, key: jax.Array) -> jax.Array:
    return bridge.base.sample(key, N_PARTICLES).astype(jnp.float64)


@eqx.filter_jit
def _log_ratios(bridge: Bridge, rows: jax.Array) -> jax.Array:
    return jax.vmap(bridge.log_ratio)(rows)


def pilot(bridge: Bridge, key: jax.Array) -> Schedule:
    """The schedule that a run of tempered particles finds.

    Raises
    ------
    FitError
        If the target has no mass where the base has samples, or the temperatures do not reach 1.
    NonFiniteError
        If an energy is NaN or -inf.
    """
    key, start_key = jax.random.split(key)
    rows = _start(bridge, start_key)
    beta, step = 0.0, 1.0 / np.sqrt(rows.shape[1])
    found = [(beta, step, _variances(rows))]
    while beta < 1:
        if len(found) == _MOST_TEMPERATURES:
            raise FitError(f"annealing needs over {_MOST_TEMPERATURES} temperatures", "give a closer base")
        ratios = _checked(np.asarray(_log_ratios(bridge, rows)))
        added = _increment(ratios, 1 - beta)
        beta = min(beta + added, 1.0)
        key, resample_key, *move_keys = jax.random.split(key, 2 + _ROUNDS)
        rows = rows[_resampled(added * ratios, resample_key)]
        variances = _variances(rows)
        for move_key in move_keys:
            rows, acceptance = _move(
                bridge, move_key, rows, jnp.asarray(beta), jnp.asarray(step), jnp.asarray(variances)
            )
            step *= float(np.exp(acceptance - WANTED_ACCEPTANCE))
        found.append((beta, step, variances))
    return Schedule(*(np.array(column) for column in zip(*found, strict=True)))


def _checked(ratios: np.ndarray) -> np.ndarray:
    if np.isnan(ratios).any() or np.isposinf(ratios).any():
        raise NonFiniteError(
            "the energy is NaN or -inf at a sample of the base", "give +inf outside the support"
        )
    if np.isneginf(ratios).all():
        raise FitError(
            "the target has no mass at any sample of the base", "give a base that covers the target"
        )
    return ratios


def _increment(ratios: np.ndarray, most: float) -> float:
    """The largest step in beta that keeps the effective share of the particles, by bisection."""
    low, high = 0.0, most
    if effective_sample_size(high * np.maximum(ratios, -1e300)) >= _KEPT * len(ratios):
        return most
    for _ in range(60):
        middle = (low + high) / 2
        kept = effective_sample_size(middle * np.maximum(ratios, -1e300)) >= _KEPT * len(ratios)
        low, high = (middle, high) if kept else (low, middle)
    return high


def _resampled(log_weights: np.ndarray, key: jax.Array) -> np.ndarray:
    weights = np.exp(log_weights - log_weights.max())
    drawn = systematic(key, jnp.asarray(weights / weights.sum()), len(weights))
    return np.asarray(drawn)


def _variances(rows: jax.Array) -> np.ndarray:
    variances = np.asarray(rows).var(axis=0)
    return np.where(variances > 0, variances, 1.0)
