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
from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import stdtrit

from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.densities import PointDensity
from densimeter.foundations.diagnostics import (
    GOOD_PARETO_K,
    chi_square,
    effective_sample_size,
    log_mean,
    pareto_k,
)
from densimeter.foundations.errors import NonFiniteError
from densimeter.foundations.estimates import ALL_EQUAL, Estimate, Guarantee, SampleMean
from densimeter.foundations.precision import double_precision
from densimeter.foundations.randomness import RandomState, key_from
from densimeter.foundations.tracing import check_log_weights, check_point_density, check_point_function
from densimeter.partition.probe import log_unreached
from densimeter.partition.weights import EnergyWeights, LogWeights, PointFunction

BLOCK = 2**12
"""Weights computed at a time."""
PROBES = 2**13
"""Points of the broad probe for missed modes."""


@dataclass(frozen=True, slots=True)
class ImportanceResult:
    """What `importance` found.

    Attributes
    ----------
    estimate : Estimate
        log Z, nats. The guarantee is ``ASYMPTOTIC``; ``NONE`` where `pareto_k` forbids trust;
        ``LOWER_BOUND``, with an infinite upper end, where a probe found mass out of the proposal's reach.
        Weights that are all equal promise nothing (``NONE``) and have infinite ends: so they are where the
        proposal is the target, but also where every sample missed the mass that lies elsewhere.
    effective_sample_size, pareto_k, chi_square : float
        See `densimeter.foundations.diagnostics`.
    log_weights : ndarray of shape (n_samples,)
    """

    estimate: Estimate
    effective_sample_size: float
    pareto_k: float
    chi_square: float
    log_weights: np.ndarray


def importance(
    energy: PointFunction,
    proposal: PointDensity,
    n_samples: int = 2**16,
    *,
    confidence: float = 0.95,
    random_state: RandomState | jax.Array = None,
) -> ImportanceResult:
    r"""Importance-sampling estimate of ``log Z``, ``Z = ∫ exp(-energy(x)) dx``, in nats.

    .. math:: \hat Z = \frac1n \sum_i w_i, \qquad \log w_i = -E(x_i) - \log q(x_i), \qquad x_i \sim q

    The interval is the delta method's, ``log Z^ ± t sqrt(chi_square / (n - 1))``. It is believed only if the
    Pareto shape of the weights allows it, and if a broad probe (`densimeter.partition.probe`) finds no mass
    that the proposal's samples never reach. Neither can see a mode far beyond both: if weights are bounded,
    `certificate` rules that out. Costs ``n_samples + 2^13`` energies; runs in float64.

    Parameters
    ----------
    energy : callable
        Minus the unnormalised log-density of one point ``(n_features,)``; +inf outside the support.
    proposal : PointDensity
        With ``log_prob(x)`` and ``sample(key, n)``; its support must hold the target's.
    n_samples : int
    confidence : float
    random_state : seed, generator or JAX key

    Returns
    -------
    ImportanceResult

    Raises
    ------
    SettingError
        If JAX cannot trace the energy or the proposal, or they do not return one number for a point.
    NonFiniteError
        If a weight is NaN or infinite.

    References
    ----------
    Owen, "Monte Carlo theory, methods and examples" (2013), chapter 9.

    Examples
    --------
    >>> from densimeter.foundations.densities import Gaussian
    >>> proposal = Gaussian(jnp.zeros(2), 1.3 * jnp.eye(2))
    >>> found = importance(lambda x: 0.5 * x @ x, proposal, random_state=0)
    >>> found.estimate.contains(math.log(2 * math.pi)), found.pareto_k < 0.7
    (True, True)
    """
    n_samples = check_count("n_samples", n_samples, at_least=2)
    confidence = check_number("confidence", confidence, above=0, below=1)
    check_point_function(energy, check_point_density(proposal, "the proposal"), "the energy")
    weights = EnergyWeights(energy, proposal)
    key, probe_key = jax.random.split(key_from(random_state))
    with double_precision():
        found = _summary(_drawn(weights, key, n_samples), confidence)
        points = np.asarray(_rows(proposal, key))
        unreached = log_unreached(weights, points, float(found.log_weights.max()), probe_key, PROBES)
    return _told_of(found, unreached)


def importance_of(
    weights: LogWeights,
    n_samples: int = 2**16,
    *,
    confidence: float = 0.95,
    random_state: RandomState | jax.Array = None,
) -> ImportanceResult:
    """Log Z as the log-mean of weights drawn by ``weights(key, n)``: `importance` without its probe."""
    n_samples = check_count("n_samples", n_samples, at_least=2)
    confidence = check_number("confidence", confidence, above=0, below=1)
    check_log_weights(weights, n_samples)
    with double_precision():
        return _summary(_drawn(weights, key_from(random_state), n_samples), confidence)


def _drawn(weights: LogWeights, key: jax.Array, n_samples: int) -> np.ndarray:
    """Log weights ``(n_samples,)``, block by block, so that a new count is not a new compilation."""
    blocks = [
        np.asarray(_block(weights, jax.random.fold_in(key, index))) for index in range(-(-n_samples // BLOCK))
    ]
    drawn = np.concatenate(blocks).astype(np.float64)[:n_samples]
    if np.isnan(drawn).any() or np.isposinf(drawn).any():
        raise NonFiniteError(
            "a log weight is NaN or +inf", "check the energy far out and the proposal's log_prob"
        )
    return drawn


@eqx.filter_jit
def _block(weights: LogWeights, key: jax.Array) -> jax.Array:
    return weights(key, BLOCK).astype(jnp.float64)


@eqx.filter_jit
def _rows(proposal: PointDensity, key: jax.Array) -> jax.Array:
    """A few rows, to tell the probe where the proposal lies."""
    return proposal.sample(key, 1024)


def _summary(log_weights: np.ndarray, confidence: float) -> ImportanceResult:
    size, n = effective_sample_size(log_weights), len(log_weights)
    shape, distance = pareto_k(log_weights), chi_square(log_weights)
    value = log_mean(log_weights)
    method = f"importance sampling, {n} weights"
    if value == -math.inf:
        nothing = Estimate(value, value, math.inf, confidence, f"{method}, all zero", Guarantee.NONE)
        return ImportanceResult(nothing, size, shape, distance, log_weights)
    if _all_equal(log_weights):
        told = Estimate(value, -math.inf, math.inf, confidence, f"{method}, {ALL_EQUAL}", Guarantee.NONE)
        return ImportanceResult(told, size, shape, distance, log_weights)
    # delta method: the error of log Z is the relative error of Z, whose variance is chi_square / (n - 1)
    error = float(stdtrit(n - 1, (1 + confidence) / 2)) * math.sqrt(distance / (n - 1))
    trusted = shape <= GOOD_PARETO_K
    if not trusted:
        method += f", weights too uneven (Pareto k {shape:.2f})"
    guarantee = Guarantee.ASYMPTOTIC if trusted else Guarantee.NONE
    estimate = Estimate(value, value - error, value + error, confidence, method, guarantee)
    return ImportanceResult(estimate, size, shape, distance, log_weights)


def _all_equal(log_weights: np.ndarray) -> bool:
    """One number: the proposal is the target, or all its samples missed what lies elsewhere."""
    return SampleMean.of([(1.0, np.exp(log_weights - log_weights.max()))], 0.5).all_equal


def _told_of(found: ImportanceResult, log_mass: float) -> ImportanceResult:
    """`found` with its upper end given up if the unreached mass exceeds the error it admits to.

    Beyond the largest of n weights there is always some mass, of the order of 1 / n.
    """
    estimate = found.estimate
    share = math.exp(min(log_mass - estimate.value, 700.0)) if log_mass > -math.inf else 0.0
    equal = estimate.method.endswith(ALL_EQUAL)
    width = 0.0 if equal else estimate.half_width
    judged = equal or estimate.guarantee is Guarantee.ASYMPTOTIC
    if not judged or share <= max(width, 20 / len(found.log_weights)):
        return found
    method = f"{estimate.method}, a probe found {share:.1g} times as much mass out of the proposal's reach"
    lower = estimate.lower
    if (
        equal
    ):  # a share p of other weights is missed n times with probability (1 - p)^n, and none is below zero
        lower = estimate.value + math.log1p(-estimate.confidence) / len(found.log_weights)
    told = replace(estimate, lower=lower, upper=math.inf, method=method, guarantee=Guarantee.LOWER_BOUND)
    return replace(found, estimate=told)
