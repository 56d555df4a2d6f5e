"""A model taken apart: plain values and arrays by name, each written and read back by the rule of a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from densimeter.storage.container import FORMAT


class UnfitError(Exception):
    """A value is not what its field allows; the message says in what."""


@dataclass
class Record:
    """Plain JSON values and arrays, each under a name; what is read is taken out."""

    values: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    """The numbers that named lengths have turned out to stand for."""
    format: int = FORMAT

    def pop(self, name: str) -> Any:
        """The value called `name`, which is no longer there afterwards."""
        if name not in self.values:
            raise UnfitError(f"{name} is missing")
        return self.values.pop(name)

    def pop_array(self, name: str) -> np.ndarray:
        """The array called `name`, which is no longer there afterwards."""
        if name not in self.arrays:
            raise UnfitError(f"the array {name} is missing")
        return self.arrays.pop(name)

    def check_empty(self) -> None:
        """Raise `UnfitError` if something was not taken."""
        for left in (*self.values, *self.arrays):
            raise UnfitError(f"{left!r:.60} is not known")


class Field(Protocol):
    """A rule for one value."""

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value; raises `UnfitError` if it is not allowed."""
        ...

    def take(self, record: Record, name: str) -> Any:
        """Read it back; raises `UnfitError` if what is there is not allowed."""
        ...


def put_all(fields: Mapping[str, Field], record: Record, values: Mapping[str, Any], prefix: str = "") -> None:
    """Write values by their fields, under names that begin with `prefix`."""
    for name, rule in fields.items():
        rule.put(record, prefix + name, values[name])


def take_all(fields: Mapping[str, Field], record: Record, prefix: str = "") -> dict[str, Any]:
    """Read them back."""
    return {name: rule.take(record, prefix + name) for name, rule in fields.items()}
