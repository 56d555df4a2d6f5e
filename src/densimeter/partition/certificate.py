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

import jax
import jax.numpy as jnp

from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.errors import SettingError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.precision import double_precision
from densimeter.foundations.randomness import RandomState, key_from
from densimeter.foundations.tracing import check_log_weights
from densimeter.partition.bernstein import BLOCK, Sums, add_blocks, bernstein, check_inside, spread
from densimeter.partition.weights import LogWeights


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

    with probability at least 1 - delta. A pilot block foretells how many samples it takes; from there on
    they are doubled until ``log(upper / lower) <= width``. The failure probability ``1 - confidence`` is
    split over all the looks there may be, so that stopping at a lucky one costs nothing. The sums are float64
    (a network may compute in float32: cast the point inside the tilt, which halves the time). Time
    ``O(n_samples)``, memory one block.

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
        Most weights to draw, besides the pilot's; rounded up to a multiple of `BLOCK`.
    random_state : seed, generator or JAX key

    Returns
    -------
    Certificate

    Raises
    ------
    SettingError
        If the bounds are crossed or the upper one is not finite, or if a weight falls outside them (then
        they are wrong, and the interval would be), or JAX cannot trace the weights.
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
    check_log_weights(weights, BLOCK)
    most = -(-check_count("max_samples", max_samples) // BLOCK)
    pilot_key, key = jax.random.split(key_from(random_state))
    goal = _Goal(low, high, width, 1 - confidence)
    with double_precision():
        pilot = add_blocks(weights, pilot_key, *_blocks(0, 1), jnp.asarray(high), Sums.empty())
        check_inside(pilot, low, high)
        looks = _planned(pilot, goal, most)
        look = _first_narrow(weights, key, looks, goal)
    reached = look.upper - look.lower <= width
    method = f"empirical Bernstein, {look.n_samples} weights"
    if not reached:
        method += f", max_samples ended before width {width:g}"
    if low == high:
        estimate = Estimate.exact(low, "weights without room")
    else:
        estimate = Estimate(look.value, look.lower, look.upper, confidence, method, Guarantee.CERTIFIED)
    return Certificate(estimate, look.n_samples, len(looks), reached)


class _Look(NamedTuple):
    """One inspection: log Z and its ends, after so many weights."""

    n_samples: int
    lower: float
    value: float
    upper: float


class _Goal(NamedTuple):
    """Bounds of the log weights, the wanted width, and the failure probability to spend."""

    low: float
    high: float
    width: float
    failure: float


def _planned(pilot: Sums, goal: _Goal, most: int) -> list[tuple[int, float]]:
    """Looks: after how many blocks, and with what part of the failure probability.

    The pilot's weights are used for nothing else, so the first look, where they foretell success, may depend
    on them. Each later one has twice as many blocks and half of the failure probability left, the last all.
    """
    blocks = min(max(1, _foretold(pilot, goal) // BLOCK + 1), most)
    looks, left = [], goal.failure
    while blocks < most:
        looks.append((blocks, left / 2))
        blocks, left = min(2 * blocks, most), left / 2
    return [*looks, (most, left)]


def _foretold(pilot: Sums, goal: _Goal) -> int:
    """Samples after which the interval would be narrow enough, were the pilot's moments the true ones."""
    mean, variance = float(pilot.mean), float(pilot.scatter / (pilot.count - 1))
    error = 0.95 * mean * math.tanh(goal.width / 2)
    if error <= 0:
        return 2**62
    log_term = _log_term(goal.failure / 2)
    random, bounded = math.sqrt(2 * variance * log_term), 7 * spread(goal.low, goal.high) * log_term / 3
    # error = random / sqrt(n) + bounded / n, solved for sqrt(n)
    root = (random + math.sqrt(random**2 + 4 * error * bounded)) / (2 * error)
    return min(math.ceil(root**2), 2**62)


def _first_narrow(weights: LogWeights, key: jax.Array, looks: list[tuple[int, float]], goal: _Goal) -> _Look:
    """The first look whose interval is as narrow as wanted, or the last one there is."""
    sums, drawn = Sums.empty(), 0
    for blocks, failure in looks[:-1]:
        sums = add_blocks(weights, key, *_blocks(drawn, blocks), jnp.asarray(goal.high), sums)
        drawn, look = blocks, _looked(sums, blocks, failure, goal)
        if look.upper - look.lower <= goal.width:
            return look
    blocks, failure = looks[-1]
    sums = add_blocks(weights, key, *_blocks(drawn, blocks), jnp.asarray(goal.high), sums)
    return _looked(sums, blocks, failure, goal)


def _blocks(start: int, stop: int) -> tuple[jax.Array, jax.Array]:
    """As arrays, so that other numbers are not another compilation."""
    return jnp.asarray(start), jnp.asarray(stop)


def _looked(sums: Sums, blocks: int, failure: float, goal: _Goal) -> _Look:
    check_inside(sums, goal.low, goal.high)
    return _Look(blocks * BLOCK, *bernstein(sums, goal.low, goal.high, _log_term(failure)))


def _log_term(failure: float) -> float:
    """``ln(2 / delta)`` of the theorem, with delta half of the failure probability on either side."""
    return math.log(4 / failure)


def _checked_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = (float(end) for end in bounds)
    if math.isnan(low) or not math.isfinite(high) or low > high:
        raise SettingError(
            f"bounds of the log weights are {bounds!r}",
            "give (lowest, highest) with a finite highest; without one use partition.importance",
        )
    return low, high
