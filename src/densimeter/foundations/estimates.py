"""A number together with what is known about its error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit


class Guarantee(StrEnum):
    """What the interval of an `Estimate` promises."""

    EXACT = "exact"
    """The value is right to rounding; the interval has no width."""
    BOUNDED = "bounded"
    """The truth lies inside for certain, or to within a stated numerical error."""
    CERTIFIED = "certified"
    """The interval covers the truth with at least its confidence at this very sample size."""
    ASYMPTOTIC = "asymptotic"
    """The interval covers with its confidence in the limit of many samples."""
    LOWER_BOUND = "lower bound"
    """Only the lower end is promised."""
    UPPER_BOUND = "upper bound"
    """Only the upper end is promised."""
    NONE = "none"
    """A diagnostic failed: the interval is shown, and promises nothing."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, the confidence of the interval, and the method that made it.

    Parameters
    ----------
    value, lower, upper : float
        With ``lower <= value <= upper``, in the unit of the quantity (nats for log-likelihoods). Ends may
        be infinite; none may be NaN.
    confidence : float
        Probability with which the interval is meant to cover the truth, in (0, 1]; 1 for exact values.
    method : str
        How the value and its interval were obtained, in a few words.
    guarantee : Guarantee
        What the interval promises.

    Raises
    ------
    ValueError
        If an end is NaN, the ends are crossed, or the value lies outside: an estimate never hides that.

    Examples
    --------
    >>> e = Estimate(-5.13, -5.16, -5.10, confidence=0.95, method="normal")
    >>> print(e)
    -5.130 [-5.160, -5.100]
    >>> e.contains(-5.15)
    True
    >>> (e + 5).value
    -0.129...
    """

    value: float
    lower: float
    upper: float
    confidence: float
    method: str
    guarantee: Guarantee = Guarantee.ASYMPTOTIC

    def __post_init__(self) -> None:
        if not self.lower <= self.value <= self.upper:
            raise ValueError(
                f"an estimate needs lower <= value <= upper, got {self.lower}, {self.value}, {self.upper}"
            )
        if not 0 < self.confidence <= 1:
            raise ValueError(f"confidence must lie in (0, 1], got {self.confidence}")

    @classmethod
    def exact(cls, value: float, method: str = "exact") -> Estimate:
        """A value known without error."""
        return cls(value, value, value, confidence=1.0, method=method, guarantee=Guarantee.EXACT)

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return 0.0 if self.lower == self.upper else (self.upper - self.lower) / 2

    def contains(self, value: float) -> bool:
        """Whether the interval covers `value`."""
        return self.lower <= value <= self.upper

    def widen(self, below: float, above: float, method: str | None = None) -> Estimate:
        """The same value with an interval longer by `below` at the bottom and `above` at the top."""
        return replace(self, lower=self.lower - below, upper=self.upper + above, method=method or self.method)

    def __add__(self, shift: float) -> Estimate:
        return replace(self, value=self.value + shift, lower=self.lower + shift, upper=self.upper + shift)

    def __sub__(self, shift: float) -> Estimate:
        return self + (-shift)

    def __neg__(self) -> Estimate:
        mirrored = {
            Guarantee.LOWER_BOUND: Guarantee.UPPER_BOUND,
            Guarantee.UPPER_BOUND: Guarantee.LOWER_BOUND,
        }.get(self.guarantee, self.guarantee)
        return replace(self, value=-self.value, lower=-self.upper, upper=-self.lower, guarantee=mirrored)

    def to_dict(self) -> dict[str, float | str | None]:
        """The five fields that files carry; infinite ends become ``None``, as JSON has no infinity."""
        return {
            "value": _finite_or_none(self.value),
            "lower": _finite_or_none(self.lower),
            "upper": _finite_or_none(self.upper),
            "confidence": self.confidence,
            "method": self.method,
        }

    def __str__(self) -> str:
        if self.guarantee is Guarantee.EXACT:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.lower:.3f}, {self.upper:.3f}]"


@dataclass(frozen=True, slots=True)
class SampleMean:
    """The mean of draws, perhaps by strata, and the half-width of its interval.

    Attributes
    ----------
    value, error : float
        ``sum_k w_k mean_k``, and Student's t times the root of ``sum_k w_k^2 var_k / n_k``, its degrees of
        freedom by Welch and Satterthwaite.
    all_equal : bool
        Whether all draws are the same number to rounding. They then say nothing of what they never met: the
        error is zero and means nothing, and no estimate may promise anything.
    """

    value: float
    error: float
    all_equal: bool

    @classmethod
    def of(cls, strata: Sequence[tuple[float, np.ndarray]], confidence: float) -> SampleMean:
        """From the weight of each stratum and its draws ``(n_k,)``, two at least; weights sum to one.

        Examples
        --------
        >>> plain = SampleMean.of([(1.0, np.array([1.0, 2.0, 3.0]))], 0.95)
        >>> plain.value, round(plain.error, 3)  # t(2) quantile 4.303 times 1 / sqrt(3)
        (2.0, 2.484)
        >>> SampleMean.of([(1.0, np.full(100, 0.3))], 0.95).all_equal
        True
        """
        drawn = [np.asarray(values, np.float64) for _, values in strata]
        weights = np.array([weight for weight, _ in strata])
        sizes = np.array([len(values) for values in drawn])
        value = float(weights @ [values.mean() for values in drawn])
        parts = weights**2 * np.array([values.var(ddof=1) for values in drawn]) / sizes
        variance = float(parts.sum())
        low, high = min(values.min() for values in drawn), max(values.max() for values in drawn)
        if high - low <= _ROUNDING * max(abs(low), abs(high)):
            return cls(value, 0.0, True)
        freedom = variance**2 / float((parts**2 / (sizes - 1)).sum())
        error = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(variance)
        return cls(value, error, False)

    def estimate(
        self, confidence: float, method: str, guarantee: Guarantee = Guarantee.ASYMPTOTIC
    ) -> Estimate:
        """As an `Estimate`; where all draws are equal, without an end and without a promise."""
        if self.all_equal:
            return Estimate(
                self.value, -math.inf, math.inf, confidence, f"{method}, {ALL_EQUAL}", Guarantee.NONE
            )
        return Estimate(
            self.value, self.value - self.error, self.value + self.error, confidence, method, guarantee
        )


ALL_EQUAL = "all equal: what they never met is not known"
"""How a method says that its draws were of no use for an interval."""
_ROUNDING = 1e-12
"""Relative differences of draws below it are rounding."""


def _finite_or_none(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
