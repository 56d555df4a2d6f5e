"""From the columns of an Arrow table to columns of numbers, refusing what is not a number by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from densimeter.foundations.errors import DataError, did_you_mean


@dataclass(frozen=True)
class NumericColumn:
    """A column as float64, missing cells as NaN, infinite ones kept for the cleaning to find."""

    name: str
    values: np.ndarray


@dataclass(frozen=True)
class OtherColumn:
    """A column that is not all numbers, with what it holds instead."""

    name: str
    what: str


def select_columns(table: pa.Table, names: Sequence[str] | None) -> pa.Table:
    """The columns called `names`, in that order; all of them for None.

    Raises
    ------
    DataError
        If one does not exist or is named twice.
    """
    if names is None:
        return table
    if not names:
        raise DataError("no column was chosen", "name at least one column")
    for name in names:
        if name not in table.column_names:
            raise DataError(f"there is no column {name!r}", did_you_mean(name, table.column_names))
    if len(set(names)) < len(names):
        raise DataError("a column was chosen twice", "name each column once")
    return table.select(list(names))


def read_column(name: str, cells: pa.ChunkedArray) -> NumericColumn | OtherColumn:
    """The numbers of a column, or what it holds instead."""
    kind = cells.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return NumericColumn(name, _to_float64(cells))
    if pa.types.is_null(kind):
        return NumericColumn(name, np.full(len(cells), np.nan))
    if pa.types.is_dictionary(kind):
        return read_column(name, pc.cast(cells, kind.value_type))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _read_text(name, cells)
    return OtherColumn(name, f"values of type {kind}")


def _to_float64(cells: pa.ChunkedArray) -> np.ndarray:
    numbers = pc.cast(cells, pa.float64(), safe=False)
    return np.array(pc.fill_null(numbers, np.nan).to_numpy(), np.float64)


def _read_text(name: str, cells: pa.ChunkedArray) -> NumericColumn | OtherColumn:
    """Numbers written as text are numbers; a few cells that are none make the column mixed."""
    texts = cells.to_pylist()
    numbers = np.full(len(texts), np.nan)
    strange: list[int] = []
    for i, text in enumerate(texts):
        if text is None or not text.strip():
            continue
        try:
            numbers[i] = float(text)
        except ValueError:
            strange.append(i)
    if not strange:
        return NumericColumn(name, numbers)
    filled = sum(text is not None and bool(text.strip()) for text in texts)
    if len(strange) == filled:
        return OtherColumn(name, "text")
    count = "a cell that is no number" if len(strange) == 1 else f"{len(strange):,} cells that are no numbers"
    return OtherColumn(name, f"{count}, the first {texts[strange[0]]!r} in row {strange[0] + 1}")
