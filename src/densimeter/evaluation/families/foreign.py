"""Estimators of other packages, and of the user."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Any

from sklearn.base import clone

from densimeter.evaluation.families.contract import FittedFamily, TrainingParts
from densimeter.foundations.progress import Progress


@dataclass(frozen=True)
class EstimatorFamily:
    """Any estimator with `fit` and `score_samples`, under the name the user gave it."""

    name: str
    estimator: Any
    is_normalised: bool = False

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """A clone, seeded and given the validation rows where it takes them.

        One that chooses nothing by validation rows is fitted on them as well when settings are
        cross-validated, as every family is then.
        """
        estimator: Any = clone(self.estimator)
        if estimator.get_params().get("random_state", seed) is None:
            estimator.set_params(random_state=seed)
        if "X_val" in signature(estimator.fit).parameters:
            estimator.fit(parts.train, X_val=parts.validation)
        else:
            estimator.fit(parts.final)
        return FittedFamily(estimator, {"class": type(estimator).__name__})
