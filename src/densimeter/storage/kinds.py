"""The kinds of models that can be kept in a file."""

from __future__ import annotations

from typing import Any

from densimeter.foundations.errors import SettingError
from densimeter.storage import bayesian, energy, kernel_density, mixture
from densimeter.storage.contract import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (mixture.KIND, bayesian.KIND, kernel_density.KIND, energy.KIND)
}


def kind_of(model: Any) -> Kind:
    """The kind of an estimator; a class derived from a known one is another class.

    Raises
    ------
    SettingError
        If there is none.
    """
    for kind in KINDS.values():
        if type(model) is kind.estimator:
            return kind
    raise SettingError(
        f"a model of class {type(model).__name__} cannot be kept in a model file",
        f"give a fitted {', '.join(KINDS)}, or pickle the model",
    )
