"""A finite-sample two-sided interval for log Z when the importance weights are bounded.

How the energy room calls it, for p(x) = base(x) exp(tilt(x)) / Z with ``|tilt| <= B``::

    result = partition.certificate(
        partition.TiltWeights(tilt, base),     # both Equinox modules: new parameters do not recompile
        bounds=(-B, B),                        # of the log weights, known beforehand, never from the samples
        width=0.01, confidence=0.95, max_samples=2**24, random_state=key_or_seed,
    )
    result.estimate          # an Estimate with Guarantee.CERTIFIED
    result.width_reached     # False when max_samples ended first: still valid, only wider
    result.n_samples

For an energy and any other proposal, give ``partition.EnergyWeights(energy, proposal)`` instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.precision import double_precision
from densimeter.foundations.randomness import RandomState, key_from
from densimeter.partition.weights import LogWeights

BLOCK = 2**13
"""Weights drawn at a time: large enough for the matrix products, small enough for the cache."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What `certificate` found.

    Attributes
    ----------
    estimate : Estimate
        log Z, nats, with ``Guarantee.CERTIFIED`` (``EXACT`` if the bounds leave no room).
    n_samples : int
        Weights drawn.
    n_looks : int
        How often the interval could have been inspected; the failure probability was split over all of them.
    width_reached : bool
        Whether the interval is as narrow as asked. If not, `max_samples` ended first: the interval is valid
        all the same.
    """

    estimate: Estimate
    n_samples: int
    n_looks: int
    width_reached: bool


def certificate(
    weights: LogWeights,
    *,
    bounds: tuple[float, float],
    width: float = 0.01,
    confidence: float = 0.95,
    max_samples: int = 2**24,
    random_state: RandomState | jax.Array = None,
) -> Certificate:
    r"""Two-sided interval for ``log Z = log E[exp(log weight)]``, valid at its very sample size.

    For weights in [a, b] with mean m and sample variance V, empirical Bernstein says

    .. math:: |m - Z| \le \sqrt{2 V \ln(4/\delta) / n} + 7 (b - a) \ln(4/\delta) / (3 (n - 1))

    with probability at least 1 - delta. Samples are doubled until ``log(upper / lower) <= width``; each of
    the looks that `max_samples` allows gets an equal part of the failure probability ``1 - confidence``, so
    that stopping at a lucky one costs nothing. The sums are float64 (a network may compute in float32: cast
    the point inside the tilt, which halves the time). Time ``O(n_samples)``, memory one block.

    Parameters
    ----------
    weights : callable
        ``weights(key, n) -> (n,)`` independent log weights (`TiltWeights`, `EnergyWeights`, or your own).
    bounds : (float, float)
        Lowest and highest log weight there can be, known beforehand. The lower may be -inf.
    width : float
        Wanted width of the interval, nats.
    confidence : float
        Coverage, in (0, 1).
    max_samples : int
        Most weights to draw; rounded up to a power of two times `BLOCK`.
    random_state : seed, generator or JAX key

    Returns
    -------
    Certificate

    Raises
    ------
    SettingError
        If the bounds are crossed or the upper one is not finite, or if a weight falls outside them (then
        they are wrong, and the interval would be).
    NonFiniteError
        If a log weight is NaN.

    References
    ----------
    Maurer and Pontil, "Empirical Bernstein bounds and sample variance penalization", COLT 2009, theorem 4.

    Examples
    --------
    >>> from densimeter.foundations.densities import Gaussian
    >>> from densimeter.partition.weights import TiltWeights
    >>> base = Gaussian(jnp.zeros(1), jnp.eye(1))
    >>> tilt = lambda x: jnp.tanh(x[0])
    >>> result = certificate(TiltWeights(tilt, base), bounds=(-1, 1), width=0.02, random_state=0)
    >>> result.estimate.guarantee.value, result.width_reached
    ('certified', True)
    """
    low, high = _checked_bounds(bounds)
    width = check_number("width", width, above=0)
    confidence = check_number("confidence", confidence, above=0, below=1)
    n_looks = 1 + max(0, math.ceil(math.log2(check_count("max_samples", max_samples) / BLOCK)))
    log_term = math.log(4 * n_looks / (1 - confidence))
    with double_precision():
        look = _doubled(weights, key_from(random_state), (low, high), log_term, width, 2 ** (n_looks - 1))
    reached = look.upper - look.lower <= width
    method = f"empirical Bernstein, {look.n_samples} weights"
    if not reached:
        method += f", max_samples ended before width {width:g}"
    if low == high:
        estimate = Estimate.exact(low, "weights without room")
    else:
        estimate = Estimate(look.value, look.lower, look.upper, confidence, method, Guarantee.CERTIFIED)
    return Certificate(estimate, look.n_samples, n_looks, reached)


class _Look(NamedTuple):
    """One inspection: log Z and its ends, after so many weights."""

    n_samples: int
    lower: float
    value: float
    upper: float


def _doubled(
    weights: LogWeights,
    key: jax.Array,
    bounds: tuple[float, float],
    log_term: float,
    width: float,
    most_blocks: int,
) -> _Look:
    """The first look whose interval is as narrow as `width`, or the last one there is."""
    sums, drawn, wanted = _Sums.empty(), 0, 1
    while True:
        sums = _add_blocks(
            weights, key, jnp.asarray(drawn), jnp.asarray(wanted), jnp.asarray(bounds[1]), sums
        )
        _check_inside(sums, *bounds)
        look = _Look(wanted * BLOCK, *_bernstein(sums, *bounds, log_term))
        if look.upper - look.lower <= width or wanted >= most_blocks:
            return look
        drawn, wanted = wanted, 2 * wanted


def _checked_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = (float(end) for end in bounds)
    if math.isnan(low) or not math.isfinite(high) or low > high:
        raise SettingError(
            f"bounds of the log weights are {bounds!r}",
            "give (lowest, highest) with a finite highest; without one use partition.importance",
        )
    return low, high


class _Sums(eqx.Module):
    """Count, mean and scatter of the weights (over exp(high)), and the extreme log weights."""

    count: jax.Array
    mean: jax.Array
    scatter: jax.Array
    lowest: jax.Array
    highest: jax.Array

    @classmethod
    def empty(cls) -> _Sums:
        zero = jnp.zeros((), jnp.float64)
        return cls(zero, zero, zero, zero + jnp.inf, zero - jnp.inf)

    @classmethod
    def of(cls, log_weights: jax.Array, high: jax.Array) -> _Sums:
        scaled = jnp.exp(log_weights - high)
        mean = scaled.mean()
        count = jnp.asarray(scaled.size, jnp.float64)
        return cls(count, mean, ((scaled - mean) ** 2).sum(), log_weights.min(), log_weights.max())

    def merge(self, other: _Sums) -> _Sums:
        """Chan, Golub and LeVeque (1983): the moments of both without cancellation."""
        count = self.count + other.count
        step = other.mean - self.mean
        return _Sums(
            count,
            self.mean + step * (other.count / count),
            self.scatter + other.scatter + step**2 * (self.count * other.count / count),
            jnp.minimum(self.lowest, other.lowest),
            jnp.maximum(self.highest, other.highest),
        )


@eqx.filter_jit
def _add_blocks(
    weights: LogWeights, key: jax.Array, start: jax.Array, stop: jax.Array, high: jax.Array, sums: _Sums
) -> _Sums:
    """`sums` and those of the blocks `start` to `stop`; block b always has the key folded with b."""

    def add(block: jax.Array, sums: _Sums) -> _Sums:
        log_weights = weights(jax.random.fold_in(key, block), BLOCK).astype(jnp.float64)
        return sums.merge(_Sums.of(log_weights, high))

    return jax.lax.fori_loop(start, stop, add, sums)


_ROUNDING = 1e-5
"""Relative overshoot of a bound that is put down to single-precision arithmetic."""


def _with_slack(low: float, high: float) -> tuple[float, float]:
    """The bounds as the inequality uses them, a rounding error wider."""
    return low - _ROUNDING * max(1.0, abs(low)), high + _ROUNDING * max(1.0, abs(high))


def _check_inside(sums: _Sums, low: float, high: float) -> None:
    lowest, highest = float(sums.lowest), float(sums.highest)
    if math.isnan(lowest) or math.isnan(highest):
        raise NonFiniteError("a log weight is NaN", "check the energy at points far from the data")
    floor, ceiling = _with_slack(low, high)
    if lowest < floor or highest > ceiling:
        raise SettingError(
            f"log weights from {lowest:g} to {highest:g} lie outside the bounds {low:g}, {high:g}",
            "give bounds that hold for every point, or use partition.importance",
        )


def _bernstein(sums: _Sums, low: float, high: float, log_term: float) -> tuple[float, float, float]:
    """Lower end, value and upper end of log Z; the ends never leave the bounds of the weights."""
    if low == high:
        return low, low, low
    count, mean, scatter = (float(number) for number in (sums.count, sums.mean, sums.scatter))
    floor, ceiling = _with_slack(low, high)
    spread = math.exp(ceiling - high) - math.exp(floor - high)
    error = math.sqrt(2 * scatter / (count - 1) * log_term / count) + 7 * spread * log_term / (
        3 * (count - 1)
    )
    value = min(max(high + _log(mean), low), high)
    return (
        min(max(high + _log(mean - error), low), value),
        value,
        max(min(high + _log(mean + error), high), value),
    )


def _log(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf
