"""A kind of model: its fields, and the way from an estimator to their values and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from densimeter.foundations.errors import DensimeterError
from densimeter.storage.fields import maybe
from densimeter.storage.plain import Count, Listing, Text
from densimeter.storage.record import Field, Record, UnfitError, put_all, take_all

Values = dict[str, Any]

_COMMON: Mapping[str, Field] = {
    "n_features": Count(at_least=1, length="d"),
    "feature_names": maybe(Listing(Text())),
}
"""What every fitted scikit-learn estimator knows of its columns; arrays measure themselves by the first."""


@dataclass(frozen=True)
class Derived:
    """What files of format 1 hold although it follows from the state: it must agree, and is not used."""

    field: Field
    derived: Callable[[Any], Any]
    """From the restored model."""

    def check(self, name: str, value: np.ndarray, model: Any) -> None:
        """Raise `UnfitError` where the file contradicts itself."""
        derived = np.asarray(self.derived(model))
        if value.shape != derived.shape:
            raise UnfitError(f"{name} has shape {value.shape}")
        if not np.abs(value - derived).max() <= AGREEMENT * np.abs(derived).max():
            raise UnfitError(f"{name} does not follow from the other numbers")


AGREEMENT = 1e-3
"""Relative; single precision and another machine's rounding are well within."""


@dataclass(frozen=True)
class Kind:
    """How the models of one class are kept.

    Parameters
    ----------
    name : str
        What the file calls it.
    estimator : type
        The class.
    parameters : mapping of str to Field
        What each constructor parameter may be; a file has all of them and no other.
    state : mapping of str to Field
        The same for what a fit leaves.
    take_apart : callable
        A fitted estimator to the values of `state`.
    restore : callable
        Gives an estimator made of its parameters the values of `state`. Raises `UnfitError`, or an error of
        the package, where they do not belong together.
    former : mapping of str to Derived
        What older files hold beside the state.
    """

    name: str
    estimator: type
    parameters: Mapping[str, Field]
    state: Mapping[str, Field]
    take_apart: Callable[[Any], Values]
    restore: Callable[[Any, Values], None]
    former: Mapping[str, Derived] = field(default_factory=dict)

    def put(self, record: Record, model: Any) -> None:
        """Write a fitted estimator; raises `UnfitError` if it has something that no file can hold."""
        names = getattr(model, "feature_names_in_", None)
        put_all(_COMMON, record, {"n_features": model.n_features_in_, "feature_names": names})
        put_all(self.parameters, record, model.get_params(deep=False), "parameters.")
        put_all(self.state, record, self.take_apart(model), "state.")

    def take(self, record: Record) -> Any:
        """Read it back; raises `UnfitError` if the record is not of such a model, or holds anything else."""
        n_numbers = sum(array.size for array in record.arrays.values())
        common = take_all(_COMMON, record)
        if common["n_features"] > n_numbers:
            raise UnfitError(f"n_features is {common['n_features']}, and there are not as many numbers")
        model = self.estimator(**take_all(self.parameters, record, "parameters."))
        state = take_all(self.state, record, "state.")
        former = self._take_former(record)
        record.check_empty()
        model.n_features_in_ = common["n_features"]
        if common["feature_names"] is not None:
            if len(common["feature_names"]) != common["n_features"]:
                raise UnfitError("feature_names are not as many as the columns")
            model.feature_names_in_ = np.array(common["feature_names"], object)
        try:
            with np.errstate(all="ignore"):  # what overflows is refused by its value
                self.restore(model, state)
                for name, value in former.items():
                    self.former[name].check(name, value, model)
        except DensimeterError as error:
            raise UnfitError(error.reason) from error
        return model

    def _take_former(self, record: Record) -> Values:
        if record.format > 1:
            return {}
        return take_all({name: former.field for name, former in self.former.items()}, record, "state.")


@dataclass(frozen=True)
class Nested:
    """A fitted estimator as a value of another one."""

    kind: Kind

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value."""
        if type(value) is not self.kind.estimator:
            raise UnfitError(f"{name} is no {self.kind.name}")
        inner = Record()
        self.kind.put(inner, value)
        record.values |= {f"{name}.{key}": one for key, one in inner.values.items()} | {name: self.kind.name}
        record.arrays |= {f"{name}.{key}": one for key, one in inner.arrays.items()}

    def take(self, record: Record, name: str) -> Any:
        """Read it back."""
        if record.pop(name) != self.kind.name:
            raise UnfitError(f"{name} is no {self.kind.name}")
        prefix = f"{name}."
        inner = Record(
            _split_off(record.values, prefix), _split_off(record.arrays, prefix), format=record.format
        )
        return self.kind.take(inner)


def _split_off(named: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The entries whose name begins with `prefix`, without it; they are taken out."""
    found = [name for name in named if name.startswith(prefix)]
    return {name.removeprefix(prefix): named.pop(name) for name in found}
