"""Whether scores that claim to be log-densities integrate to one.

The integral ``∫ exp(score(x)) dx`` is estimated by importance sampling from a proposal built on the rows and,
where the model can be sampled, on its own draws. A refusal must not be wrong, so it needs more than an
estimate. That the integral is more than one is told by a bound that holds at this very number of draws,
whatever the model. That it is less needs weights that behave, and enough rows and draws of the model of which
none lies where the proposal never reached; in one and two dimensions quadrature has to agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.special import gammaln, ndtri

from densimeter.adapters.draws import can_sample, draw_rows
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
_MODEL_DRAWS, _FAR_DRAWS = 1000, 1024
_REACH = 1e3, 1e140
"""Multiples of the rows' width between which mass is looked for far away; squares are finite there."""


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
    score_samples: Callable[[np.ndarray], Any],
    rows: np.ndarray,
    *,
    draws: np.ndarray | None = None,
    random_state: RandomState = None,
) -> NormalizationCheck:
    r"""Estimate ``∫ exp(score_samples(x)) dx`` and judge the claim that it is one.

    Importance sampling with a mixture of kernels at the rows and at the model's draws, as narrow as the
    scores' own peaks, and heavy-tailed parts; at most `MOST_DRAWS` draws, fewer where they suffice. First,
    mass is looked for at every distance up to 1e140 widths of the rows: scores that do not fall off there
    integrate to more than one. Costs up to 40,000 rows scored; a refusal in one or two columns is confirmed
    by quadrature, with up to 400,000 more.

    Parameters
    ----------
    score_samples : callable
        Rows ``(n, d)`` to scores ``(n,)``, nats; -inf outside the support. NaN counts as -inf.
    rows : array of shape (n_samples, d)
        Rows that the model was fitted on, or like them.
    draws : array of shape (n_draws, d), optional
        Rows that the model itself has drawn (`draws_of`): they tell where it has its mass.
    random_state : seed or generator

    Returns
    -------
    NormalizationCheck
        A false ``NOT_A_DENSITY`` is rarer than one in ten thousand where the scores integrate to one and the
        rows, or the draws, come from them; where the weights are too uneven the verdict is ``UNDECIDED``.

    Notes
    -----
    The certified bound is that of Maurer and Pontil, Empirical Bernstein bounds and sample variance
    penalization, COLT 2009, theorem 4, for weights cut off at a height that other draws have set.

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
    rows = generator.permutation(np.asarray(rows, np.float64))[:_ROWS_USED]
    counted = _Counted(score_samples)
    if _certified_least(_far_weights(counted, rows, generator)) > TOLERANCE:
        infinite = Estimate(math.inf, math.inf, math.inf, 1.0, "scores far from the rows", Guarantee.BOUNDED)
        reason = "the scores do not fall off far from the rows: their integral is infinite"
        return NormalizationCheck(Verdict.NOT_A_DENSITY, infinite, reason, counted.n)
    proposal = covering_proposal(counted, rows, generator, draws)
    log_weights = _weights(counted, proposal, generator)
    samples = [rows] if draws is None else [rows, np.asarray(draws, np.float64)]
    hidden = max(_hidden_share(counted, proposal, sample, log_weights) for sample in samples)
    check = _judge(log_weights, hidden, max(map(len, samples)), counted.n)
    if (check.refused and rows.shape[1] <= 2) or (rows.shape[1] == 1 and check.verdict is Verdict.UNDECIDED):
        check = _second_opinion(check, counted, rows)
    return replace(check, n_evaluations=counted.n)


def draws_of(model: Any, random_state: RandomState) -> np.ndarray | None:
    """Rows that a fitted model draws, if it can."""
    if not can_sample(model):
        return None
    try:
        return draw_rows(model, _MODEL_DRAWS, random_state)
    except Exception:  # a stranger's sampler may fail in any way; its scores are judged without it
        return None


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


def _far_weights(scores: Scores, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Log weights of draws far from the rows, in random directions and with evenly spread logs of distance.

    Their mean is the integral out there. It has no scale: a density as wide as it may be passes, and one that
    decays more slowly than any integrable function does not.
    """
    frame, d = Frame.of(rows), rows.shape[1]
    directions = generator.normal(size=(_FAR_DRAWS, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    nearest, farthest = np.log(_REACH)
    farthest = min(farthest, farthest - math.log(np.abs(frame.factor).max()))
    log_distances = generator.uniform(nearest, farthest, _FAR_DRAWS)
    try:
        found = scores(frame.invert(np.exp(log_distances)[:, None] * directions))
    except Exception:  # a stranger's scores so far away; nothing is learnt from them
        return np.full(_FAR_DRAWS, -np.inf)
    sphere = math.log(2) + d / 2 * math.log(math.pi) - gammaln(d / 2)
    return found + d * log_distances + frame.log_volume + sphere + math.log(farthest - nearest)


def _certified_least(log_weights: np.ndarray) -> float:
    """What the log of the mean weight exceeds, but for one case in a hundred thousand.

    Whatever the weights are: half of the draws choose a height at which the others are cut off; for these
    empirical Bernstein holds.
    """
    first, second = log_weights[::2], log_weights[1::2]
    heights = np.quantile(first, (0.25, 0.5, 0.75, 0.9, 0.99), method="higher")
    heights = heights[heights > -np.inf]
    if not len(heights):
        return -math.inf
    return _least_below(second, float(max(heights, key=lambda height: _least_below(first, height))))


def _least_below(log_weights: np.ndarray, log_height: float) -> float:
    cut = np.exp(np.minimum(log_weights - log_height, 0.0))
    n, log_term = len(cut), math.log(2e5)
    error = math.sqrt(2 * cut.var(ddof=1) * log_term / n) + 7 * log_term / (3 * (n - 1))
    least = float(cut.mean()) - error
    return math.log(least) + log_height if least > 0 else -math.inf


def _weights(scores: Scores, proposal: Proposal, generator: np.random.Generator) -> np.ndarray:
    """Log weights, batch after batch until their mean is known well enough for a verdict."""
    log_weights = np.empty(0)
    while len(log_weights) < MOST_DRAWS:
        drawn = proposal.sample(BATCH, generator)
        log_weights = np.append(log_weights, scores(drawn) - proposal.log_prob(drawn))
        half = _half_width(log_weights)
        may_be_too_much = log_mean(log_weights) - half > TOLERANCE
        enough = _certified_least(log_weights) > TOLERANCE if may_be_too_much else half < TOLERANCE / 2
        if enough and _are_trusted(log_weights):
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


def _judge(log_weights: np.ndarray, hidden: float, n_known: int, n_evaluations: int) -> NormalizationCheck:
    """The verdict on the weights, of which `hidden` and `n_known` rows tell whether they missed any mass."""
    value, half, least = log_mean(log_weights), _half_width(log_weights), _certified_least(log_weights)
    shape, size = pareto_k(log_weights), effective_sample_size(log_weights)
    trusted = _are_trusted(log_weights) and hidden <= _HIDDEN_SHARE
    method = f"importance sampling, {len(log_weights)} draws, {size:.0f} effective"
    if trusted:
        estimate = Estimate(value, value - half, value + half, _CONFIDENCE, method)
        return NormalizationCheck(*_verdict(estimate, n_known, least), n_evaluations)
    if least > TOLERANCE:
        estimate = Estimate(max(value, least), least, math.inf, 1 - 1e-5, method, Guarantee.LOWER_BOUND)
        return NormalizationCheck(*_verdict(estimate, n_known, least), n_evaluations)
    known = math.isfinite(half) and value > -math.inf
    ends = (value - half, value + half) if known else (-math.inf, math.inf)
    estimate = Estimate(value, *ends, _CONFIDENCE, method, Guarantee.NONE)
    why = f"the importance weights are too uneven to tell (Pareto k {shape:.2f}, {size:.0f} effective)"
    if hidden > _HIDDEN_SHARE:
        why = f"{hidden:.0%} of the rows are denser than any draw: the proposal may have missed mass"
    return NormalizationCheck(Verdict.UNDECIDED, estimate, why, n_evaluations)


def _verdict(estimate: Estimate, n_known: int, least: float) -> tuple[Verdict, Estimate, str]:
    """By the estimate, what its log certainly exceeds, and the rows that would know of mass elsewhere."""
    said = f"the scores integrate to {_number(math.exp(min(estimate.value, 700.0)))}"
    too_much = estimate.lower > TOLERANCE and least > TOLERANCE
    # were the rest of a density elsewhere, one of its rows would hardly not be there
    too_little = estimate.upper < -TOLERANCE and -n_known * estimate.upper > -math.log(1 - _CONFIDENCE)
    if too_much or too_little:
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
    second = NormalizationCheck(*_verdict(estimate, len(rows), estimate.lower), check.n_evaluations)
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
