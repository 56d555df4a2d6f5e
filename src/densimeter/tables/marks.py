"""Which mark parts the fraction of a number written as text, and which its thousands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from densimeter.tables.numerals import number_in

_BLANKS_AND_APOSTROPHES = " \u00a0\u2009\u202f'\u2019"
"""Marks that part nothing but thousands."""

_SIGNED = r"[+-]?"


@dataclass(frozen=True)
class Marks:
    """How numbers are written: the mark before the fraction and, if there is one, that between thousands."""

    decimal: str = "."
    thousands: str = ""

    def number(self, word: str) -> float | None:
        """The number in a cell, NaN for a missing one, None for what is none.

        Examples
        --------
        >>> Marks(",", ".").number("1.234,5"), Marks(",").number("1.5")
        (1234.5, None)
        """
        plain = word.strip().replace("\u2212", "-")
        if self.thousands and self.thousands in plain:
            if not _grouped(plain, self.thousands, self.decimal):
                return None
            plain = plain.replace(self.thousands, "")
        if self.decimal != ".":
            if "." in plain and number_in(plain) == number_in(plain) and number_in(plain) is not None:
                return None
            plain = plain.replace(self.decimal, ".")
        return number_in(plain)


def _grouped(word: str, mark: str, decimal: str) -> bool:
    """Whether `mark` parts groups of three digits, the first of which is no zero."""
    pattern = rf"{_SIGNED}[1-9]\d{{0,2}}({re.escape(mark)}\d{{3}})+({re.escape(decimal)}\d*)?"
    return re.fullmatch(pattern, word.strip()) is not None


def is_surely_decimal(word: str, mark: str) -> bool:
    """Whether a word is a number whose fraction follows `mark`, which cannot be a mark of thousands."""
    other = "." if mark == "," else ","
    if word.count(mark) != 1:
        return False
    whole = Marks(mark).number(word) is not None or _grouped(word, other, mark)
    return whole and not _grouped(word, mark, other)


def may_be_thousands(words: Sequence[str], mark: str) -> bool:
    """Whether the marks in a column look like those of thousands rather than of fractions.

    Every number with the mark has groups of three digits after it; and there are two groups in one number,
    or numbers below a thousand stand beside them without a mark, as no fixed number of decimals would have.
    """
    numbers = [word.strip() for word in words if any(digit in word for digit in "0123456789")]
    marked = [word for word in numbers if mark in word]
    other = "." if mark == "," else ","
    if not marked or not all(_grouped(word, mark, other) for word in marked):
        return False
    if any(word.count(mark) > 1 or other in word for word in marked):
        return True
    plain = [word for word in numbers if mark not in word]
    below = all(re.fullmatch(rf"{_SIGNED}\d{{1,3}}", word) for word in plain)
    return bool(plain) and below and (mark == "," or any(word.endswith("0") for word in marked))


def marks_of(words: Sequence[str], decimal: str, comma_is_delimiter: bool = False) -> Marks:
    """The marks under which most words of a column are numbers, `decimal` being that of the file.

    Examples
    --------
    >>> marks_of(["950", "1,020"], ".")
    Marks(decimal='.', thousands=',')
    """
    other = "," if decimal == "." else "."
    if may_be_thousands(words, decimal):
        return Marks(other, decimal)
    if any(_grouped(word, other, decimal) for word in words):
        certain = decimal == "," or comma_is_delimiter or may_be_thousands(words, other)
        if certain or any(_grouped(word, other, decimal) and decimal in word for word in words):
            return Marks(decimal, other)
    for mark in _BLANKS_AND_APOSTROPHES:
        if any(_grouped(word, mark, decimal) for word in words):
            return Marks(decimal, mark)
    return Marks(decimal)
