"""From the scores of all trials to ranked models, each number with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from densimeter.evaluation.diagnostics.tails import summarise_tail
from densimeter.evaluation.intervals import interval_of, outside_the_support
from densimeter.evaluation.ranking import Pair, adjusted_pairs
from densimeter.evaluation.results import ModelResult
from densimeter.evaluation.sampling_errors import INTERVALS, SamplingError, StudentError
from densimeter.evaluation.trials import Trial
from densimeter.foundations.estimates import Estimate, Guarantee

Scores = Sequence[np.ndarray]
"""Of one model, or of the difference of two: an array of shape (n_test,) for each repeated split."""


@dataclass(frozen=True)
class Judge:
    """How means of scores are judged.

    Parameters
    ----------
    confidence : float
        Of all intervals.
    interval : str
        A name in `INTERVALS`, for the rows of a single split.
    test_share : float
        Test rows over the other rows, by which repeated splits are corrected.
    generator : numpy.random.Generator
        Of the bootstrap.
    """

    confidence: float
    interval: str
    test_share: float
    generator: np.random.Generator

    def estimates(self, asked: Sequence[tuple[Scores, Sequence[Estimate]]]) -> list[Estimate]:
        """The mean of each sequence of scores with its interval, given what is unknown of its log Z."""
        means = [np.mean([scores.mean() for scores in sequence]) for sequence, _ in asked]
        finite = [place for place, mean in enumerate(means) if np.isfinite(mean)]
        errors = dict(zip(finite, self._errors([asked[place][0] for place in finite]), strict=True))
        return [
            interval_of(errors[place], self.confidence, *unsure)
            if place in errors
            else outside_the_support(float(means[place]), self.confidence)
            for place, (_, unsure) in enumerate(asked)
        ]

    def _errors(self, sequences: Sequence[Scores]) -> Sequence[SamplingError]:
        if not sequences:
            return []
        if len(sequences[0]) == 1:
            return INTERVALS[self.interval](
                np.column_stack([scores for (scores,) in sequences]), self.generator
            )
        return [self._student(sequence) for sequence in sequences]

    def p_value(self, difference: Scores, unsure: Sequence[Estimate]) -> float:
        """Two-sided, of no difference in expectation beyond what is unknown of log Z."""
        mean = np.mean([scores.mean() for scores in difference])
        if not np.isfinite(mean):
            return 0.0
        return self._student(difference).p_value(slack=sum(log_z.half_width for log_z in unsure))

    def _student(self, sequence: Scores) -> StudentError:
        if len(sequence) == 1:
            return StudentError.of(sequence[0])
        return StudentError.of_repeats(np.array([scores.mean() for scores in sequence]), self.test_share)


@dataclass(frozen=True)
class Contestant:
    """One model with its trials on all repeated splits."""

    trials: Sequence[Trial]

    @property
    def name(self) -> str:
        """The name the user gave the model."""
        return self.trials[0].name

    @property
    def scores(self) -> Scores:
        """Of the test rows of each split."""
        return [trial.scores for trial in self.trials]

    @property
    def said(self) -> list[str]:
        """The warnings of its fits."""
        return [text for trial in self.trials for text in trial.said]

    @property
    def mean(self) -> float:
        """Of the mean scores on all splits."""
        return float(np.mean([scores.mean() for scores in self.scores]))

    @property
    def log_normalizers(self) -> list[Estimate]:
        """What is unknown of log Z, as it is on average over the splits."""
        return [_on_average(found) for found in zip(*(t.log_normalizers for t in self.trials), strict=True)]


def assemble(
    contestants: Sequence[Contestant], truths: Scores | None, judge: Judge
) -> tuple[tuple[ModelResult, ...], Estimate | None, dict[Pair, float]]:
    """The models best first, the oracle where the truth is known, and the adjusted p-value of each pair."""
    ordered = sorted(contestants, key=lambda contestant: -contestant.mean)
    best = ordered[0]
    from_best = [-log_z for log_z in best.log_normalizers]
    asked: list[tuple[Scores, Sequence[Estimate]]] = []
    for each in ordered:
        asked.append((each.scores, each.log_normalizers))
        asked.append((differences(each.scores, best.scores), [*each.log_normalizers, *from_best]))
        if truths is not None:
            gap = differences(truths, each.scores), [-log_z for log_z in each.log_normalizers]
            asked.append(gap)
    if truths is not None:
        asked.append((truths, []))
    found = judge.estimates(asked)
    oracle = found.pop() if truths is not None else None
    adjusted = adjusted_pairs([each.name for each in ordered], _pair_p_values(ordered, judge))
    per_model = len(found) // len(ordered)
    models = []
    for place, each in enumerate(ordered):
        likelihood, difference, *gap = found[place * per_model : (place + 1) * per_model]
        if each is best:
            difference = Estimate.exact(0.0, "the best itself")
        p_value = None if each is best else adjusted[best.name, each.name]
        models.append(_result(each, likelihood, difference, gap[0] if gap else None, p_value))
    return tuple(models), oracle, adjusted


def _result(
    each: Contestant, likelihood: Estimate, difference: Estimate, gap: Estimate | None, p_value: float | None
) -> ModelResult:
    first = each.trials[0]
    return ModelResult(
        each.name,
        first.estimator,
        first.settings,
        first.scores,
        likelihood,
        difference,
        gap,
        float(np.mean([trial.seconds for trial in each.trials])),
        p_value,
        tuple(float(scores.mean()) for scores in each.scores) if len(each.trials) > 1 else (),
        summarise_tail(first.scores, confidence=likelihood.confidence),
        all(trial.from_cache for trial in each.trials),
        first.scan,
    )


def _pair_p_values(ordered: Sequence[Contestant], judge: Judge) -> dict[Pair, float]:
    return {
        (a.name, b.name): judge.p_value(
            differences(a.scores, b.scores), [*a.log_normalizers, *b.log_normalizers]
        )
        for a, b in combinations(ordered, 2)
    }


def differences(scores: Scores, others: Scores) -> Scores:
    """Differences row by row; two models that both exclude a row do not differ there."""

    def difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        both_excluded = np.isneginf(ours) & np.isneginf(theirs)
        with np.errstate(invalid="ignore"):
            return np.where(both_excluded, 0.0, ours - theirs)

    return [difference(ours, theirs) for ours, theirs in zip(scores, others, strict=True)]


def _on_average(log_zs: Sequence[Estimate]) -> Estimate:
    if len(log_zs) == 1:
        return log_zs[0]
    value = float(np.mean([log_z.value for log_z in log_zs]))
    below = float(np.mean([log_z.value - log_z.lower for log_z in log_zs]))
    above = float(np.mean([log_z.upper - log_z.value for log_z in log_zs]))
    exact = all(log_z.guarantee is Guarantee.EXACT for log_z in log_zs)
    if exact:
        return Estimate.exact(value)
    confidence = min(log_z.confidence for log_z in log_zs)
    return Estimate(value, value - below, value + above, confidence, log_zs[0].method)
