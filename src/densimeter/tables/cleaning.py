"""Cleaned rows out: what cannot stand in a density is refused by name, or left out where the user said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np
import pyarrow as pa

from densimeter.foundations.checks import choose
from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.tables.columns import NumericColumn, OtherColumn, read_column, select_columns
from densimeter.tables.labels import MISSING, group_labels, time_labels
from densimeter.tables.marks import Marks
from densimeter.tables.rounding import Rounding, find_rounding
from densimeter.tables.table import Note, RawTable, Table, decision, warning


class OnTrouble(StrEnum):
    """What to do with rows or columns that cannot be used."""

    ERROR = "error"
    DROP = "drop"


LARGEST = 1e150
"""Sizes above this, and spreads below its inverse, cannot be squared in float64."""

FEWEST_SPACINGS = 1024
"""A column must span at least this many neighbouring float64 numbers."""

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
    group, time : str or None
        A column by which rows belong together, and one that orders them. Neither is part of the density,
        unless `columns` names it.

    Raises
    ------
    SettingError
        If `missing` or `text` is no such word, or both `group` and `time` are given.
    """

    columns: Sequence[str] | None = None
    missing: str = "error"
    text: str = "error"
    dequantize: bool = False
    group: str | None = None
    time: str | None = None

    def __post_init__(self) -> None:
        choose("missing", self.missing, _ON_TROUBLE)
        choose("text", self.text, _ON_TROUBLE)
        if self.group is not None and self.time is not None:
            raise SettingError(
                "rows are split either by group or by time, not by both", "give --group or --time"
            )

    @property
    def set_aside(self) -> list[str]:
        """The columns that label rows."""
        return [name for name in (self.group, self.time) if name is not None]


def clean(raw: RawTable, rules: CleaningRules, random_state: RandomState = None) -> Table:
    """The rows of `raw` that a density can be fitted to.

    Raises
    ------
    DataError
        Naming the columns, if cells are missing, infinite or text and the rules do not allow to leave them
        out, if a column is constant or does not exist, or if nothing is left.
    """
    columns, notes = _numeric_columns(_modelled_columns(raw.cells, rules), raw.marks, rules)
    names = tuple(column.name for column in columns)
    labels = _row_labels(raw.cells, rules)
    rows = np.column_stack([column.values for column in columns])
    kept, dropped = _finite_rows(rows, names, labels, rules)
    if kept is not None:
        rows, labels = rows[kept], {name: values[kept] for name, values in labels.items()}
    _refuse_useless(rows, names)
    table = Table(
        rows,
        names,
        raw.source,
        (*raw.notes, *notes, *dropped, *_warn_of_inexact(columns)),
        row_numbers=kept,
        groups=labels.get("group"),
        times=labels.get("time"),
    )
    return _treat_rounding(table, rules, random_state)


def _modelled_columns(cells: pa.Table, rules: CleaningRules) -> pa.Table:
    """The columns chosen; where none is, all but those that label rows."""
    labelling = select_columns(cells, rules.set_aside).column_names if rules.set_aside else []
    chosen = select_columns(cells, rules.columns)
    if rules.columns is not None or not labelling:
        return chosen
    if set(labelling) >= set(chosen.column_names):
        raise DataError(f"{labelling[0]!r} is the only column", "give a table with columns to model, too")
    return chosen.drop_columns(labelling)


def _row_labels(cells: pa.Table, rules: CleaningRules) -> dict[str, np.ndarray]:
    labels = {}
    if rules.group is not None:
        labels["group"] = group_labels(rules.group, cells.column(rules.group))
    if rules.time is not None:
        labels["time"] = time_labels(rules.time, cells.column(rules.time))
    return labels


def _warn_of_inexact(columns: Sequence[NumericColumn]) -> list[Note]:
    return [
        warning(f"{column.name!r} holds whole numbers beyond 2^53, which are rounded to float64 numbers")
        for column in columns
        if column.is_inexact
    ]


def _numeric_columns(
    raw: pa.Table, marks: Mapping[str, Marks], rules: CleaningRules
) -> tuple[list[NumericColumn], list[Note]]:
    read = [read_column(name, raw.column(name), marks.get(name, Marks())) for name in raw.column_names]
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
            f"{_choose([c.name for c in numeric])}, or leave them out with --text drop",
        )
    return numeric, [decision(f"column left out: {column.name!r} ({column.what})") for column in other]


def _choose(names: Sequence[str], most: int = 8) -> str:
    """Advice to choose these columns, spelt out where they are few and easy to spell."""
    simple = 0 < len(names) <= most and all(
        name.isprintable() and not set(name) & set(" ,'\"") for name in names
    )
    return f"choose with --columns {','.join(names)}" if simple else "choose other columns with --columns"


def _listing(columns: Sequence[OtherColumn], most: int = 6) -> str:
    shown = "; ".join(f"{column.name!r} holds {column.what}" for column in columns[:most])
    return shown + (f"; and {len(columns) - most} more" if len(columns) > most else "")


def _finite_rows(
    rows: np.ndarray, names: Sequence[str], labels: Mapping[str, np.ndarray], rules: CleaningRules
) -> tuple[np.ndarray | None, list[Note]]:
    """The indices of the rows without a missing or infinite cell, None where that is all of them."""
    whole, counts, complete = np.ones(len(rows), bool), [], []
    for name, column in zip(names, rows.T, strict=True):
        finite = np.isfinite(column)
        if finite.all():
            complete.append(name)
            continue
        whole &= finite
        n_missing = int(np.isnan(column).sum())
        kinds = ((n_missing, "missing"), (int((~finite).sum()) - n_missing, "infinite"))
        counts.append(f"{name!r} has " + " and ".join(f"{n:,} {what}" for n, what in kinds if n))
    for kind, values in labels.items():
        if (values == MISSING).any():
            whole &= values != MISSING
            counts.append(f"the {kind} column has {int((values == MISSING).sum()):,} missing")
    if not counts:
        return None, []
    n_bad, listed = int((~whole).sum()), "; ".join(counts)
    if n_bad == len(rows):
        raise DataError(f"every row has a cell without a finite number: {listed}", _choose(complete))
    if rules.missing != OnTrouble.DROP:
        raise DataError(
            f"{n_bad:,} of {len(rows):,} rows have cells without a finite number: {listed}",
            f"leave these rows out with --missing drop, or {_choose(complete)}",
        )
    return np.flatnonzero(whole), [decision(f"{n_bad:,} of {len(rows):,} rows left out: {listed}")]


def _refuse_useless(rows: np.ndarray, names: Sequence[str]) -> None:
    """Refuse columns that are constant, or so large, narrow or offset that float64 cannot work with them."""
    if len(rows) < 2:
        raise DataError("one row is no sample", "give a file with a row of numbers for each observation")
    low, high = rows.min(axis=0), rows.max(axis=0)
    constant = [name for name, same in zip(names, low == high, strict=True) if same]
    if constant:
        are = "is" if len(constant) == 1 else "are"
        raise DataError(
            f"{', '.join(map(repr, constant))} {are} constant: no density is defined on a constant column",
            _choose([name for name in names if name not in constant]),
        )
    largest = np.maximum(np.abs(low), np.abs(high))
    for name, size, half_range in zip(names, largest, high / 2 - low / 2, strict=True):
        trouble = _numerical_trouble(size, half_range)
        if trouble:
            advice = (
                "subtract a constant from it"
                if size < LARGEST and half_range > 1 / LARGEST
                else "change its unit"
            )
            raise DataError(
                f"{name!r} holds {trouble}", f"{advice}, or {_choose([n for n in names if n != name])}"
            )


def _numerical_trouble(size: float, half_range: float) -> str | None:
    if size > LARGEST:
        return f"values of size {size:.3g}, whose squares are no finite numbers"
    if half_range < 1 / LARGEST:
        return f"values spread over {2 * half_range:.3g}, whose squares are no finite numbers"
    if 2 * half_range < FEWEST_SPACINGS * np.spacing(size):
        return f"values near {size:.6g} that differ in their last digits only ({2 * half_range:.3g})"
    return None


def _treat_rounding(table: Table, rules: CleaningRules, random_state: RandomState) -> Table:
    found = _roundings(table)
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
    notes = [
        decision(
            f"dequantised: {described}. Add {log_volume:+.3f} nats to a log-likelihood to bound the "
            "log-probability of the rounded rows from below"
        )
    ]
    uneven = [repr(rounding.name) for rounding in found if rounding and rounding.step is None]
    if uneven:
        notes.append(
            warning(
                f"the values of {', '.join(uneven)} are not evenly spaced: noise between neighbours spreads "
                "ties, yet a point mass among close neighbours stays sharp"
            )
        )
    return replace(table, rows=spread, notes=(*table.notes, *notes), originals=table.rows)


def _roundings(table: Table) -> list[Rounding | None]:
    def distinct(j: int) -> np.ndarray:
        return table.rows[np.unique(table.identities, return_index=True)[1], j]

    several = len(table.columns) > 1
    return [
        find_rounding(name, table.rows[:, j], partial(distinct, j) if several else None)
        for j, name in enumerate(table.columns)
    ]
