"""Text from outside, such as names of columns, made safe to print and to keep."""

from __future__ import annotations

import re

_SPACES = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
"""Characters that end or indent lines; in a name they stand for a blank."""

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
"""Controls of terminals, line ends, marks that turn the direction of writing, and halves of characters."""


def printable(text: str) -> str:
    r"""`text` with every character that could command a terminal spelt out as an escape; one line.

    What is printable stays as it is, brackets included: print it without markup.

    Examples
    --------
    >>> printable("a\x1b[31m, 5 µm")
    'a\\x1b[31m, 5 µm'
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def clean_name(name: str) -> str:
    r"""A name to keep: line ends and tabs are blanks, other controls the sign for an unreadable character.

    Examples
    --------
    >>> clean_name("height\n(cm)"), clean_name("a\x1b[31m") == "a\ufffd[31m"
    ('height (cm)', True)
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", _SPACES.sub(" ", name))
