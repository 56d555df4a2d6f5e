"""Fields of arrays, and fields made of other fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densimeter.storage.plain import Word
from densimeter.storage.record import Field, Record, UnfitError, put_all, take_all

Shape = tuple[int | str | None, ...]
"""Lengths: a number, a name that means the same number wherever it stands, or None for any length."""


@dataclass(frozen=True)
class Array:
    """Numbers in the shape given, or in any; finite unless `finite` is false.

    Their type is float64; where it need not be `double`, it may be float32 in all such arrays of a model.
    """

    shape: Shape | None = None
    finite: bool = True
    double: bool = True

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value."""
        try:
            array = np.asarray(value)
        except (TypeError, ValueError):
            raise UnfitError(f"{name} is no array of numbers") from None
        if array.dtype.kind not in "fiub":
            raise UnfitError(f"{name} is no array of numbers")
        if self.double or array.dtype.kind != "f":
            array = array.astype(np.float64)
        record.arrays[name] = self._checked(record, name, array)

    def take(self, record: Record, name: str) -> np.ndarray:
        """Read it back."""
        return self._checked(record, name, record.pop_array(name))

    def _checked(self, record: Record, name: str, array: np.ndarray) -> np.ndarray:
        self._check_type(record, name, array)
        if self.shape is not None and not _fits(array.shape, self.shape, record.lengths):
            raise UnfitError(f"{name} has shape {array.shape}")
        if self.finite and not np.isfinite(array).all():
            raise UnfitError(f"{name} holds a number that is not finite")
        return array

    def _check_type(self, record: Record, name: str, array: np.ndarray) -> None:
        if array.dtype not in (np.float32, np.float64):
            raise UnfitError(f"{name} is of type {array.dtype}")
        size = array.dtype.itemsize
        if size != (8 if self.double else record.lengths.setdefault("bytes of a number", size)):
            raise UnfitError(f"{name} is of type {array.dtype}")


def _fits(shape: tuple[int, ...], wanted: Shape, lengths: dict[str, int]) -> bool:
    """Whether every length is as wanted; a name that is new stands for the length it meets."""
    return len(shape) == len(wanted) and all(
        length is None or n == (lengths.setdefault(length, n) if isinstance(length, str) else length)
        for n, length in zip(shape, wanted, strict=True)
    )


@dataclass(frozen=True)
class Group:
    """A mapping of names to values, each with its field."""

    fields: Mapping[str, Field]

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value."""
        if not isinstance(value, Mapping):
            raise UnfitError(f"{name} is no group of values")
        put_all(self.fields, record, value, f"{name}.")

    def take(self, record: Record, name: str) -> dict[str, Any]:
        """Read it back."""
        return take_all(self.fields, record, f"{name}.")


@dataclass(frozen=True)
class Either:
    """A value of one of several fields; the file says which, and the first that allows a value has it."""

    variants: Mapping[str, Field]

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value."""
        troubles = []
        for label, variant in self.variants.items():
            attempt = Record(lengths=dict(record.lengths))
            try:
                variant.put(attempt, f"{name}.{label}", value)
            except UnfitError as trouble:
                troubles.append(str(trouble))
                continue
            record.values |= {name: label, **attempt.values}
            record.arrays |= attempt.arrays
            record.lengths |= attempt.lengths
            return
        raise UnfitError(troubles[0])

    def take(self, record: Record, name: str) -> Any:
        """Read it back."""
        label = Word(self.variants).take(record, name)
        return self.variants[label].take(record, f"{name}.{label}")


class Nothing:
    """None."""

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write nothing."""
        if value is not None:
            raise UnfitError(f"{name} should be None")

    def take(self, record: Record, name: str) -> None:
        """Read nothing."""


def maybe(rule: Field) -> Either:
    """The values of a field, or None."""
    return Either({"given": rule, "none": Nothing()})


@dataclass(frozen=True)
class Later:
    """A value that older files do not have, and which is None there."""

    rule: Field

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value."""
        self.rule.put(record, name, value)

    def take(self, record: Record, name: str) -> Any:
        """Read it back."""
        return self.rule.take(record, name) if name in record.values else None


@dataclass(frozen=True)
class Former:
    """A value that only older files have; it is checked, and left."""

    rule: Field

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write nothing."""

    def take(self, record: Record, name: str) -> None:
        """Read it if it is there."""
        if name in record.values:
            self.rule.take(record, name)
