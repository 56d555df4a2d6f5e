"""A chain of fitted preprocessing steps: rows forward with their Jacobian, images back to rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from densimeter.adapters.jacobians import StepRule, describe, rule_for
from densimeter.foundations.errors import FitError, SettingError


@dataclass(frozen=True, slots=True)
class Forward:
    """Rows after the steps: the images of those `inside` their domain, and their log-Jacobians."""

    image: Any
    log_jacobian: np.ndarray
    inside: np.ndarray


@dataclass(frozen=True)
class StepChain:
    """Fitted steps, each with its name."""

    steps: Sequence[tuple[str, Any]]

    @property
    def ruled(self) -> list[tuple[Any, StepRule]]:
        """The steps that do something, each with its rule."""
        return [(step, rule_for(step, name)) for name, step in self.steps if not _passes(step)]

    @property
    def onto(self) -> bool:
        """Whether every point of space is the image of some row."""
        return all(rule.onto(step) for step, rule in self.ruled)

    def forward(self, rows: np.ndarray) -> Forward:
        """Images and log-Jacobians of the rows ``(n, d)``."""
        return self._through(rows, counted=True)

    def backward(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows with the given images, and which of them exist: those whose image is the given one."""
        rows: Any = image
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for step, _ in reversed(self.ruled):
                finite = np.nan_to_num(np.asarray(rows), nan=0.0, posinf=0.0, neginf=0.0)
                lost = ~np.isfinite(np.asarray(rows)).all(axis=1)
                rows = np.array(step.inverse_transform(finite), np.float64)
                rows[lost] = np.nan
            reached = np.isfinite(rows).all(axis=1)
            again = self._through(rows[reached], counted=False)
        agree = np.zeros(len(again.inside), bool)
        wanted = image[reached][again.inside]
        agree[again.inside] = np.isclose(np.asarray(again.image), wanted, rtol=1e-5, atol=1e-6).all(axis=1)
        reached[reached] = agree
        return rows, reached

    def _through(self, rows: np.ndarray, counted: bool) -> Forward:
        image: Any = rows
        total, inside = np.zeros(len(rows)), np.arange(len(rows))
        for step, rule in self.ruled:
            image, total, inside = _only(rule.accepts(step, np.asarray(image)), image, total, inside)
            if counted and len(inside):
                total = total + rule.log_jacobian(step, np.asarray(image, np.float64))
                image, total, inside = _only(total > -np.inf, image, total, inside)
            if len(inside):
                with np.errstate(all="ignore"):
                    image = step.transform(image)
                finite = np.isfinite(np.asarray(image)).all(axis=1)
                image, total, inside = _only(finite, image, total, inside)
        return Forward(image, total, np.isin(np.arange(len(rows)), inside))


def _only(kept: Any, *columns: Any) -> tuple[Any, ...]:
    """The columns where `kept`; as they are if that is everywhere."""
    return columns if kept.all() else tuple(column[kept] for column in columns)


def _passes(step: Any) -> bool:
    return step is None or isinstance(step, str)


def flat_steps(pipeline: Any) -> list[tuple[str, Any]]:
    """Names and steps, with those of inner pipelines in their places; the last one has ``score_samples``."""
    steps = list(_walk("", pipeline))
    if _passes(steps[-1][1]) or not hasattr(steps[-1][1], "score_samples"):
        raise SettingError(
            f"the last step of the pipeline, {steps[-1][0]!r}, has no score_samples",
            "end the pipeline with a density estimator",
        )
    return steps


def _walk(name: str, step: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(step, Pipeline):
        yield name or type(step).__name__.lower(), step
        return
    for inner_name, inner in step.steps:
        yield from _walk(f"{name}.{inner_name}" if name else inner_name, inner)


def fit_step(
    name: str, step: Any, rows: Any, fitted: list[tuple[str, Any]], weights: np.ndarray | None = None
) -> Any:
    """The image of the rows; the step, fitted and found to be invertible, joins `fitted`."""
    fitted.append((name, step))
    if _passes(step):
        return rows
    rule = rule_for(step, name)
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):  # the check below refuses what this one warns of
        warnings.filterwarnings("ignore", message="The provided functions are not strictly inverse")
        taken = weights is not None and has_fit_parameter(step, "sample_weight")
        image = step.fit(rows, **({"sample_weight": weights} if taken else {})).transform(rows)
    rule.check(step, name, np.asarray(rows, np.float64))
    if not np.isfinite(np.asarray(image)).all():
        raise FitError(
            f"{describe(step, name)} makes numbers that are not finite of training rows",
            "choose a step whose domain holds all rows",
        )
    return image
