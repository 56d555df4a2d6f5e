"""log Z by annealed importance sampling, from below and, with exact samples of the target, from above."""

from __future__ import annotations

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.densities import PointDensity
from densimeter.foundations.diagnostics import chi_square, effective_sample_size, log_mean
from densimeter.foundations.errors import DataError, NonFiniteError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.precision import double_precision
from densimeter.foundations.randomness import RandomState, key_from
from densimeter.foundations.tracing import check_point_density, check_point_function
from densimeter.partition.annealing import Bridge, Schedule, pilot, transition
from densimeter.partition.weights import PointFunction


@dataclass(frozen=True, slots=True)
class AnnealedResult:
    """What `annealed` found.

    Attributes
    ----------
    estimate : Estimate
        log Z, nats. From forward chains alone a ``LOWER_BOUND``. With exact samples an interval from the
        lower end of `forward` to the upper end of `reverse`, ``ASYMPTOTIC``; if these ends are crossed, one
        that promises nothing (``NONE``).
    forward : Estimate
        Stochastic lower bound: exp of its value is unbiased for Z, so its value lies below log Z on average.
    reverse : Estimate or None
        Stochastic upper bound, likewise; None without exact samples.
    crossed : bool
        Whether the lower end of `forward` lies above the upper end of `reverse`. They are never sorted: a
        crossing says that the samples were not exact, or that the errors of the weights are underestimated.
    effective_sample_size : float
        Of the forward weights.
    acceptance_rate : float
        Mean over the forward transitions.
    schedule : Schedule
        As the pilot run froze it.
    forward_log_weights, reverse_log_weights : ndarray of shape (n_chains,), or None
    """

    estimate: Estimate
    forward: Estimate
    reverse: Estimate | None
    crossed: bool
    effective_sample_size: float
    acceptance_rate: float
    schedule: Schedule
    forward_log_weights: np.ndarray
    reverse_log_weights: np.ndarray | None


def annealed(
    energy: PointFunction,
    base: PointDensity,
    *,
    exact_samples: ArrayLike | None = None,
    n_chains: int = 1024,
    n_temperatures: int = 256,
    confidence: float = 0.95,
    random_state: RandomState | jax.Array = None,
) -> AnnealedResult:
    r"""Bounds on ``log Z`` by annealed importance sampling between `base` and ``exp(-energy)``.

    .. math:: \log w = \sum_k (\beta_k - \beta_{k-1}) (-E(x_{k-1}) - \log q(x_{k-1})), \qquad E[w] = Z

    A chain starts at an exact sample of the base and moves by Hamiltonian Monte Carlo at each temperature;
    the temperatures, step sizes and scales come from a pilot run with other random numbers. Started at
    *exact* samples of the target and run backwards, the same sum has ``E[1/w] = 1/Z``. Costs about
    ``8 n_chains n_temperatures`` gradients of the energy each way, in float64.

    Parameters
    ----------
    energy : callable
        Minus the unnormalised log-density of one point ``(n_features,)``, differentiable; +inf outside.
    base : PointDensity
        Its support must hold the target's.
    exact_samples : array of shape (n, n_features), optional
        Independent exact samples of the target, for the upper bound. Samples of a Markov chain will not do.
    n_chains, n_temperatures : int
    confidence : float
        Of the interval; of its one end, where there is one.
    random_state : seed, generator or JAX key

    Returns
    -------
    AnnealedResult

    Raises
    ------
    SettingError
        If JAX cannot trace or differentiate the energy, or the base is no density of one point.
    DataError
        If the exact samples are not finite rows of the right width.
    FitError
        If the target has no mass at any sample of the base.
    NonFiniteError
        If an energy is NaN.

    References
    ----------
    Neal, "Annealed importance sampling", Statistics and Computing 11 (2001). Grosse, Ghahramani and Adams,
    "Sandwiching the marginal likelihood using bidirectional Monte Carlo" (2015).

    Examples
    --------
    >>> from densimeter.foundations.densities import Gaussian
    >>> base = Gaussian(jnp.zeros(2), jnp.eye(2))
    >>> found = annealed(lambda x: 2 * (x - 3) @ (x - 3), base, n_chains=256, random_state=0)
    >>> found.estimate.guarantee.value, abs(found.estimate.value - math.log(math.pi / 2)) < 0.1
    ('lower bound', True)
    """
    n_chains = check_count("n_chains", n_chains, at_least=2)
    n_temperatures = check_count("n_temperatures", n_temperatures, at_least=2)
    confidence = check_number("confidence", confidence, above=0, below=1)
    check_point_function(energy, check_point_density(base, "the base"), "the energy", gradient=True)
    pilot_key, forward_key, reverse_key = jax.random.split(key_from(random_state), 3)
    bridge, ends = Bridge(energy, base), None
    with double_precision():
        schedule = pilot(bridge, pilot_key).refined(n_temperatures)
        starts = base.sample(forward_key, n_chains).astype(jnp.float64)
        forward, acceptance = _weights(bridge, forward_key, starts, schedule)
        if exact_samples is not None:
            rows = _checked_rows(exact_samples, schedule.variances.shape[1])
            backwards = Schedule(*(column[::-1] for column in schedule))
            ends, _ = _weights(bridge, reverse_key, jnp.asarray(rows), backwards)
    return _result(schedule, forward, ends, acceptance, confidence)


def _checked_rows(rows: ArrayLike, n_features: int) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    if rows.ndim != 2 or rows.shape[1] != n_features or len(rows) < 2 or not np.isfinite(rows).all():
        raise DataError(
            f"exact_samples of shape {rows.shape} are not finite rows of {n_features} features",
            "give at least two exact samples of the target",
        )
    return rows


def _weights(bridge: Bridge, key: jax.Array, rows: jax.Array, schedule: Schedule) -> tuple[np.ndarray, float]:
    keys = jax.random.split(jax.random.fold_in(key, 1), len(rows))
    log_weights, acceptance = _chains(bridge, keys, rows, schedule)
    log_weights = np.asarray(log_weights)
    if np.isnan(log_weights).any() or np.isposinf(log_weights).any():
        raise NonFiniteError(
            "an annealed log weight is NaN or +inf", "check the energy between base and target"
        )
    return log_weights, float(acceptance)


@eqx.filter_jit
def _chains(
    bridge: Bridge, keys: jax.Array, rows: jax.Array, schedule: Schedule
) -> tuple[jax.Array, jax.Array]:
    """Log weights of chains that follow the schedule in the order given, and their mean acceptance.

    A step from temperature a to b adds ``|b - a|`` times the log ratio, and moves the chain at b. The last
    move is one too many, and harmless. Reversed, the moves must come before the weights they follow forwards,
    which is the same order: at each temperature, weigh with what the chain is, then move.
    """
    betas, steps, variances = (jnp.asarray(column) for column in schedule)
    stages = (jnp.abs(jnp.diff(betas)), betas[1:], steps[1:], variances[1:])

    def chain(key: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        def stage(carry, numbers):
            x, total, key = carry
            gap, beta, step, variances = numbers
            key, move_key = jax.random.split(key)
            total = total + gap * bridge.log_ratio(x)
            x, acceptance = transition(bridge, move_key, x, beta, step, variances)
            return (x, total, key), acceptance

        start = (x, jnp.zeros((), x.dtype), key)
        (_, total, _), acceptances = jax.lax.scan(stage, start, stages)
        return total, acceptances.mean()

    log_weights, acceptance = jax.vmap(chain)(keys, rows)
    return log_weights, acceptance.mean()


def _error(log_weights: np.ndarray, tail: float) -> float:
    """One-sided delta-method error of the log-mean weight.

    Weights that are all equal say nothing of others, but none is negative: a share p of others would have
    been missed n times with probability ``(1 - p)^n``, so the mean is at least ``1 - p`` of what was seen.
    """
    degrees = len(log_weights) - 1
    if np.ptp(log_weights) <= 1e-12:
        return -math.log(tail) / len(log_weights)
    return float(stdtrit(degrees, 1 - tail)) * math.sqrt(chi_square(log_weights) / degrees)


def _result(
    schedule: Schedule,
    forward: np.ndarray,
    backward: np.ndarray | None,
    acceptance: float,
    confidence: float,
) -> AnnealedResult:
    tail = (1 - confidence) / (1 if backward is None else 2)
    low, method = log_mean(forward), f"annealed importance sampling, {len(forward)} chains"
    below = Estimate(low, low - _error(forward, tail), math.inf, 1 - tail, method, Guarantee.LOWER_BOUND)
    above, crossed, both = None, False, below
    if backward is not None:
        high = -log_mean(-backward)
        method = f"reverse annealing, {len(backward)} exact samples"
        error = _error(-backward, tail)
        above = Estimate(high, -math.inf, high + error, 1 - tail, method, Guarantee.UPPER_BOUND)
        crossed = below.lower > above.upper
        both = _between(below, above, confidence)
    size = effective_sample_size(forward)
    return AnnealedResult(both, below, above, crossed, size, acceptance, schedule, forward, backward)


def _between(below: Estimate, above: Estimate, confidence: float) -> Estimate:
    """From the lower bound's lower end to the upper bound's upper end, if they are not crossed."""
    middle = (below.value + above.value) / 2
    if below.lower > above.upper:
        method = f"bidirectional annealing, ends crossed: {below.lower:.4g} > {above.upper:.4g}"
        return Estimate(middle, -math.inf, math.inf, confidence, method, Guarantee.NONE)
    method = f"bidirectional annealing, {below.method}"
    value = min(max(middle, below.lower), above.upper)
    return Estimate(value, below.lower, above.upper, confidence, method, Guarantee.ASYMPTOTIC)
