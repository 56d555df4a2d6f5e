"""One model on the terminal: what was fitted, what a file holds, how rows scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid

from densimeter.cli.display import console_on, literal

if TYPE_CHECKING:
    from densimeter.evaluation.single import SingleFit
    from densimeter.evaluation.streaming import ScoreSummary
    from densimeter.foundations.estimates import Estimate
    from densimeter.storage import StoredModel


def print_fit(found: SingleFit, data: str, out: Path, seconds: float) -> None:
    """A fresh model, its settings, and how well it does."""
    from densimeter.report.wording import describe_estimate, describe_settings, percent

    likelihood = found.log_likelihood
    kept = "these and the validation rows" if found.n_rows > found.n_train else "the training rows alone"
    _print_lines(
        f"{data}: {_counted(len(found.table.columns), 'column')}; {found.n_train:,} training, "
        f"{found.n_validation:,} validation rows",
        {
            "model": found.name,
            "settings": describe_settings(found.settings),
            "validation": f"{describe_estimate(likelihood)} nats per row "
            f"({percent(likelihood.confidence)} interval)",
            "fitted to": f"{found.n_rows:,} rows, {kept}, in {seconds:.1f} s",
            "file": f"{out}, {_size(out.stat().st_size)}",
        },
    )


def print_stored(stored: StoredModel, file: Path) -> None:
    """What a model file holds."""
    from densimeter.report.wording import describe_settings

    log_z = stored.log_normalizer
    columns = ", ".join(stored.columns) if stored.columns else "without names"
    provenance = dict(stored.provenance)
    writer = provenance.pop("densimeter", "unknown")
    _print_lines(
        f"{file}: {stored.kind}, {_size(stored.n_bytes)}, written by densimeter {writer}",
        {
            "columns": f"{stored.estimator.n_features_in_}: {columns}",
            "log Z": f"{log_z}, {log_z.guarantee}"
            + ("" if log_z.confidence == 1 else f" at {log_z.confidence:g}")
            + f" ({log_z.method})",
            **dict(_facts(provenance)),
            "parameters": describe_settings(stored.parameters),
        },
    )


def print_scores(data: str, summary: ScoreSummary, mean: Estimate, out: Path | None) -> None:
    """The mean of scores, and where they were written."""
    from densimeter.report.wording import describe_estimate, percent

    unscored = f", {summary.n_missing:,} left unscored" if summary.n_missing else ""
    console = console_on()
    console.print(
        literal(
            f"{data}: {describe_estimate(mean)} nats per row over {summary.n_scored:,} rows{unscored} "
            f"({percent(mean.confidence)} interval, {mean.method})"
        ),
        soft_wrap=True,
    )
    if out is not None:
        console.print(literal(f"{summary.n_scored + summary.n_missing:,} rows: {out}"), soft_wrap=True)


def _print_lines(head: str, lines: Mapping[str, str]) -> None:
    grid = Grid(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, line in lines.items():
        grid.add_row(literal(name), literal(line))
    console = console_on()
    console.print(literal(head), style="dim", soft_wrap=True)
    console.print(grid)


def _facts(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Facts that somebody gave, each in a line or more; those that `densimeter fit` gives come first."""
    from densimeter.report.wording import describe_settings

    first = [name for name in _FACTS_OF_FIT if name in provenance]
    for name in dict.fromkeys([*first, *provenance]):
        fact = provenance[name]
        if isinstance(fact, Mapping):
            yield name, describe_settings({key: _told(one) for key, one in fact.items()})
        elif isinstance(fact, list):
            yield name, "\n".join(map(str, fact)) or "none"
        else:
            yield name, str(fact)


_FACTS_OF_FIT = ("source", "rows", "seed", "settings", "validation", "notes")


def _told(fact: Any) -> Any:
    """An estimate as one is written; other facts as they are."""
    if isinstance(fact, Mapping) and {"value", "lower", "upper", "confidence"} <= set(fact):
        return "{value} [{lower}, {upper}] at {confidence}".format(
            **{key: f"{one:.4g}" if isinstance(one, float) else one for key, one in fact.items()}
        )
    return fact


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _size(n_bytes: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes} bytes"
