"""One model: fitted on its parts, scored once on the test rows, or failed with its reason."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from densimeter.evaluation.families import Family, SettingScan, TrainingParts
from densimeter.evaluation.normalization import NormalizationCheck, check_normalization, draws_of
from densimeter.foundations.errors import DensimeterError, FitError, in_one_line
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.progress import Progress


@dataclass(frozen=True)
class Task:
    """What a trial needs, all of it: it may run in another process."""

    family: Family
    parts: TrainingParts
    test: np.ndarray
    seed: int

    @property
    def name(self) -> str:
        """The name the user gave the model."""
        return self.family.name


@dataclass(frozen=True)
class Trial:
    """One family, fitted and scored."""

    name: str
    estimator: Any
    settings: Mapping[str, Any]
    scores: np.ndarray
    seconds: float
    said: tuple[str, ...] = ()
    normalization: NormalizationCheck | None = None
    """Whether scores of another package's model are log-densities; None where they are by construction."""
    from_cache: bool = False
    scan: SettingScan | None = None

    @property
    def log_normalizers(self) -> list[Estimate]:
        """What is known of the model's normaliser, where it had to be estimated."""
        found = getattr(self.estimator, "log_normalizer_", None)
        return [found] if isinstance(found, Estimate) else []


@dataclass(frozen=True)
class Failure:
    """One family that gave no scores, and why."""

    name: str
    reason: str
    seconds: float
    error: Exception | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The failure in one line."""
        return f"{self.name} failed: {self.reason}"


Outcome = Trial | Failure


def run(task: Task, progress: Progress) -> Outcome:
    """The trial of a task; what goes wrong in it becomes a failure, an interrupt does not."""
    began = time.perf_counter()
    try:
        return _trial(task, progress)
    except MemoryError:
        return Failure(task.name, "out of memory", time.perf_counter() - began)
    except Exception as error:  # whatever a foreign estimator raises
        progress(
            1, 1, task.name
        )  # an interrupt that compiled code made into an error of its own is heeded here
        return Failure(task.name, _reason(error), time.perf_counter() - began, error)


def _trial(task: Task, progress: Progress) -> Trial:
    progress(0, 1, task.name)
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = task.family.fit(task.parts, task.seed, progress)
        seconds = time.perf_counter() - began
        scores = np.asarray(fitted.estimator.score_samples(task.test), np.float64)
        _refuse_bad_scores(scores, len(task.test))
        check = None if task.family.is_normalised else _checked_claim(fitted.estimator, task)
    progress(1, 1, task.name)
    said = dict.fromkeys(f"{task.name}: {_said(warning.message)}" for warning in caught)
    return Trial(
        task.name, fitted.estimator, fitted.settings, scores, seconds, tuple(said), check, scan=fitted.scan
    )


def _checked_claim(estimator: Any, task: Task) -> NormalizationCheck:
    draws = draws_of(estimator, task.seed)
    return check_normalization(
        estimator.score_samples, task.parts.final, draws=draws, random_state=task.seed + 1
    )


def _refuse_bad_scores(scores: np.ndarray, n_test: int) -> None:
    advice = "give a model whose score_samples returns a number below infinity for each row"
    if scores.shape != (n_test,):
        raise FitError(f"its scores of {n_test} test rows have the shape {scores.shape}", advice)
    n_bad = int((np.isnan(scores) | (scores == np.inf)).sum())
    if n_bad:
        raise FitError(f"its scores of {n_bad:,} of {n_test:,} test rows are no log-densities", advice)


def _reason(error: Exception) -> str:
    if isinstance(error, DensimeterError):
        return error.reason
    return f"{type(error).__name__}: {in_one_line(error)}"


def _said(message: Warning | str) -> str:
    return message if isinstance(message, str) else in_one_line(message)
