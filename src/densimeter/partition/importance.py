"""log Z by importance sampling, with the diagnostics that say whether to believe it.

How the energy room calls it::

    found = partition.importance(energy, proposal, n_samples=2**16, random_state=key_or_seed)
    found.estimate                   # an Estimate: log Z, nats; ASYMPTOTIC, or less if a diagnostic failed
    found.effective_sample_size, found.pareto_k, found.chi_square
    found.log_weights                # float64 NumPy array (n_samples,)
    partition.importance_of(partition.TiltWeights(tilt, base), ...)    # the same, for weights of your own

`energy` maps one point ``(n_features,)`` to minus its unnormalised log-density; `proposal` has
``log_prob(x)`` for one point and ``sample(key, n_samples)``; both are traced by JAX inside a float64 scope.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import stdtrit

from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.densities import PointDensity
from densimeter.foundations.errors import NonFiniteError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.precision import double_precision
from densimeter.foundations.randomness import RandomState, key_from
from densimeter.partition.diagnostics import GOOD_PARETO_K, chi_square, effective_sample_size, pareto_k
from densimeter.partition.weights import EnergyWeights, LogWeights, PointFunction

BLOCK = 2**12
"""Weights computed at a time."""


@dataclass(frozen=True, slots=True)
class ImportanceResult:
    """What `importance` found.

    Attributes
    ----------
    estimate : Estimate
        log Z, nats. The guarantee is ``ASYMPTOTIC``, or ``NONE`` where `pareto_k` forbids trust, or
        ``LOWER_BOUND`` where the probe found mass that the proposal does not reach.
    effective_sample_size, pareto_k, chi_square : float
        See `densimeter.partition.diagnostics`.
    log_weights : ndarray of shape (n_samples,)
    """

    estimate: Estimate
    effective_sample_size: float
    pareto_k: float
    chi_square: float
    log_weights: np.ndarray


def importance_of(
    weights: LogWeights,
    n_samples: int = 2**16,
    *,
    confidence: float = 0.95,
    random_state: RandomState | jax.Array = None,
) -> ImportanceResult:
    """Log Z as the log-mean of `n_samples` weights drawn by ``weights(key, n)``; see `importance`."""
    n_samples = check_count("n_samples", n_samples, at_least=2)
    confidence = check_number("confidence", confidence, above=0, below=1)
    with double_precision():
        drawn = draw_log_weights(weights, key_from(random_state), n_samples)
    return _summary(drawn, confidence)


def draw_log_weights(weights: LogWeights, key: jax.Array, n_samples: int) -> np.ndarray:
    """Log weights ``(n_samples,)`` drawn block by block, so that a new count is not a new compilation.

    Raises
    ------
    NonFiniteError
        If one is NaN or +inf.
    """
    n_blocks = -(-n_samples // BLOCK)
    blocks = [np.asarray(_block(weights, jax.random.fold_in(key, index))) for index in range(n_blocks)]
    drawn = np.concatenate(blocks).astype(np.float64)[:n_samples]
    if np.isnan(drawn).any() or np.isposinf(drawn).any():
        raise NonFiniteError(
            "a log weight is NaN or +inf", "check the energy far out and the proposal's log_prob"
        )
    return drawn


@eqx.filter_jit
def _block(weights: LogWeights, key: jax.Array) -> jax.Array:
    return weights(key, BLOCK).astype(jnp.float64)


def log_mean(log_weights: np.ndarray) -> float:
    """``log mean exp``, nats."""
    largest = float(log_weights.max())
    return largest if largest == -math.inf else largest + math.log(np.exp(log_weights - largest).mean())


def _summary(log_weights: np.ndarray, confidence: float) -> ImportanceResult:
    size, n = effective_sample_size(log_weights), len(log_weights)
    shape, distance = pareto_k(log_weights), chi_square(log_weights)
    value = log_mean(log_weights)
    method = f"importance sampling, {n} weights"
    if value == -math.inf:
        nothing = Estimate(value, value, math.inf, confidence, f"{method}, all zero", Guarantee.NONE)
        return ImportanceResult(nothing, size, shape, distance, log_weights)
    # delta method: the error of log Z is the relative error of Z, whose variance is chi_square / (n - 1)
    error = float(stdtrit(n - 1, (1 + confidence) / 2)) * math.sqrt(distance / (n - 1))
    trusted = shape <= GOOD_PARETO_K
    estimate = Estimate(
        value,
        value - error,
        value + error,
        confidence,
        method if trusted else f"{method}, Pareto k {shape:.2f}: weights too uneven",
        Guarantee.ASYMPTOTIC if trusted else Guarantee.NONE,
    )
    return ImportanceResult(estimate, size, shape, distance, log_weights)


def importance(
    energy: PointFunction,
    proposal: PointDensity,
    n_samples: int = 2**16,
    *,
    confidence: float = 0.95,
    random_state: RandomState | jax.Array = None,
) -> ImportanceResult:
    """Importance-sampling estimate of ``log Z``, ``Z = ∫ exp(-energy(x)) dx``, in nats."""
    return importance_of(
        EnergyWeights(energy, proposal), n_samples, confidence=confidence, random_state=random_state
    )
