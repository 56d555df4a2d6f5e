"""Cleaned rows out: what cannot stand in a density is refused by name, or left out where the user said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np
import pyarrow as pa

from densimeter.foundations.checks import check_number, choose
from densimeter.foundations.dependence import find_relations
from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.tables.columns import NumericColumn, OtherColumn, read_column, select_columns, without_values
from densimeter.tables.identifiers import notes_on_steady, numbers_rows
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

FILL_VALUES = {1.0, 9.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0, 32768.0, 1e20, 1e30}
"""Sizes of numbers that stand for missing cells where there is no other sign for them."""

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
    redundant : "error" or "drop"
        Whether columns that others determine in every row end the job or are left out.
    na_values : sequence of float
        Numbers that mark missing cells, as -999 or 9999, in whatever column.

    Raises
    ------
    SettingError
        If `missing`, `text` or `redundant` is no such word, `na_values` are no finite numbers, or both
        `group` and `time` are given.
    """

    columns: Sequence[str] | None = None
    missing: str = "error"
    text: str = "error"
    dequantize: bool = False
    group: str | None = None
    time: str | None = None
    redundant: str = "error"
    na_values: Sequence[float] = ()

    def __post_init__(self) -> None:
        choose("missing", self.missing, _ON_TROUBLE)
        choose("text", self.text, _ON_TROUBLE)
        choose("redundant", self.redundant, _ON_TROUBLE)
        check_na_values(self.na_values)
        if self.group is not None and self.time is not None:
            raise SettingError(
                "rows are split either by group or by time, not by both", "give --group or --time"
            )

    @property
    def set_aside(self) -> list[str]:
        """The columns that label rows."""
        return [name for name in (self.group, self.time) if name is not None]


def check_na_values(na_values: object) -> None:
    """Raise a `SettingError` if these are no numbers that can mark missing cells."""
    if isinstance(na_values, str) or not isinstance(na_values, Sequence | Set | np.ndarray):
        raise SettingError(f"na_values must be a list of numbers, got {na_values!r}", "give [-999]")
    for value in na_values:
        check_number("each of na_values", value)


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
    independent, left_out = _independent(rows, names, rules)
    rows, names = rows[:, independent], tuple(names[j] for j in independent)
    columns = [columns[j] for j in independent]
    warnings = [*_warn_of_inexact(columns), *_warn_of_fill_values(rows, names)]
    table = Table(
        rows,
        names,
        raw.source,
        (*raw.notes, *notes, *dropped, *left_out, *warnings),
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
    numeric, marked = _with_missing(numeric, rules)
    numeric, notes = _without_identifiers(numeric, raw, rules)
    notes += marked
    if not numeric:
        raise DataError(
            f"no column is numeric: {_listing(other)}", "give a table with at least one column of numbers"
        )
    if not other:
        return numeric, notes
    if rules.text != OnTrouble.DROP:
        raise DataError(
            f"not every column is numeric: {_listing(other)}",
            f"{_choose([c.name for c in numeric])}, or leave them out with --text drop",
        )
    notes += [decision(f"column left out: {column.name!r} ({column.what})") for column in other]
    return numeric, notes


def _with_missing(
    columns: Sequence[NumericColumn], rules: CleaningRules
) -> tuple[list[NumericColumn], list[Note]]:
    """The columns with NaN where the user said that a number marks a missing cell."""
    found, counts = [], []
    for column in columns:
        values = without_values(column.values, list(rules.na_values))
        n_marked = int(np.isnan(values).sum() - np.isnan(column.values).sum())
        counts += [f"{n_marked:,} of {column.name!r}"] if n_marked else []
        found.append(replace(column, values=values))
    if not counts:
        return found, []
    marks = ", ".join(f"{value:g}" for value in rules.na_values)
    return found, [decision(f"cells that hold {marks} are missing: {'; '.join(counts)}")]


def _without_identifiers(
    numeric: list[NumericColumn], cells: pa.Table, rules: CleaningRules
) -> tuple[list[NumericColumn], list[Note]]:
    """The columns less those that only number the rows, unless they were chosen or are alone."""
    if rules.columns is not None:
        return numeric, []
    numbering = [
        column
        for column in numeric
        if numbers_rows(column, pa.types.is_integer(cells.column(column.name).type))
    ]
    if len(numbering) == len(numeric):
        return numeric, []
    left = [column for column in numeric if column not in numbering]
    notes = [
        decision(f"column left out: {column.name!r} numbers the rows; keep it by naming it with --columns")
        for column in numbering
    ]
    return left, notes + notes_on_steady(left)


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


def _independent(
    rows: np.ndarray, names: Sequence[str], rules: CleaningRules
) -> tuple[list[int], list[Note]]:
    """The places of the columns that no others determine, and a note on each that was left out."""
    found = find_relations(rows)
    determined = {relation.column for relation in found}
    independent = [j for j in range(len(names)) if j not in determined]
    told = [relation.describe(names) for relation in found]
    if found and rules.redundant != OnTrouble.DROP:
        more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
        raise DataError(
            f"columns determine each other, so that no density exists: {'; '.join(told[:3])}{more}",
            "leave out what is determined with --redundant drop, or "
            f"{_choose([names[j] for j in independent])}",
        )
    notes = [
        decision(f"column left out: {names[relation.column]!r}, since {text}")
        for relation, text in zip(found, told, strict=True)
    ]
    return independent, notes


def _warn_of_fill_values(rows: np.ndarray, names: Sequence[str]) -> list[Note]:
    """Ask about numbers that often mark missing cells, where they repeat far from all others of a column."""
    notes = []
    for name, column in zip(names, rows.T, strict=True):
        for value in (column.min(), column.max()):
            same = column == value
            rest = column[~same]
            if abs(value) not in FILL_VALUES or same.sum() < 2 or len(rest) < 2:
                continue
            if np.abs(rest - value).min() > np.ptp(rest) / 2:
                notes.append(
                    warning(
                        f"{name!r} holds {value:g} in {same.sum():,} rows, far from all others: if it marks "
                        f"missing cells, say so with --na-values {value:.15g}"
                    )
                )
    return notes


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
