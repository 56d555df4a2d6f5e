"""From a divergence and two densities to an `Estimate`: closed form, quadrature, or samples.

In this order, the first that applies: infinite because the supports say so; a closed form; infinite because
the integrand does not fall off; quadrature in one or two dimensions, if its error is small and both densities
are normalised; Monte Carlo.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from densimeter.foundations.cubature import Integral, Tolerances, integrate
from densimeter.foundations.diagnostics import GOOD_PARETO_K, log_mean, tail_shape
from densimeter.foundations.errors import SettingError
from densimeter.foundations.estimates import ALL_EQUAL, Estimate, Guarantee, SampleMean
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.variational.densities import RowDensity
from densimeter.variational.measures import Divergence

QUADRATURE = Tolerances(relative=1e-9, absolute=1e-10, max_evaluations=3 * 10**6)
GOOD_ERROR = 1e-3
N_HINTS = 256
"""Samples of each density near which quadrature looks for peaks."""
MASS_TOLERANCE = 0.02
"""A density whose integral is farther from 1 is not normalised; an estimated log Z may err by less."""
_OVERFLOW = 1e150
"""Coordinates beyond it square to infinity: a density of zero there says nothing about its support."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two densities on the same space and a divergence of the first from the second."""

    divergence: Divergence
    p: RowDensity
    q: RowDensity

    def integrand(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """``log_scale, factor, log_p, log_q`` at rows; `_InfiniteError` where p lives and q is zero."""
        log_p, log_q = self.p.log_prob(rows), self.q.log_prob(rows)
        if self.divergence.infinite_outside:
            lone = np.isneginf(log_q) & ~np.isneginf(log_p)
            if (lone & (np.abs(rows) < _OVERFLOW).all(axis=1)).any():
                raise _InfiniteError
            log_p = np.where(lone, -math.inf, log_p)
        return *self.divergence.integrand(log_p, log_q), log_p, log_q


class _InfiniteError(Exception):
    """A point where p is positive and q is zero was met."""


Method = Callable[[Pair, np.random.Generator, int, float], Estimate | None]
"""A way to estimate a divergence, given samples' number and a confidence; None if it does not apply."""


def infinite(pair: Pair, *_: object) -> Estimate | None:
    """Infinity where the known supports say so."""
    inside = (pair.p.lower >= pair.q.lower).all() and (pair.p.upper <= pair.q.upper).all()
    return None if inside or not pair.divergence.infinite_outside else _infinity(pair)


def _infinity(pair: Pair) -> Estimate:
    return Estimate.exact(math.inf, f"{pair.p.name} has mass where {pair.q.name} is zero")


def closed_form(pair: Pair, *_: object) -> Estimate | None:
    """The formula, where there is one."""
    p, q = pair.p, pair.q
    if p.known is None or q.known is None or not _on_one_support(p, q):
        return None
    value = pair.divergence.closed_form(p.known, q.known)
    return None if value is None else Estimate.exact(value, "closed form")


def _on_one_support(p: RowDensity, q: RowDensity) -> bool:
    return bool((p.lower == q.lower).all() and (p.upper == q.upper).all())


def endless_tail(pair: Pair, generator: np.random.Generator, *_: object) -> Estimate | None:
    """Infinity where, along an axis, r times the integrand does not fall even ten thousand widths away."""
    if not pair.divergence.infinite_outside:
        return None
    low, middle, high = np.quantile(pair.p.sample(1024, generator), [0.25, 0.5, 0.75], axis=0)
    radii = 10.0 ** np.arange(4, 9)
    for axis, side in itertools.product(range(pair.p.n_features), (-1, 1)):
        rows = np.tile(middle, (len(radii), 1))
        rows[:, axis] += side * radii * max(high[axis] - low[axis], 1e-300)
        if not ((rows > pair.p.lower) & (rows < pair.p.upper)).all():
            continue
        log_scale, factor = pair.divergence.integrand(pair.p.log_prob(rows), pair.q.log_prob(rows))
        if not (np.isfinite(log_scale) & np.isfinite(factor) & (factor > 0)).all():
            continue
        if (np.diff(log_scale + np.log(factor) + np.log(radii)) >= -1e-6).all():
            return Estimate(
                math.inf, math.inf, math.inf, 1.0, "the integrand does not fall off", Guarantee.BOUNDED
            )
    return None


def quadrature(pair: Pair, generator: np.random.Generator, *_: object) -> Estimate | None:
    """Adaptive quadrature in one or two dimensions; None if it fails, or a mass is not 1."""
    if pair.p.n_features > 2:
        return None
    drawn = [density.stratified_sample(N_HINTS, generator) for density in (pair.p, pair.q)]
    hints = np.concatenate([rows for strata in drawn for _, rows in strata])
    lost = [_lost_mass(density, hints) for density in (pair.p, pair.q)]
    if any(share is None for share in lost):
        return None
    lower, upper = pair.p.lower, pair.p.upper
    if pair.divergence.symmetric:
        lower, upper = np.minimum(lower, pair.q.lower), np.maximum(upper, pair.q.upper)
    try:
        found = integrate(lambda rows: pair.integrand(rows)[:2], lower, upper, QUADRATURE, hints)
    except _InfiniteError:
        return _infinity(pair)
    if not _good_enough(found):
        return None
    slack = sum(share for share in lost if share is not None)  # an error of log Z goes through one to one
    error, method = found.error, f"adaptive Gauss-Kronrod, {found.n_evaluations} points"
    ends = [pair.divergence.finish(found.log_scale, found.value + sign * error) for sign in (-1, 0, 1)]
    return _within(pair, ends, slack, 1.0, method, Guarantee.BOUNDED)


def _lost_mass(density: RowDensity, hints: np.ndarray) -> float | None:
    """``|log ∫ density|``; None if the integral is not found, or falls short: a peak may hide from it.

    Raises
    ------
    SettingError
        If the integral is well above 1.
    """
    found = integrate(
        lambda rows: (density.log_prob(rows), np.ones(len(rows))),
        density.lower,
        density.upper,
        QUADRATURE,
        hints,
    )
    if found.value <= 0 or not _good_enough(found):
        return None
    log_mass = found.log_scale + math.log(found.value)
    if log_mass > MASS_TOLERANCE:
        raise _unnormalised(density, f"integrates to {math.exp(log_mass):.4g}")
    return abs(log_mass) if log_mass > -MASS_TOLERANCE else None


def _good_enough(found: Integral) -> bool:
    """Whether the error, stated in any case, is at least smaller than that of a million samples."""
    return found.converged or found.error <= GOOD_ERROR * max(
        abs(found.value), math.exp(min(-found.log_scale, 700.0))
    )


def _unnormalised(density: RowDensity, finding: str) -> SettingError:
    return SettingError(
        f"{density.name} is not a normalised density: it {finding}",
        "subtract its log normaliser; densimeter.partition computes it",
    )


def monte_carlo(
    pair: Pair, generator: np.random.Generator, n_samples: int, confidence: float
) -> Estimate | None:
    """The mean over samples of p (of both, for a symmetric divergence), with its normal interval."""
    sampled = [pair.p, pair.q] if pair.divergence.symmetric else [pair.p]
    _check_overlap(pair, generator)
    try:
        drawn = [
            (share / len(sampled), *_log_values(pair, rows))
            for density in sampled
            for share, rows in density.stratified_sample(n_samples, generator)
        ]
    except _InfiniteError:
        return _infinity(pair)
    scale = max(float(log_values.max()) for _, log_values, _ in drawn)
    scale = 0.0 if scale == -math.inf else scale
    strata = [(share, np.exp(log_values - scale) * signs) for share, log_values, signs in drawn]
    mean = SampleMean.of(strata, confidence)
    ends = [pair.divergence.finish(scale, mean.value + sign * mean.error) for sign in (-1, 0, 1)]
    method, guarantee = f"Monte Carlo, {n_samples} samples", Guarantee.ASYMPTOTIC
    if len(strata) > len(sampled):
        method += " by components"
    if mean.all_equal:
        ends, method, guarantee = [0.0, ends[1], math.inf], f"{method}, {ALL_EQUAL}", Guarantee.NONE
        return _within(pair, ends, 0.0, confidence, method, guarantee)
    shape = max(tail_shape(sign * _terms(strata)) for sign in (1, -1))
    if shape > GOOD_PARETO_K and math.isinf(pair.divergence.most):  # bounded terms have no tail
        method += f", tail too heavy (Pareto k {shape:.2f}): the mean may be infinite"
        guarantee = Guarantee.NONE
    return _within(pair, ends, 0.0, confidence, method, guarantee)


def _terms(strata: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """What is added up to the mean, times the number of draws: of all strata together."""
    n_draws = sum(len(part) for _, part in strata)
    return np.concatenate([part * (share * n_draws / len(part)) for share, part in strata])


def _log_values(pair: Pair, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log size and sign of the integrand at rows, over the density that they are samples of."""
    log_scale, factor, log_p, log_q = pair.integrand(rows)
    log_sampled = np.logaddexp(log_p, log_q) - math.log(2) if pair.divergence.symmetric else log_p
    with np.errstate(divide="ignore"):
        return log_scale - log_sampled + np.log(np.abs(factor)), np.sign(factor)


def _check_overlap(pair: Pair, generator: np.random.Generator, n_samples: int = 1024) -> None:
    """For samples of a normalised a, ``E_a[b / a] <= 1``: far above it, one of the two is not normalised."""
    for a, b in ((pair.p, pair.q), (pair.q, pair.p)):
        rows = a.sample(n_samples, generator)
        log_ratio = b.log_prob(rows) - a.log_prob(rows)
        mean = math.exp(min(log_mean(log_ratio), 700.0))
        ratio = np.exp(np.minimum(log_ratio, 700.0))
        if mean - 6 * float(ratio.std()) / math.sqrt(n_samples) > 1 + MASS_TOLERANCE:
            raise _unnormalised(b, f"has {mean:.4g} times the mass that {a.name} leaves for it")


def _within(
    pair: Pair, ends: list[float], slack: float, confidence: float, method: str, guarantee: Guarantee
) -> Estimate:
    """The interval cut to what a divergence can be, from zero to its largest value."""
    lower, value, upper = (min(max(float(end), 0.0), pair.divergence.most) for end in ends)
    lower, upper = max(lower - slack, 0.0), min(upper + slack, pair.divergence.most)
    return Estimate(value, lower, upper, confidence, method, guarantee)


def estimate(
    pair: Pair, methods: list[Method], n_samples: int, confidence: float, random_state: RandomState
) -> Estimate:
    """What the first of the methods that applies finds."""
    generator = generator_from(random_state)
    for method in methods:
        found = method(pair, generator, n_samples, confidence)
        if found is not None:
            return found
    raise SettingError(
        f"that method does not apply to {pair.p.name} and {pair.q.name}", "leave method='auto'"
    )
