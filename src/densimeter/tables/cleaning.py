"""Cleaned rows out: what cannot stand in a density is refused by name, or left out where the user said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pyarrow as pa

from densimeter.foundations.checks import choose
from densimeter.foundations.errors import DataError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.tables.columns import NumericColumn, OtherColumn, read_column, select_columns
from densimeter.tables.rounding import find_rounding
from densimeter.tables.table import Note, Table, decision, warning


class OnTrouble(StrEnum):
    """What to do with rows or columns that cannot be used."""

    ERROR = "error"
    DROP = "drop"


LARGEST = 1e150
"""Sizes above this, and spreads below its inverse, cannot be squared in float64."""

_ON_TROUBLE = {choice.value: choice for choice in OnTrouble}


@dataclass(frozen=True)
class CleaningRules:
    """What the user allows: refusing is the default everywhere.

    Parameters
    ----------
    columns : sequence of str or None
        The columns to use, or all.
    missing : "error" or "drop"
        Whether rows with missing or infinite cells end the job or are left out.
    text : "error" or "drop"
        Whether columns that are not numbers end the job or are left out.
    dequantize : bool
        Whether rounded columns get noise uniform over the cell of each value.
    """

    columns: Sequence[str] | None = None
    missing: str = "error"
    text: str = "error"
    dequantize: bool = False

    def __post_init__(self) -> None:
        choose("missing", self.missing, _ON_TROUBLE)
        choose("text", self.text, _ON_TROUBLE)


def clean(raw: pa.Table, source: str, rules: CleaningRules, random_state: RandomState = None) -> Table:
    """The rows of `raw` that a density can be fitted to.

    Raises
    ------
    DataError
        Naming the columns, if cells are missing, infinite or text and the rules do not allow to leave them
        out, if a column is constant or does not exist, or if nothing is left.
    """
    chosen = select_columns(raw, rules.columns)
    columns, notes = _numeric_columns(chosen, rules)
    rows = np.column_stack([column.values for column in columns])
    names = tuple(column.name for column in columns)
    rows, dropped = _finite_rows(rows, names, rules)
    _refuse_constant(rows, names)
    _refuse_extreme(rows, names)
    table = Table(rows, names, source, (*notes, *dropped))
    return _treat_rounding(table, rules, random_state)


def _numeric_columns(raw: pa.Table, rules: CleaningRules) -> tuple[list[NumericColumn], list[Note]]:
    read = [read_column(name, raw.column(name)) for name in raw.column_names]
    numeric = [column for column in read if isinstance(column, NumericColumn)]
    other = [column for column in read if isinstance(column, OtherColumn)]
    if not numeric:
        raise DataError(
            f"no column is numeric: {_listing(other)}", "give a table with at least one column of numbers"
        )
    if not other:
        return numeric, []
    if rules.text != OnTrouble.DROP:
        raise DataError(
            f"not every column is numeric: {_listing(other)}",
            f"choose with --columns {','.join(c.name for c in numeric)} or leave them out with --text drop",
        )
    return numeric, [decision(f"column left out: {column.name!r} ({column.what})") for column in other]


def _listing(columns: Sequence[OtherColumn], most: int = 6) -> str:
    shown = "; ".join(f"{column.name!r} holds {column.what}" for column in columns[:most])
    return shown + (f"; and {len(columns) - most} more" if len(columns) > most else "")


def _finite_rows(
    rows: np.ndarray, names: Sequence[str], rules: CleaningRules
) -> tuple[np.ndarray, list[Note]]:
    finite = np.isfinite(rows)
    if finite.all():
        return rows, []
    missing, infinite = np.isnan(rows).sum(axis=0), np.isinf(rows).sum(axis=0)
    counts = [
        f"{name!r} has " + " and ".join(f"{n:,} {what}" for n, what in ((m, "missing"), (i, "infinite")) if n)
        for name, m, i in zip(names, missing, infinite, strict=True)
        if m or i
    ]
    whole = finite.all(axis=1)
    n_bad = int((~whole).sum())
    if rules.missing != OnTrouble.DROP:
        raise DataError(
            f"{n_bad:,} of {len(rows):,} rows have cells without a finite number: {'; '.join(counts)}",
            "leave these rows out with --missing drop, or choose other columns with --columns",
        )
    if not whole.any():
        raise DataError(
            f"every row has a cell without a finite number: {'; '.join(counts)}", "choose other columns"
        )
    return rows[whole], [decision(f"{n_bad:,} of {len(rows):,} rows left out: {'; '.join(counts)}")]


def _refuse_constant(rows: np.ndarray, names: Sequence[str]) -> None:
    constant = [name for name, same in zip(names, (rows == rows[0]).all(axis=0), strict=True) if same]
    if constant:
        are = "is" if len(constant) == 1 else "are"
        raise DataError(
            f"{', '.join(map(repr, constant))} {are} constant: no density is defined on a constant column",
            "choose the other columns with --columns",
        )


def _refuse_extreme(rows: np.ndarray, names: Sequence[str]) -> None:
    largest, spread = np.abs(rows).max(axis=0), np.ptp(rows / 2, axis=0)
    for name, size, range_ in zip(names, largest, spread, strict=True):
        if size > LARGEST or range_ < 1 / LARGEST:
            what = f"values of size {size:.3g}" if size > LARGEST else f"values spread over {2 * range_:.3g}"
            raise DataError(
                f"{name!r} holds {what}, whose squares are no finite numbers",
                "give the column in another unit, or choose other columns with --columns",
            )


def _treat_rounding(table: Table, rules: CleaningRules, random_state: RandomState) -> Table:
    found = [find_rounding(name, table.rows[:, j]) for j, name in enumerate(table.columns)]
    if not any(found):
        return table
    described = "; ".join(rounding.describe(len(table.rows)) for rounding in found if rounding)
    if not rules.dequantize:
        note = warning(
            f"rounded or tied: {described}. A density on a lattice is unbounded, so these likelihoods mean "
            "little; spread the values over their cells with --dequantize"
        )
        return replace(table, notes=(*table.notes, note))
    generator = generator_from(random_state)
    spread = table.rows.copy()
    log_volume = 0.0
    for j, rounding in enumerate(found):
        if rounding:
            spread[:, j] = rounding.dequantize(table.rows[:, j], generator)
            log_volume += rounding.mean_log_cell(table.rows[:, j])
    note = decision(
        f"dequantised: {described}. Add {log_volume:+.3f} nats to a log-likelihood to bound the "
        "log-probability of the rounded rows from below"
    )
    return replace(table, rows=spread, notes=(*table.notes, note), originals=table.rows)
