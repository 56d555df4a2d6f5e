"""Where the numbers come from: the rows, every decision on them, the protocol, how to make it again."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any

from densimeter._version import __version__
from densimeter.report.blocks import Cell, Section, Table
from densimeter.report.wording import describe_protocol, percent

MOST_NAMED = 30
"""Columns that are named in a sentence."""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "jax", "equinox", "optax", "finufft", "pyarrow")


def data(comparison: Any) -> Section:
    """The rows, and every decision taken on them."""
    summary = comparison.data
    named = ", ".join(summary.columns[:MOST_NAMED])
    more = f" and {len(summary.columns) - MOST_NAMED:,} more" if len(summary.columns) > MOST_NAMED else ""
    words = [
        f"{summary.source}, columns {named}{more}.",
        _parts(summary),
    ]
    if not summary.notes:
        return Section("data", "The data", [*words, "Every row was used as it is."])
    rows = [[Cell(str(note.kind)), Cell(note.text)] for note in summary.notes]
    return Section("data", "The data", words, (), [Table("Decisions and warnings", ["kind", "what"], rows)])


def _parts(summary: Any) -> str:
    if summary.protocol.test_folds is None:
        return (
            f"{summary.n_train:,} rows were fitted, {summary.n_validation:,} chose settings, and "
            f"{summary.n_test:,} were scored, once."
        )
    return (
        f"In each of {summary.protocol.test_folds} folds {summary.n_train:,} rows were fitted and "
        f"{summary.n_validation:,} chose settings; {summary.n_test:,} rows were scored, each in the one fold "
        "whose models have not seen it. The models that are drawn are those of the first fold."
    )


def protocol(comparison: Any) -> Section:
    """How rows were divided and means judged."""
    summary = comparison.data
    level = percent(comparison.confidence)
    folds = "" if summary.protocol.test_folds is None else ", a different part in each fold"
    equal = {"keep": "kept", "drop": "left out"}[summary.protocol.duplicates]
    words = [
        "Rows are divided before anything is fitted; columns are scaled by training rows alone, and the "
        f"scale is counted in the density. Test rows that equal an earlier row are {equal}.",
        f"{percent(summary.test_fraction)} of the rows are test rows{folds}. Intervals are {level} "
        f"({_interval(summary.protocol)}); differences are paired, and p-values are adjusted for all pairs "
        "of models by Holm's method.",
    ]
    if told := describe_protocol(summary):
        words.append(f"{told[0].upper()}{told[1:]}.")
    return Section("protocol", "The protocol", words)


def _interval(protocol: Any) -> str:
    if protocol.repeats > 1:
        return "Student's t over the splits, corrected for their overlap as Nadeau and Bengio do"
    if protocol.interval == "bca":
        over = "the BCa bootstrap over " + ("groups of test rows" if protocol.group else "test rows")
    elif protocol.time is not None:
        over = "Student's t over test rows in time, robust to their autocorrelation"
    elif protocol.group is not None:
        over = f"Student's t over groups of test rows by {protocol.group!r}, whose rows may hang together"
    else:
        over = "Student's t over test rows"
    if protocol.test_folds is None:
        return over
    return f"{over} of all folds, widened for what the folds have in common as Nadeau and Bengio do"


def reproduction(comparison: Any, command: str | None) -> Section:
    """The command or call, the seed, and the versions of what took part."""
    seed = comparison.data.seed
    rows = [[Cell("densimeter"), Cell(__version__)], [Cell("Python"), Cell(python_version())]]
    rows += [[Cell(name), Cell(found)] for name in LIBRARIES if (found := _version(name))]
    told = "none was given: another run draws another split" if seed is None else f"{seed}"
    return Section(
        "reproduction",
        "Make it again",
        [f"Seed of the split and of every fit: {told}."],
        (),
        [Table("Versions", ["package", "version"], rows)],
        command or _call(comparison),
    )


def _call(comparison: Any) -> str:
    summary, protocol = comparison.data, comparison.data.protocol
    given = {
        "columns": list(summary.columns),
        "test_fraction": summary.test_fraction if protocol.test_folds is None else None,
        "confidence": comparison.confidence,
        "folds": protocol.folds,
        "repeats": protocol.repeats,
        "group": protocol.group,
        "time": protocol.time,
        "duplicates": protocol.duplicates,
        "interval": protocol.interval,
        "random_state": summary.seed,
    }
    lines = "".join(f"    {name}={value!r},\n" for name, value in given.items() if value is not None)
    return f"densimeter.compare(\n    X,  # {summary.source}\n{lines})"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
