"""Fields of values that JSON holds as they are: numbers, truths, words, lists of these."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from densimeter.storage.record import Record, UnfitError

LARGEST_INTEGER = 2**63 - 1
LONGEST_TEXT = 10_000


class Plain:
    """A value that JSON holds as it is; `check` says which values are meant."""

    def check(self, name: str, value: Any) -> Any:
        """The value as plain JSON, or `UnfitError`."""
        raise NotImplementedError

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value."""
        record.values[name] = self.check(name, value)

    def take(self, record: Record, name: str) -> Any:
        """Read it back."""
        return self.check(name, record.pop(name))


@dataclass(frozen=True)
class Number(Plain):
    """A finite real number within limits; whole numbers stay whole."""

    above: float = -math.inf
    at_least: float = -math.inf
    at_most: float = math.inf
    below: float = math.inf

    def check(self, name: str, value: Any) -> float:
        """The number."""
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
            raise UnfitError(f"{name} is no number")
        whole = isinstance(value, Integral)
        if whole and abs(int(value)) > LARGEST_INTEGER:
            raise UnfitError(f"{name} is out of range")
        number = int(value) if whole else float(value)
        within = self.above < number < self.below and self.at_least <= number <= self.at_most
        if not math.isfinite(number) or not within:
            raise UnfitError(f"{name} is {number:g}, out of range")
        return number


@dataclass(frozen=True)
class NumberOrWord(Number):
    """A finite real number within limits, or a word that stands for a rule."""

    words: Collection[str] = ()

    def check(self, name: str, value: Any) -> Any:
        """The number or the word."""
        return value if isinstance(value, str) and value in self.words else super().check(name, value)


@dataclass(frozen=True)
class Count(Plain):
    """A whole number; with `length` the number that this name of a length stands for."""

    at_least: int = 0
    length: str | None = None

    def check(self, name: str, value: Any) -> int:
        """The number."""
        if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
            raise UnfitError(f"{name} is no whole number")
        number = int(value)
        if not self.at_least <= number <= LARGEST_INTEGER:
            raise UnfitError(f"{name} is out of range")
        return number

    def put(self, record: Record, name: str, value: Any) -> None:
        """Write a value."""
        super().put(record, name, value)
        self._bind(record, record.values[name])

    def take(self, record: Record, name: str) -> int:
        """Read it back."""
        number = super().take(record, name)
        self._bind(record, number)
        return number

    def _bind(self, record: Record, number: int) -> None:
        if self.length is not None:
            record.lengths[self.length] = number


class Flag(Plain):
    """True or false."""

    def check(self, name: str, value: Any) -> bool:
        """The truth."""
        if not isinstance(value, bool | np.bool_):
            raise UnfitError(f"{name} is neither true nor false")
        return bool(value)


class Seed(Plain):
    """A whole number or nothing. Of a generator, whose future no file can promise, nothing is kept."""

    def check(self, name: str, value: Any) -> int | None:
        """The seed."""
        if value is None or isinstance(value, np.random.Generator | np.random.RandomState):
            return None
        return Count().check(name, value)


class Forgotten(Plain):
    """A value of the place and time of the fit, which no file keeps: None afterwards."""

    def check(self, name: str, value: Any) -> None:
        """Nothing."""

    def take(self, record: Record, name: str) -> None:
        """Nothing, and nothing else is allowed to be there."""
        if record.pop(name) is not None:
            raise UnfitError(f"{name} is not kept in files")


class Text(Plain):
    """Some words."""

    def check(self, name: str, value: Any) -> str:
        """The words."""
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise UnfitError(f"{name} is no text of at most {LONGEST_TEXT:,} characters")
        if any("\ud800" <= sign <= "\udfff" for sign in value):
            raise UnfitError(f"{name} holds half a character")
        return str(value)


@dataclass(frozen=True)
class Word(Plain):
    """One of some words."""

    words: Collection[str]

    def check(self, name: str, value: Any) -> str:
        """The word."""
        if not isinstance(value, str) or value not in self.words:
            raise UnfitError(f"{name} is none of {', '.join(self.words)}")
        return str(value)


@dataclass(frozen=True)
class Listing(Plain):
    """A list of plain values, read back as a tuple."""

    each: Plain
    longest: int = 100_000

    def check(self, name: str, value: Any) -> tuple[Any, ...]:
        """The list, as JSON's array or a tuple."""
        if not isinstance(value, list | tuple | np.ndarray) or len(value) > self.longest:
            raise UnfitError(f"{name} is no list of at most {self.longest:,} values")
        return tuple(self.each.check(f"{name}[{place}]", one) for place, one in enumerate(value))
