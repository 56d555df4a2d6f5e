"""What counts as a number when it is written as text, and what counts as a missing one."""

from __future__ import annotations

import math

_WORDS_FOR_MISSING = {"", "?", ".", "-", "na", "n/a", "<na>", "nan", "-nan", "nat", "null", "none", "missing"}
_WORDS_FOR_MISSING |= {"#n/a", "#n/a n/a", "#na", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}  # spreadsheets

SPELLINGS_OF_MISSING = sorted(
    {change(word) for word in _WORDS_FOR_MISSING for change in (str, str.upper, str.title, str.capitalize)}
    | {"NaN", "-NaN", "NaT"}
)
"""Every way to write a missing cell that is understood, for readers that do not fold the case."""


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.strip().lower() in _WORDS_FOR_MISSING


def number_in(text: str) -> float | None:
    """The number a cell holds, NaN for a missing one, None for anything else.

    Examples
    --------
    >>> number_in(" 1e3 "), number_in("NA"), number_in("1_000")
    (1000.0, nan, None)
    """
    if is_missing(text):
        return math.nan
    if "_" in text:  # Python's digit groups, which no data file means
        return None
    try:
        return float(text)
    except ValueError:
        return None
