"""Results on the terminal: the ranked table on stdout, progress and notes on stderr."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from densimeter.foundations.display import printable
from densimeter.foundations.errors import in_one_line
from densimeter.foundations.progress import Progress, silent

if TYPE_CHECKING:
    from densimeter.evaluation.results import Comparison

_WIDTH_WHEN_PIPED = 160
"""A file or a pipe has no width; lines are not cut there."""


def print_comparison(comparison: Comparison) -> None:
    """The ranked table, best first, the oracle above it where it is known."""
    from densimeter.report.wording import (
        describe_estimate,
        describe_heavy_tails,
        describe_protocol,
        describe_settings,
        describe_split,
        describe_verdict,
    )

    grid = Grid(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    grid.add_column("model", no_wrap=True)
    grid.add_column("log-likelihood", justify="right", no_wrap=True)
    grid.add_column("difference to best", justify="right", no_wrap=True)
    known = comparison.oracle is not None
    if known:
        grid.add_column("gap to oracle", justify="right", no_wrap=True)
    grid.add_column("fit, s", justify="right", no_wrap=True)
    grid.add_column("settings", overflow="fold")
    if comparison.oracle is not None:
        likelihood = describe_estimate(comparison.oracle)
        grid.add_row("oracle", likelihood, "", "", "", "the true density", style="dim")
    for model in comparison.models:
        cells = [describe_estimate(model.log_likelihood), describe_estimate(model.difference_to_best)]
        if model.gap_to_oracle is not None:
            cells.append(describe_estimate(model.gap_to_oracle))
        settings = literal(describe_settings(model.settings))
        grid.add_row(literal(model.name), *cells, f"{model.fit_seconds:.1f}", settings)
    console = console_on()
    console.print(literal(describe_split(comparison.data, comparison.confidence)), style="dim")
    if protocol := describe_protocol(comparison.data):
        console.print(literal(protocol), style="dim")
    console.print(grid)
    for model in comparison.unranked:
        console.print(literal(f"not ranked: {model.name}: {model.reason}"), style="yellow")
    for line in describe_heavy_tails(comparison):
        console.print(literal(line), style="yellow")
    console.print(literal(describe_verdict(comparison)))


def print_notes(comparison: Comparison) -> None:
    """Decisions on the data and warnings, on stderr."""
    for note in comparison.data.notes:
        print_note(note.kind, note.text)
    if kept := ", ".join(model.name for model in comparison.models if model.from_cache):
        text = f"fitted in an earlier run, and kept: {kept} (--no-cache fits anew)"
        console_on(stderr=True).print(Text(text), style="dim")


def print_note(kind: str, text: str) -> None:
    """One decision or warning, on stderr."""
    console = console_on(stderr=True)
    style = "yellow" if kind == "warning" else "dim"
    console.print(literal(f"{kind}: {text}"), style=style, soft_wrap=not console.is_terminal)


@contextmanager
def warnings_as_notes(quiet: bool) -> Iterator[None]:
    """Warnings of the models inside the block, as notes on stderr: each once, whatever numbers it tells."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    said = [in_one_line(warning.message) for warning in caught if isinstance(warning.message, Warning)]
    told = {re.sub(r"[0-9]+", "#", text): text for text in reversed(said)}
    for text in reversed(told.values()):
        if not quiet:
            print_note("warning", text)


def print_datasets() -> None:
    """The built-in tables and what they are."""
    from densimeter.datasets.named import NAMED_DATASETS

    grid = Grid(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for dataset in NAMED_DATASETS.values():
        known = "exact density known" if dataset.density is not None else "real rows"
        grid.add_row(literal(dataset.name), literal(dataset.summary), Text(known, style="dim"))
    console_on().print(grid)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A bar on stderr that vanishes when the work is done; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield silent
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def listen(done: int, total: int, message: str = "") -> None:
            bar.update(task, completed=done, total=total or None, description=message or None)

        yield listen


def console_on(stderr: bool = False) -> Console:
    """A console without colours of its own choice, whose lines are not cut where nobody looks at them."""
    console = Console(stderr=stderr, highlight=False)
    return (
        console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDTH_WHEN_PIPED)
    )


def literal(text: str) -> Text:
    """`text` as it stands, without markup, its lines kept and other controls of the terminal spelt out."""
    return Text("\n".join(printable(line) for line in text.split("\n")))
