"""What a user's words and estimators stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sklearn.base import BaseEstimator

from densimeter.adapters.flow_density import FlowDensity
from densimeter.adapters.flow_training import flowjax_package
from densimeter.adapters.pipeline_density import as_density
from densimeter.adapters.scipy_density import ScipyDensity, check_distribution
from densimeter.evaluation.families.contract import Family
from densimeter.evaluation.families.energy import EnergyFamily
from densimeter.evaluation.families.foreign import EstimatorFamily
from densimeter.evaluation.families.kernel import KernelFamily
from densimeter.evaluation.families.mixture import MixtureFamily
from densimeter.foundations.checks import choose
from densimeter.foundations.errors import SettingError

Models = Sequence[str] | Mapping[str, BaseEstimator | str]
"""What a user may call models: names of families, or names given to estimators."""

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
