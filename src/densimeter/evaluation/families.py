"""How each model is fitted for a comparison: on training rows, its settings chosen on validation rows.

Each family is one object with a name and a `fit`; a new one is a class and a line in `FAMILIES`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, Protocol

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import KFold

from densimeter.foundations.progress import Progress

MAX_COMPONENTS = 20
"""Mixtures of 1 to this many components are tried."""

ENOUGH_VALIDATION_ROWS = 2000
"""From here on one validation part tells neighbouring numbers of components apart."""


@dataclass(frozen=True)
class FittedFamily:
    """A fitted estimator, and the settings that were chosen for it or found by it."""

    estimator: Any
    settings: Mapping[str, Any] = field(default_factory=dict)


class Family(Protocol):
    """A way to get a fitted density model from training and validation rows."""

    @property
    def name(self) -> str:
        """The name by which the user asks for it."""
        ...

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int, progress: Progress) -> FittedFamily:
        """The model fitted on `train`, its settings chosen by `validation`; no other row is seen."""
        ...


@dataclass(frozen=True)
class MixtureFamily:
    """Gaussian mixtures with full covariances; the number of components has the best held-out likelihood.

    Few validation rows choose badly: their noise is larger than the differences between neighbouring numbers
    of components. Small tables are therefore cross-validated over all rows that are not for testing.
    """

    name: str = "mixture"

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int, progress: Progress) -> FittedFamily:
        """The mixture of `train` among 1 to `MAX_COMPONENTS` components that unseen rows like best."""
        from densimeter.mixture.selection import select_components

        folds = _folds(train, validation, seed)
        # a component needs a few rows for each of its own coordinates
        most = int(np.clip(len(folds[0][0]) // (2 * (train.shape[1] + 1)), 1, MAX_COMPONENTS))
        held_out = np.zeros(most)
        for step, (seen, unseen) in enumerate(folds):
            progress(step, len(folds) + 1, f"{self.name}: choosing components")
            tried = select_components(
                seen, range(1, most + 1), criterion="held-out", X_val=unseen, random_state=seed
            )
            scores = {candidate.n_components: candidate.model.score(unseen) for candidate in tried.candidates}
            held_out += [len(unseen) * scores.get(k, -np.inf) for k in range(1, most + 1)]
        chosen = int(np.argmax(held_out)) + 1
        selection = select_components(train, [chosen], criterion="bic", random_state=seed)
        return FittedFamily(selection.model, {"components": chosen, "covariance": "full"})


def _folds(train: np.ndarray, validation: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows to fit on and rows to score, from the training and the validation rows."""
    if len(validation) >= ENOUGH_VALIDATION_ROWS:
        return [(train, validation)]
    rows = np.concatenate([train, validation])
    return [
        (rows[seen], rows[unseen]) for seen, unseen in KFold(5, shuffle=True, random_state=seed).split(rows)
    ]


@dataclass(frozen=True)
class KernelFamily:
    """The Gaussian kernel estimate; its bandwidth has the best held-out likelihood."""

    name: str = "kernel"

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int, progress: Progress) -> FittedFamily:
        """The kernel estimate whose bandwidth the validation rows like best."""
        from densimeter.kernel_density.estimator import KernelDensity

        estimator = KernelDensity().fit(train, X_val=validation)
        return FittedFamily(estimator, {"bandwidth": np.asarray(estimator.bandwidth_).tolist()})


@dataclass(frozen=True)
class EnergyFamily:
    """The energy-based model with its defaults; training stops by the validation rows."""

    name: str = "energy"

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int, progress: Progress) -> FittedFamily:
        """The tilted base, stopped where the validation likelihood is best."""
        from densimeter.energy.estimator import EnergyModel

        estimator = EnergyModel(random_state=seed).fit(train, X_val=validation, progress=progress)
        log_z = estimator.log_normalizer_
        tilt = "kept" if estimator.validation_gain_ > 0 else "none kept"
        settings = {
            "base": estimator.base,
            "tilt": tilt,
            "log_z": log_z.value,
            "log_z_error": log_z.half_width,
        }
        return FittedFamily(estimator, settings)


@dataclass(frozen=True)
class EstimatorFamily:
    """Any estimator with `fit` and `score_samples`, under the name the user gave it."""

    name: str
    estimator: Any

    def fit(self, train: np.ndarray, validation: np.ndarray, seed: int, progress: Progress) -> FittedFamily:
        """A clone, seeded and given the validation rows where it takes them, fitted on `train`."""
        estimator: Any = clone(self.estimator)
        if estimator.get_params().get("random_state", seed) is None:
            estimator.set_params(random_state=seed)
        takes_validation = "X_val" in signature(estimator.fit).parameters
        estimator.fit(train, **({"X_val": validation} if takes_validation else {}))
        return FittedFamily(estimator, {"class": type(estimator).__name__})


FAMILIES: dict[str, Family] = {
    family.name: family for family in (MixtureFamily(), KernelFamily(), EnergyFamily())
}
"""The families that `compare` tries when none is named."""


def fit_quietly(
    family: Family, train: np.ndarray, validation: np.ndarray, seed: int, progress: Progress
) -> tuple[FittedFamily, list[str]]:
    """The fitted family, and the warnings it gave, each said once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = family.fit(train, validation, seed, progress)
    said = dict.fromkeys(f"{family.name}: {str(warning.message).splitlines()[0]}" for warning in caught)
    return fitted, list(said)
