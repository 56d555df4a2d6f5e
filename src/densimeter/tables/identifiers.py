"""Columns that name or number the rows instead of measuring them: they are no part of a density."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from densimeter.tables.columns import NumericColumn, decoded
from densimeter.tables.table import Note, RawTable, decision

_STORED_INDEX = re.compile(r"__index_level_\d+__")
"""How pandas calls the index of a frame when it writes Parquet or Arrow."""

_NAMELESS = re.compile(r"(Unnamed: \d+)?")
"""What spreadsheets and data frames call the column of row numbers they write without being asked."""

_NAMES_OF_IDENTIFIERS = {"id", "idx", "index", "row", "rowid", "row_id", "rowname", "rownames", "rownumber"}

_FEWEST_NUMBERED = 10
"""So many rows must be numbered one by one before that is taken for more than chance."""


def without_stored_index(table: pa.Table, source: str) -> RawTable:
    """The table less what pandas stored of an index, by its name or by what pandas says of it."""
    told = (table.schema.pandas_metadata or {}).get("index_columns", [])
    stored = [name for name in table.column_names if name in told or _STORED_INDEX.fullmatch(name)]
    notes = [decision(f"column left out: {name!r} is the index of a data frame") for name in stored]
    return RawTable(table.drop_columns(stored), source, tuple(notes))


def without_nameless(raw: RawTable, given: Sequence[str]) -> RawTable:
    """The table less its nameless columns that are empty or tell rows apart, by the names as they stood."""
    table, notes = raw.cells, list[Note]()
    for j, (name, header) in enumerate(zip(raw.cells.column_names, given, strict=True)):
        if not _NAMELESS.fullmatch(header) or table.num_columns == 1:
            continue
        what = _what_is_told(raw.cells.column(name), is_first=j == 0)
        if what:
            table = table.drop_columns(name)
            notes.append(decision(f"column left out: the nameless {name!r} {what}"))
    return RawTable(table, raw.source, (*raw.notes, *notes), raw.marks)


def _what_is_told(cells: pa.ChunkedArray, is_first: bool) -> str | None:
    """What a nameless column does other than measuring: an index is the first, and no cell stands twice."""
    if cells.null_count == len(cells):
        return "is empty"
    cells = decoded(cells) if pa.types.is_dictionary(cells.type) else cells
    is_whole = pa.types.is_integer(cells.type)
    if is_whole and not cells.null_count:
        numbers = cells.to_numpy()
        if numbers[0] in (0, 1) and (np.diff(numbers) == 1).all():
            return "numbers the rows"
    is_word = any(test(cells.type) for test in (pa.types.is_string, pa.types.is_large_string))
    if not is_first or len(cells) < 2 or not (is_whole or is_word or pa.types.is_temporal(cells.type)):
        return None
    return "is the index of a data frame" if len(cells.unique()) == len(cells) else None


def numbers_rows(column: NumericColumn, is_whole: bool) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ... in any order, or, if called so, any steady one."""
    values = np.sort(column.values)  # NaN last
    if len(values) < _FEWEST_NUMBERED or not np.isfinite(values).all():
        return False
    if column.name.strip().lower().replace(" ", "") in _NAMES_OF_IDENTIFIERS:
        return _step_of(values) is not None
    return is_whole and values[0] in (0, 1) and _step_of(values) == 1


def notes_on_steady(columns: Sequence[NumericColumn]) -> list[Note]:
    """A note on each column that changes by the same from each row to the next, as years do."""
    steps = [(column.name, _step_of(column.values)) for column in columns]
    return [
        decision(
            f"column kept: {name!r} changes by {step:g} from each row to the next; if it numbers or dates "
            "the rows, choose others with --columns, or order rows by it with --time"
        )
        for name, step in steps
        if step
    ]


def _step_of(values: np.ndarray) -> float | None:
    """The step of a steady sequence, None if it is none."""
    if len(values) < _FEWEST_NUMBERED or not np.isfinite(values).all():
        return None
    steps = np.diff(values)
    open_ = 4 * np.finfo(float).eps * np.abs(values).max()
    steady = steps[0] != 0 and np.abs(steps - steps[0]).max() <= open_
    return float(steps[0]) if steady else None
