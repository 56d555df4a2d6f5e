"""Whether scores that claim to be log-densities integrate to one.

The integral ``∫ exp(score(x)) dx`` is estimated by importance sampling from a proposal built on the rows. A
refusal must not be wrong, so it needs more than an estimate: weights that behave, an interval far from one,
and no sign of mass that the proposal never reached; in one and two dimensions quadrature has to agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.special import ndtri

from densimeter.evaluation.covering_proposal import Frame, Proposal, Scores, covering_proposal
from densimeter.foundations.cubature import Tolerances, integrate
from densimeter.foundations.diagnostics import (
    GOOD_PARETO_K,
    chi_square,
    effective_sample_size,
    log_mean,
    pareto_k,
)
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.randomness import RandomState, generator_from

TOLERANCE = 0.05
"""Nats by which the log of the integral may differ from 0: an estimated log Z has an error of its own."""
BATCH, MOST_DRAWS = 2**12, 2**15
_CONFIDENCE = 0.9999
_FEWEST_EFFECTIVE = 100
_ROWS_USED = 20_000
_HIDDEN_SHARE = 0.01
"""Share of rows heavier than every draw from which the proposal is taken to have missed mass."""


class Verdict(StrEnum):
    """What is known of the claim."""

    NORMALISED = "normalised"
    NOT_A_DENSITY = "not a density"
    UNDECIDED = "could not tell"


@dataclass(frozen=True)
class NormalizationCheck:
    """The verdict, the estimate it stands on, and the reason in words.

    Attributes
    ----------
    verdict : Verdict
    log_integral : Estimate
        Log of the integral of the exponentiated scores, nats; 0 for a density, +inf where it diverges.
    reason : str
        One line.
    n_evaluations : int
        Rows scored for it.
    """

    verdict: Verdict
    log_integral: Estimate
    reason: str
    n_evaluations: int

    @property
    def refused(self) -> bool:
        """Whether the model has no place in a ranking by log-likelihood."""
        return self.verdict is Verdict.NOT_A_DENSITY

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "verdict": str(self.verdict),
            "log_integral": self.log_integral.to_dict(),
            "reason": self.reason,
            "n_evaluations": self.n_evaluations,
        }


def check_normalization(
    score_samples: Callable[[np.ndarray], Any], rows: np.ndarray, *, random_state: RandomState = None
) -> NormalizationCheck:
    r"""Estimate ``∫ exp(score_samples(x)) dx`` and judge the claim that it is one.

    Importance sampling with a mixture of kernels at the rows, as narrow as the scores' own peaks, and
    heavy-tailed parts; at most `MOST_DRAWS` draws, fewer where they suffice. Scores that do not fall off far
    from the rows integrate to infinity, whatever the weights say. Costs up to 40,000 rows scored; a refusal
    in one or two columns is confirmed by quadrature, with up to 400,000 more.

    Parameters
    ----------
    score_samples : callable
        Rows ``(n, d)`` to scores ``(n,)``, nats; -inf outside the support. NaN counts as -inf.
    rows : array of shape (n_samples, d)
        Rows that the model was fitted on, or like them.
    random_state : seed or generator

    Returns
    -------
    NormalizationCheck
        A false ``NOT_A_DENSITY`` is meant to be rarer than one in ten thousand; where the weights are too
        uneven the verdict is ``UNDECIDED``.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> X = np.random.default_rng(0).normal(size=(500, 1))
    >>> check_normalization(lambda x: norm.logpdf(x[:, 0]), X, random_state=0).verdict.value
    'normalised'
    >>> check_normalization(lambda x: norm.logpdf(x[:, 0]) + 1, X, random_state=0).verdict.value
    'not a density'
    """
    generator = generator_from(random_state)
    rows = np.asarray(rows, np.float64)
    rows = generator.permutation(rows)[:_ROWS_USED]
    counted = _Counted(score_samples)
    if _falls_too_slowly(counted, rows, generator):
        infinite = Estimate(math.inf, math.inf, math.inf, 1.0, "scores far from the rows", Guarantee.BOUNDED)
        reason = "the scores do not fall off far from the rows: their integral is infinite"
        return NormalizationCheck(Verdict.NOT_A_DENSITY, infinite, reason, counted.n)
    proposal = covering_proposal(counted, rows, generator)
    log_weights = _weights(counted, proposal, generator)
    check = _judge(log_weights, _hidden_share(counted, proposal, rows, log_weights), counted.n)
    if (check.refused and rows.shape[1] <= 2) or (rows.shape[1] == 1 and check.verdict is Verdict.UNDECIDED):
        check = _second_opinion(check, counted, rows)
    return replace(check, n_evaluations=counted.n)


class _Counted:
    """The scores as float64, NaN and +inf as -inf, with a count of the rows scored."""

    def __init__(self, score_samples: Callable[[np.ndarray], Any]):
        self.score_samples = score_samples
        self.n = 0

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        self.n += len(rows)
        with np.errstate(all="ignore"):
            scores = np.asarray(self.score_samples(rows), np.float64)
        return np.where(scores < np.inf, scores, -np.inf)


def _falls_too_slowly(scores: Scores, rows: np.ndarray, generator: np.random.Generator) -> bool:
    """Whether ``score + d log r`` still rises at distances r of 10^3, 10^6 and 10^9, in most directions.

    ``∫ exp(score)`` converges only if it falls. Directions are random, as a density of independent columns
    falls more slowly along the axes.
    """
    frame, d = Frame.of(rows), rows.shape[1]
    directions = generator.normal(size=(64, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    reach = [scores(frame.invert(distance * directions)) for distance in (1e3, 1e6, 1e9)]
    with np.errstate(invalid="ignore"):
        steps = np.diff(np.stack(reach), axis=0) + d * math.log(1e3)
    return bool(((steps > 0).all(axis=0)).mean() > 0.5)


def _weights(scores: Scores, proposal: Proposal, generator: np.random.Generator) -> np.ndarray:
    """Log weights, batch after batch until their mean is known well enough."""
    log_weights = np.empty(0)
    while len(log_weights) < MOST_DRAWS:
        drawn = proposal.sample(BATCH, generator)
        log_weights = np.append(log_weights, scores(drawn) - proposal.log_prob(drawn))
        if _half_width(log_weights) < TOLERANCE / 2 and _are_trusted(log_weights):
            break
    return log_weights


def _half_width(log_weights: np.ndarray) -> float:
    """Of the interval of the log mean, by the delta method."""
    z = float(ndtri((1 + _CONFIDENCE) / 2))
    return z * math.sqrt(chi_square(log_weights) / (len(log_weights) - 1))


def _are_trusted(log_weights: np.ndarray) -> bool:
    enough = effective_sample_size(log_weights) >= _FEWEST_EFFECTIVE
    return enough and pareto_k(log_weights) <= GOOD_PARETO_K


def _hidden_share(scores: Scores, proposal: Proposal, rows: np.ndarray, log_weights: np.ndarray) -> float:
    """Share of the rows heavier than every draw: there may be mass that none reached."""
    some = rows[:1000]
    return float((scores(some) - proposal.log_prob(some) > log_weights.max() + 1e-6).mean())


def _judge(log_weights: np.ndarray, hidden: float, n_evaluations: int) -> NormalizationCheck:
    value, half = log_mean(log_weights), _half_width(log_weights)
    shape, size = pareto_k(log_weights), effective_sample_size(log_weights)
    trusted = _are_trusted(log_weights) and hidden <= _HIDDEN_SHARE
    method = f"importance sampling, {len(log_weights)} draws, {size:.0f} effective"
    if not math.isfinite(half) or value == -math.inf:
        estimate = Estimate(value, -math.inf, math.inf, _CONFIDENCE, method, Guarantee.NONE)
    else:
        guarantee = Guarantee.ASYMPTOTIC if trusted else Guarantee.NONE
        estimate = Estimate(value, value - half, value + half, _CONFIDENCE, method, guarantee)
    if not trusted:
        why = f"the importance weights are too uneven to tell (Pareto k {shape:.2f}, {size:.0f} effective)"
        if hidden > _HIDDEN_SHARE:
            why = f"{hidden:.0%} of the rows are denser than any draw: the proposal may have missed mass"
        return NormalizationCheck(Verdict.UNDECIDED, estimate, why, n_evaluations)
    return NormalizationCheck(*_verdict(estimate), n_evaluations)


def _verdict(estimate: Estimate) -> tuple[Verdict, Estimate, str]:
    said = f"the scores integrate to {_number(math.exp(min(estimate.value, 700.0)))}"
    if estimate.lower > TOLERANCE or estimate.upper < -TOLERANCE:
        return Verdict.NOT_A_DENSITY, estimate, f"{said}, not to 1"
    if max(abs(estimate.lower), abs(estimate.upper)) > 4 * TOLERANCE:
        return Verdict.UNDECIDED, estimate, f"{said}, give or take {estimate.half_width:.0%}"
    return Verdict.NORMALISED, estimate, said


def _second_opinion(check: NormalizationCheck, scores: Scores, rows: np.ndarray) -> NormalizationCheck:
    """Quadrature over the plane or the line; a refusal stands only if it agrees, a doubt goes if it knows."""

    def integrand(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scores(points), np.ones(len(points))

    d = rows.shape[1]
    tolerances = Tolerances(relative=TOLERANCE / 10, max_evaluations=10**5)
    found = integrate(integrand, np.full(d, -np.inf), np.full(d, np.inf), tolerances, rows[:1000])
    if not found.converged or found.value <= 0:
        return _doubted(check, "quadrature did not converge")
    value, half = found.log_scale + math.log(found.value), -math.log1p(-min(found.error / found.value, 0.5))
    method = f"adaptive quadrature, {found.n_evaluations} points"
    estimate = Estimate(value, value - half, value + half, 1.0, method, Guarantee.BOUNDED)
    second = NormalizationCheck(*_verdict(estimate), check.n_evaluations)
    if second.verdict is Verdict.NOT_A_DENSITY and not _agree(check.log_integral, estimate):
        return _doubted(check, f"quadrature says {_number(math.exp(min(value, 700.0)))}")
    return second


def _agree(first: Estimate, second: Estimate) -> bool:
    return first.guarantee is not Guarantee.NONE and abs(first.value - second.value) <= 2 * (
        first.half_width + second.half_width + TOLERANCE
    )


def _doubted(check: NormalizationCheck, why: str) -> NormalizationCheck:
    reason = check.reason if check.verdict is Verdict.UNDECIDED else f"{check.reason}; {why}"
    return replace(check, verdict=Verdict.UNDECIDED, reason=reason)


def _number(value: float) -> str:
    return f"{value:.3g}"
