"""Moments of bounded weights, block by block, and what empirical Bernstein concludes from them."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp

from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.partition.weights import LogWeights

BLOCK = 2**13
"""Weights drawn at a time: large enough for the matrix products, small enough for the cache."""


class Sums(eqx.Module):
    """Count, mean and scatter of the weights (over exp(high)), and the extreme log weights."""

    count: jax.Array
    mean: jax.Array
    scatter: jax.Array
    lowest: jax.Array
    highest: jax.Array

    @classmethod
    def empty(cls) -> Sums:
        """Of no weights."""
        zero = jnp.zeros((), jnp.float64)
        return cls(zero, zero, zero, zero + jnp.inf, zero - jnp.inf)

    @classmethod
    def of(cls, log_weights: jax.Array, high: jax.Array) -> Sums:
        """Of one block of log weights ``(n,)``."""
        scaled = jnp.exp(log_weights - high)
        mean = scaled.mean()
        count = jnp.asarray(scaled.size, jnp.float64)
        return cls(count, mean, ((scaled - mean) ** 2).sum(), log_weights.min(), log_weights.max())

    def merge(self, other: Sums) -> Sums:
        """Chan, Golub and LeVeque (1983): the moments of both without cancellation."""
        count = self.count + other.count
        step = other.mean - self.mean
        return Sums(
            count,
            self.mean + step * (other.count / count),
            self.scatter + other.scatter + step**2 * (self.count * other.count / count),
            jnp.minimum(self.lowest, other.lowest),
            jnp.maximum(self.highest, other.highest),
        )


@eqx.filter_jit
def add_blocks(
    weights: LogWeights, key: jax.Array, start: jax.Array, stop: jax.Array, high: jax.Array, sums: Sums
) -> Sums:
    """`sums` and those of the blocks `start` to `stop`; block b always has the key folded with b."""

    def add(block: jax.Array, sums: Sums) -> Sums:
        log_weights = weights(jax.random.fold_in(key, block), BLOCK).astype(jnp.float64)
        return sums.merge(Sums.of(log_weights, high))

    return jax.lax.fori_loop(start, stop, add, sums)


_ROUNDING = 1e-5
"""Relative overshoot of a bound that is put down to single-precision arithmetic."""


def _with_slack(low: float, high: float) -> tuple[float, float]:
    """The bounds as the inequality uses them, a rounding error wider."""
    return low - _ROUNDING * max(1.0, abs(low)), high + _ROUNDING * max(1.0, abs(high))


def check_inside(sums: Sums, low: float, high: float) -> None:
    """Raise where a weight shows that the bounds are wrong, or is NaN."""
    lowest, highest = float(sums.lowest), float(sums.highest)
    # a compiled minimum may pass over NaN, a mean cannot
    if math.isnan(lowest) or math.isnan(highest) or math.isnan(float(sums.mean)):
        raise NonFiniteError("a log weight is NaN", "check the energy at points far from the data")
    floor, ceiling = _with_slack(low, high)
    if lowest < floor or highest > ceiling:
        raise SettingError(
            f"log weights from {lowest:g} to {highest:g} lie outside the bounds {low:g}, {high:g}",
            "give bounds that hold for every point, or use partition.importance",
        )


def bernstein(sums: Sums, low: float, high: float, log_term: float) -> tuple[float, float, float]:
    """Lower end, value and upper end of log Z; the ends never leave the bounds of the weights."""
    if low == high:
        return low, low, low
    count, mean, scatter = (float(number) for number in (sums.count, sums.mean, sums.scatter))
    room = spread(low, high)
    error = math.sqrt(2 * scatter / (count - 1) * log_term / count) + 7 * room * log_term / (3 * (count - 1))
    value = min(max(high + _log(mean), low), high)
    return (
        min(max(high + _log(mean - error), low), value),
        value,
        max(min(high + _log(mean + error), high), value),
    )


def spread(low: float, high: float) -> float:
    """Highest less lowest weight, over exp(high)."""
    floor, ceiling = _with_slack(low, high)
    return math.exp(ceiling - high) - math.exp(floor - high)


def _log(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf
