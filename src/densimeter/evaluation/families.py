"""How each model is fitted for a comparison: on training rows, its settings chosen on validation rows.

Each family is one object with a name and a `fit`; a new one is a class and a line in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any, Protocol

import numpy as np
from sklearn.base import BaseEstimator, clone

from densimeter.adapters.flow_density import FlowDensity
from densimeter.adapters.flow_training import flowjax_package
from densimeter.adapters.pipeline_density import as_density
from densimeter.adapters.scipy_density import ScipyDensity, check_distribution
from densimeter.foundations.checks import choose
from densimeter.foundations.errors import SettingError
from densimeter.foundations.progress import Progress

Models = Sequence[str] | Mapping[str, BaseEstimator | str]
"""What a user may call models: names of families, or names given to estimators."""

MAX_COMPONENTS = 20
"""Mixtures of 1 to this many components are tried."""

BANDWIDTHS_TRIED = 0.02, 2.0, 25
"""Narrowest and widest multiple of Scott's rule that is cross-validated, and how many."""

ENOUGH_VALIDATION_ROWS = 2000
"""From here on one validation part tells neighbouring numbers of components apart."""


@dataclass(frozen=True)
class TrainingParts:
    """All that a model may see: rows to fit on, rows to choose settings by, and folds of both together.

    Parameters
    ----------
    train, validation : array of shape (n_samples, n_features)
    folds : sequence of pairs of arrays
        Places of rows to learn from and of rows to score, among the training rows followed by the validation
        rows.
    cross_validate : bool
        Whether the user wants settings chosen over the folds, and the model then fitted on all rows.
    """

    train: np.ndarray
    validation: np.ndarray
    folds: Sequence[tuple[np.ndarray, np.ndarray]] = ()
    cross_validate: bool = False

    def fold_rows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The rows of each fold."""
        rows = self.together
        return ((rows[seen], rows[unseen]) for seen, unseen in self.folds)

    @property
    def together(self) -> np.ndarray:
        """Training and validation rows."""
        return np.concatenate([self.train, self.validation])

    @property
    def final(self) -> np.ndarray:
        """The rows that the model is fitted on once its settings are chosen."""
        return self.together if self.cross_validate else self.train


@dataclass(frozen=True)
class SettingScan:
    """What was tried for one setting, and how well unseen rows liked it.

    Parameters
    ----------
    setting : str
        Its name.
    tried, scores : tuple of float
        Values in ascending order, and the mean held-out log-likelihood of each, nats per row. Where a setting
        differs by column, `tried` has the geometric means over the columns.
    chosen : float
        The one that was taken.
    """

    setting: str
    tried: tuple[float, ...]
    scores: tuple[float, ...]
    chosen: float

    @classmethod
    def of_bandwidths(cls, bandwidths: np.ndarray, scores: np.ndarray) -> SettingScan:
        """Of bandwidths ``(n_candidates,)``, or ``(n_candidates, n_features)`` with one for each column."""
        widths = np.exp(np.log(bandwidths).mean(axis=1)) if bandwidths.ndim > 1 else bandwidths
        best = float(widths[scores.argmax()])
        return cls("bandwidth", tuple(widths.tolist()), tuple(scores.tolist()), best)


@dataclass(frozen=True)
class FittedFamily:
    """A fitted estimator, the settings that were chosen for it or found by it, and what else was tried."""

    estimator: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    scan: SettingScan | None = None


class Family(Protocol):
    """A way to get a fitted density model from training and validation rows."""

    @property
    def name(self) -> str:
        """The name by which the user asks for it."""
        ...

    @property
    def is_normalised(self) -> bool:
        """Whether its scores are log-densities by construction, so that the claim needs no check."""
        ...

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The model fitted on the parts; no other row is seen."""
        ...


@dataclass(frozen=True)
class MixtureFamily:
    """Gaussian mixtures with full covariances; the number of components has the best held-out likelihood.

    Few validation rows choose badly: their noise is larger than the differences between neighbouring numbers
    of components. Small tables are therefore cross-validated over all rows that are not for testing.
    """

    name: str = "mixture"
    is_normalised: bool = True

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The mixture among 1 to `MAX_COMPONENTS` components that unseen rows like best."""
        from densimeter.mixture.selection import select_components

        one_part = not parts.folds or (
            not parts.cross_validate and len(parts.validation) >= ENOUGH_VALIDATION_ROWS
        )
        folds = [(parts.train, parts.validation)] if one_part else list(parts.fold_rows())
        # a component needs a few rows for each of its own coordinates
        fewest = min(len(seen) for seen, _ in folds)
        most = int(np.clip(fewest // (2 * (parts.train.shape[1] + 1)), 1, MAX_COMPONENTS))
        held_out, n_unseen = np.zeros(most), sum(len(unseen) for _, unseen in folds)
        for step, (seen, unseen) in enumerate(folds):
            progress(step, len(folds) + 1, f"{self.name}: choosing components")
            tried = select_components(
                seen, range(1, most + 1), criterion="held-out", X_val=unseen, random_state=seed
            )
            scores = {candidate.n_components: candidate.model.score(unseen) for candidate in tried.candidates}
            held_out += [len(unseen) * scores.get(k, -np.inf) for k in range(1, most + 1)]
        chosen = int(np.argmax(held_out)) + 1
        selection = select_components(parts.final, [chosen], criterion="bic", random_state=seed)
        tried = tuple(float(k) for k in range(1, most + 1))
        scan = SettingScan("components", tried, tuple((held_out / n_unseen).tolist()), float(chosen))
        return FittedFamily(selection.model, {"components": chosen, "covariance": "full"}, scan)


@dataclass(frozen=True)
class KernelFamily:
    """The Gaussian kernel estimate; its bandwidth has the best held-out likelihood."""

    name: str = "kernel"
    is_normalised: bool = True

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The kernel estimate whose bandwidth unseen rows like best."""
        from densimeter.kernel_density.estimator import KernelDensity

        if parts.cross_validate:
            bandwidths, scores = _cross_validated_bandwidths(parts)
            estimator = KernelDensity(bandwidths[scores.argmax()]).fit(parts.final)
        else:
            estimator = KernelDensity().fit(parts.train, X_val=parts.validation)
            found = estimator.bandwidth_scores_
            assert found is not None  # a bandwidth that was chosen was scored
            bandwidths, scores = found.bandwidths, found.scores
        settings = {"bandwidth": np.asarray(estimator.bandwidth_).tolist()}
        return FittedFamily(estimator, settings, SettingScan.of_bandwidths(bandwidths, scores))


def _cross_validated_bandwidths(parts: TrainingParts) -> tuple[np.ndarray, np.ndarray]:
    """Multiples of Scott's rule ``(n_tried, n_features)``, and how well unseen rows like each."""
    from densimeter.kernel_density.estimator import KernelDensity

    unit = np.asarray(KernelDensity("scott").fit(parts.together).bandwidth_)
    candidates = np.geomspace(*BANDWIDTHS_TRIED)
    held_out, n_unseen = np.zeros(len(candidates)), 0
    for seen, unseen in parts.fold_rows():
        tried = KernelDensity(candidates=candidates).fit(seen / unit, X_val=unseen / unit).bandwidth_scores_
        assert tried is not None  # candidates are always scored
        held_out += len(unseen) * tried.scores
        n_unseen += len(unseen)
    # the folds are measured in units of Scott's rule, which the volume of a cell undoes
    return np.multiply.outer(candidates, unit), held_out / n_unseen - np.log(unit).sum()


@dataclass(frozen=True)
class EnergyFamily:
    """The energy-based model with its defaults; training stops by the validation rows, folds or not."""

    name: str = "energy"
    is_normalised: bool = True

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The tilted base, stopped where the validation likelihood is best."""
        from densimeter.energy.estimator import EnergyModel

        estimator = EnergyModel(random_state=seed)
        estimator.fit(parts.train, X_val=parts.validation, progress=progress)
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


FAMILIES: dict[str, MixtureFamily | KernelFamily | EnergyFamily] = {
    family.name: family for family in (MixtureFamily(), KernelFamily(), EnergyFamily())
}
"""The families that `compare` tries when none is named."""

SCIPY, FLOW = "scipy:", "flow"
"""How the adapters to other packages are asked for by name."""


def families_of(models: Models | None) -> list[Family]:
    """The families a user asks for, all of `FAMILIES` for None.

    Raises
    ------
    SettingError
        If a name is unknown or given twice, an estimator has no densities, or there is none.
    """
    if models is None:
        return list(FAMILIES.values())
    if isinstance(models, str) or not models:
        raise SettingError(
            "models must name at least one model in a list", f"choose from {', '.join(FAMILIES)}"
        )
    named = models if isinstance(models, Mapping) else {name: name for name in models}
    if len(named) < len(models):
        raise SettingError("a model is named twice", "name each model once")
    return [_family(name, model) for name, model in named.items()]


def _family(name: str, model: BaseEstimator | str) -> Family:
    if isinstance(model, str):
        return _named_family(name, model)
    if not hasattr(model, "fit") or not hasattr(model, "score_samples"):
        raise SettingError(
            f"the model {name!r} has no fit or no score_samples", "give an estimator of log-densities"
        )
    return EstimatorFamily(name, as_density(model))


def _named_family(name: str, word: str) -> Family:
    """A family of this package, a flow, or one of scipy's after ``scipy:``."""
    if word.startswith(SCIPY):
        check_distribution(word.removeprefix(SCIPY))
        return EstimatorFamily(name, ScipyDensity(word.removeprefix(SCIPY)))
    if word == FLOW:
        flowjax_package()  # refused at once where it is not installed
        return EstimatorFamily(name, FlowDensity())
    return replace(choose("models", word, FAMILIES), name=name)
