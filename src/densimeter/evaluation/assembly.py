"""From the scores of all trials to ranked models, each number with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeVar

import numpy as np

from densimeter.evaluation.dependence import Dependence, Independent
from densimeter.evaluation.diagnostics.tails import summarise_tail
from densimeter.evaluation.intervals import interval_of, outside_the_support
from densimeter.evaluation.ranking import Pair, adjusted_pairs
from densimeter.evaluation.results import ModelResult
from densimeter.evaluation.sampling_errors import SamplingError, StudentError, bootstrap_errors
from densimeter.evaluation.trials import Trial
from densimeter.foundations.estimates import Estimate, Guarantee

AnError = TypeVar("AnError", bound=SamplingError)

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
        A name in `INTERVALS`, for the rows of a single split or of all folds.
    test_share : float
        Test rows over the other rows, by which repeated splits and folds are corrected.
    generator : numpy.random.Generator
        Of the bootstrap.
    dependence : Dependence
        Of the test rows of a single split, or of all folds one after the other.
    in_folds : bool
        Whether the splits are the folds of a cross-validation: each row is a test row once.
    """

    confidence: float
    interval: str
    test_share: float
    generator: np.random.Generator
    dependence: Dependence = field(default_factory=Independent)
    in_folds: bool = False

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
        if self.interval != "bca" or self._is_repeated(sequences[0]):
            return [self._student(sequence) for sequence in sequences]
        columns = np.column_stack([np.concatenate(sequence) for sequence in sequences])
        found = bootstrap_errors(columns, self.generator, self.dependence.clusters)
        return [self._for_folds(error, len(sequences[0])) for error in found]

    def _is_repeated(self, sequence: Scores) -> bool:
        return len(sequence) > 1 and not self.in_folds

    def p_value(self, difference: Scores, unsure: Sequence[Estimate]) -> float:
        """Two-sided, of no difference in expectation beyond what is unknown of log Z."""
        mean = np.mean([scores.mean() for scores in difference])
        if not np.isfinite(mean):
            return 0.0
        return self._student(difference).p_value(slack=sum(log_z.half_width for log_z in unsure))

    def effective_rows(self, sequence: Scores) -> float:
        """So many independent rows would tell the mean of these scores as well."""
        rows = np.concatenate(sequence)
        variance, error = float(np.var(rows, ddof=1)), self._student(sequence).standard_error
        return len(rows) if error == 0 else min(variance / error**2, len(rows))

    def _student(self, sequence: Scores) -> StudentError:
        if self._is_repeated(sequence):
            return StudentError.of_repeats(np.array([scores.mean() for scores in sequence]), self.test_share)
        return self._for_folds(self.dependence.error(np.concatenate(sequence)), len(sequence))

    def _for_folds(self, error: AnError, n_folds: int) -> AnError:
        r"""The error of a mean over the rows of all K folds, whose models have learnt from the same rows.

        As in the corrected interval of repeated splits, :math:`\tfrac1K + n_{test} / n_{train}` takes the
        place of :math:`\tfrac1K`; the variance over the rows of a fold is that of all rows.
        """
        if not self.in_folds:
            return error
        return error.widened(
            math.sqrt(1 + n_folds * self.test_share), f"corrected {n_folds}-fold {error.method}"
        )


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


@dataclass(frozen=True)
class Assembled:
    """Models best first, the oracle where the truth is known, and what is known of pairs.

    `adjusted` has the adjusted p-value of each pair of names; so many independent rows as `effective_rows`
    would tell the best from the next as well.
    """

    models: tuple[ModelResult, ...]
    oracle: Estimate | None
    adjusted: dict[Pair, float]
    effective_rows: float


def assemble(contestants: Sequence[Contestant], truths: Scores | None, judge: Judge) -> Assembled:
    """The models best first, with all that is said of them together."""
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
        models.append(_result(each, likelihood, difference, gap[0] if gap else None, p_value, judge.in_folds))
    return Assembled(tuple(models), oracle, adjusted, _effective_rows(ordered, judge))


def _effective_rows(ordered: Sequence[Contestant], judge: Judge) -> float:
    """Independent rows that would tell the best from the next as well; of one model, for its own mean."""
    best = ordered[0]
    for scores in [differences(best.scores, other.scores) for other in ordered[1:2]] + [best.scores]:
        if np.isfinite(np.concatenate(scores)).all():
            return judge.effective_rows(scores)
    return float(sum(map(len, best.scores)))


def _result(
    each: Contestant,
    likelihood: Estimate,
    difference: Estimate,
    gap: Estimate | None,
    p_value: float | None,
    in_folds: bool,
) -> ModelResult:
    first = each.trials[0]
    scores = np.concatenate(each.scores) if in_folds else first.scores
    return ModelResult(
        each.name,
        first.estimator,
        first.settings,
        scores,
        likelihood,
        difference,
        gap,
        float(np.mean([trial.seconds for trial in each.trials])),
        p_value,
        tuple(float(scores.mean()) for scores in each.scores) if len(each.trials) > 1 else (),
        summarise_tail(scores, confidence=likelihood.confidence),
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
