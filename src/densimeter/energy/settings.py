"""What a user's parameters mean: words become objects and numbers are checked, once, here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from densimeter.energy.base import ChooseBase, ChooseGaussian
from densimeter.energy.mixture_base import ChooseMixture, GivenMixture
from densimeter.energy.networks import ACTIVATIONS, Architecture
from densimeter.energy.normalizer import Precision
from densimeter.energy.objectives import OBJECTIVES
from densimeter.energy.proposal import PROPOSALS
from densimeter.energy.stacked_base import ChooseStacked
from densimeter.energy.tilt import Bound, TanhBound, Unbounded
from densimeter.energy.training import Plan
from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.errors import SettingError
from densimeter.mixture import GaussianMixture

BASES: dict[str, ChooseBase] = {
    "gaussian": ChooseGaussian(),
    "mixture": ChooseMixture(),
    "stacked": ChooseStacked(),
}
"""What a user's word for the base stands for."""


@dataclass(frozen=True)
class Settings:
    """Everything a fit is told, checked."""

    choose_base: ChooseBase
    architecture: Architecture
    bound: Bound
    plan: Plan
    n_folds: int
    validation_fraction: float
    precision: Precision
    checkpoint: Path | None


def resolve(model: Any) -> Settings:
    """The settings of an `EnergyModel`.

    Raises
    ------
    SettingError
        If one is out of range or unknown.
    """
    return Settings(
        choose_base=_choose_base(model.base),
        architecture=_architecture(model),
        bound=_bound(model.tilt_bound),
        plan=_plan(model),
        n_folds=check_count("n_folds", model.n_folds),
        validation_fraction=check_number("validation_fraction", model.validation_fraction, above=0, below=1),
        precision=Precision(
            width=check_number("log_z_width", model.log_z_width, above=0),
            confidence=check_number("log_z_confidence", model.log_z_confidence, above=0, below=1),
        ),
        checkpoint=_checkpoint(model.checkpoint, model.random_state),
    )


def _choose_base(base: Any) -> ChooseBase:
    if isinstance(base, GaussianMixture):
        check_is_fitted(base)
        return GivenMixture(base)
    return choose("base", base, BASES)


def _word_or_object(name: str, value: Any, variants: Mapping[str, Any], method: str) -> Any:
    """What a word stands for, or an object of the user's own that has the contract's method."""
    return value if hasattr(value, method) else choose(name, value, variants)


def _architecture(model: Any) -> Architecture:
    return Architecture(
        hidden=tuple(check_count("a width in hidden", width) for width in model.hidden),
        activation=choose("activation", model.activation, ACTIVATIONS),
        n_frequencies=check_count("n_frequencies", model.n_frequencies, at_least=0),
        frequency_scale=check_number("frequency_scale", model.frequency_scale, above=0),
    )


def _bound(limit: float | None) -> Bound:
    return Unbounded() if limit is None else TanhBound(check_number("tilt_bound", limit, above=0))


def _plan(model: Any) -> Plan:
    return Plan(
        objective=_word_or_object("objective", model.objective, OBJECTIVES, "loss"),
        proposal=_word_or_object("proposal", model.proposal, PROPOSALS, "log_weight"),
        max_steps=check_count("max_steps", model.max_steps),
        batch_size=check_count("batch_size", model.batch_size),
        n_proposals=check_count("n_proposals", model.n_proposals, at_least=2),
        learning_rate=check_number("learning_rate", model.learning_rate, above=0),
        weight_decay=check_number("weight_decay", model.weight_decay, at_least=0),
        patience=check_count("patience", model.patience),
    )


def _checkpoint(folder: Any, random_state: Any) -> Path | None:
    if folder is None:
        return None
    if not isinstance(random_state, Integral):
        raise SettingError(
            "a checkpoint needs a run that can be repeated, and random_state is not an integer",
            "give an integer random_state beside checkpoint",
        )
    return Path(folder)
