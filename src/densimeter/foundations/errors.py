"""Every error the package raises on purpose.

::

    DensimeterError                  reason: what is wrong with what; advice: what to do
    ├── DataError(ValueError)        the rows or the file cannot be used as they are
    ├── SettingError(ValueError)     an option or a parameter is wrong
    ├── FitError(RuntimeError)       a fit began and could not end well
    │   └── NonFiniteError           ... because a number stopped being finite
    └── ForkedProcessError(RuntimeError)   nothing can be computed in this process

Warnings mirror them: `DensimeterWarning` says what was decided for the user, in the same two lines.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection


class DensimeterError(Exception):
    """An error that says in one line what is wrong with what, and in one line what to do.

    Parameters
    ----------
    reason : str
        What is wrong, naming the thing.
    advice : str
        What the user can do about it.

    Examples
    --------
    >>> print(DataError("column 'age' is constant", "leave it out with --columns"))
    column 'age' is constant
    leave it out with --columns
    """

    def __init__(self, reason: str, advice: str):
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.reason}\n{self.advice}"


class DataError(DensimeterError, ValueError):
    """The rows or the file cannot be used as they are."""


class SettingError(DensimeterError, ValueError):
    """An option or a parameter is wrong."""


class FitError(DensimeterError, RuntimeError):
    """A fit began and could not end well."""


class NonFiniteError(FitError):
    """A fit met a number that is not finite; nothing was put in its place."""


class ForkedProcessError(DensimeterError, RuntimeError):
    """The process was forked from one that had computed already; JAX cannot compute in it."""


class Interrupted(KeyboardInterrupt):
    """The user ended a comparison of models; says which were finished, and whether they are kept.

    Parameters
    ----------
    finished : collection of str
        Names of the models that were done.
    kept : bool
        Whether the next run takes them from a cache.
    """

    def __init__(self, finished: Collection[str], kept: bool):
        self.finished = tuple(finished)
        names = ", ".join(self.finished)
        self.reason = f"interrupted; finished: {names}" if names else "interrupted"
        self.advice = (
            "run the same command again: what is finished is kept, only the rest will be fitted"
            if names and kept
            else "run the same command again for the same result"
        )
        super().__init__(self.reason)


class DensimeterWarning(UserWarning):
    """Something was decided for the user, or a result deserves less trust than it seems to.

    Parameters
    ----------
    reason : str
        What was decided or is to be doubted; where no advice is given, lines after the first are the advice.
    advice : str, optional
        What the user can do about it.

    Examples
    --------
    >>> print(DensimeterWarning("of 1024 draws only 5 counted", "use more draws"))
    of 1024 draws only 5 counted
    use more draws
    """

    def __init__(self, reason: str, advice: str = ""):
        self.reason, _, rest = reason.partition("\n")
        self.advice = advice or rest
        super().__init__(self.reason, self.advice)

    def __str__(self) -> str:
        return f"{self.reason}\n{self.advice}" if self.advice else self.reason


def in_one_line(problem: BaseException) -> str:
    """What an error or a warning says, as a sentence: ours whole, of others the first line.

    Those that carry several things, which Python prints as a tuple, say the first that is text.

    Examples
    --------
    >>> in_one_line(DataError("column 'age' is constant", "leave it out with --columns"))
    "column 'age' is constant; leave it out with --columns"
    >>> in_one_line(UserWarning("it did not converge", 17)), in_one_line(ValueError())
    ('it did not converge', 'no message')
    """
    if isinstance(problem, DensimeterError | DensimeterWarning):
        return "; ".join(" ".join(line.split()) for line in str(problem).splitlines() if line.strip())
    text = str(problem)
    if len(problem.args) > 1 and text == str(problem.args):
        text = next((part for part in problem.args if isinstance(part, str)), text)
    return next(
        (line.strip() for line in text.splitlines() if line.strip()),
        "no message",
    )


def warn_renamed(old: str, new: str) -> None:
    """Warn the caller's caller that a public name has changed; the old one works for one version more."""
    warnings.warn(
        f"{old} is now {new}\nuse {new}: the old name goes in 0.3", DeprecationWarning, stacklevel=3
    )


_MOST_NAMES = 12
"""Advice is one line; a table may have thousands of columns."""


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Advice for a misspelt name: the nearest known one, or what there is to choose from.

    Examples
    --------
    >>> did_you_mean("mixtrue", ["mixture", "kernel"])
    "did you mean 'mixture'?"
    >>> did_you_mean("x", ["mixture", "kernel"])
    "choose from 'mixture', 'kernel'"
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if not known:
        return "there is none to choose from"
    shown = ", ".join(repr(name) for name in list(known)[:_MOST_NAMES])
    return f"choose from {shown}" + (
        f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    )
