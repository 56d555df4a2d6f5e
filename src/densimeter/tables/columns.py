"""From the columns of an Arrow table to columns of numbers, refusing what is not a number by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from densimeter.foundations.errors import DataError, SettingError, did_you_mean
from densimeter.tables.marks import Marks

_PLAIN = Marks()

LARGEST_EXACT_INTEGER = 2**53
"""Whole numbers beyond it are not all float64 numbers."""


@dataclass(frozen=True)
class NumericColumn:
    """A column as float64, missing cells as NaN, infinite ones kept for the cleaning to find."""

    name: str
    values: np.ndarray
    is_inexact: bool = False
    """Whether whole numbers were too large to stay exact."""


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
        If one does not exist or is named twice, or if two columns of the table share a name.
    SettingError
        If `names` is a single string.
    """
    if isinstance(names, str):
        raise SettingError(f"columns must be a list of names, got {names!r}", f"give [{names!r}]")
    repeated = [name for name, count in Counter(table.column_names).items() if count > 1]
    if repeated and (names is None or set(repeated) & set(names)):
        raise DataError(f"two columns are called {repeated[0]!r}", "rename one of them")
    if names is None:
        return table
    if not names:
        raise SettingError("no column was chosen", "name at least one column")
    for name in names:
        if name not in table.column_names:
            raise DataError(f"there is no column {name!r}", did_you_mean(str(name), table.column_names))
    if len(set(names)) < len(names):
        raise SettingError("a column was chosen twice", "name each column once")
    return table.select(list(names))


def without_values(numbers: np.ndarray, na_values: Sequence[float]) -> np.ndarray:
    """The same numbers with NaN where they are one of `na_values`; the same array if none is.

    Examples
    --------
    >>> without_values(np.array([1.5, -999.0]), [-999])
    array([1.5, nan])
    """
    if not len(na_values):
        return numbers
    marked = np.isin(numbers, np.asarray(na_values, np.float64))
    return np.where(marked, np.nan, numbers) if marked.any() else numbers


def read_column(name: str, cells: pa.ChunkedArray, marks: Marks = _PLAIN) -> NumericColumn | OtherColumn:
    """The numbers of a column, or what it holds instead."""
    kind = cells.type
    if pa.types.is_integer(kind):
        numbers = _to_float64(cells)
        return NumericColumn(name, numbers, bool((np.abs(numbers) > LARGEST_EXACT_INTEGER).any()))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return NumericColumn(name, _to_float64(cells))
    if pa.types.is_null(kind):
        return NumericColumn(name, np.full(len(cells), np.nan))
    if pa.types.is_dictionary(kind):
        return read_column(name, decoded(cells), marks)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _read_text(name, cells, marks)
    return OtherColumn(name, _description(kind))


def _to_float64(cells: pa.ChunkedArray) -> np.ndarray:
    numbers = pc.cast(cells, pa.float64(), safe=False)
    return pc.fill_null(numbers, np.nan).to_numpy()


def _description(kind: pa.DataType) -> str:
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "dates"
    if pa.types.is_time(kind):
        return "times of the day"
    if pa.types.is_boolean(kind):
        return "true or false"
    return f"values of type {kind}"


def _read_text(name: str, cells: pa.ChunkedArray, marks: Marks) -> NumericColumn | OtherColumn:
    """Numbers written as text are numbers; a few cells that are none make the column mixed."""
    coded = encoded(cells)
    words = words_of(coded)
    found = [marks.number(word) for word in words]  # each different cell is looked at once
    codes = pc.fill_null(coded.indices, len(words)).to_numpy()
    numbers = np.array([np.nan if number is None else number for number in [*found, None]])[codes]
    strange = np.array([number is None for number in found] + [False])[codes]
    if not strange.any():
        return NumericColumn(name, numbers)
    first = int(np.argmax(strange))
    example = f"the first {_shortened(words[codes[first]])!r} in row {first + 1:,}"
    n_strange = int(strange.sum())
    if n_strange == len(strange) - np.isnan(numbers[~strange]).sum():
        return OtherColumn(name, f"text, {example}")
    many = "a cell that is no number" if n_strange == 1 else f"{n_strange:,} cells that are no numbers"
    return OtherColumn(name, f"{many}, {example}")


def encoded(cells: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column of text as its different cells and the place of each row among them."""
    coded = pc.cast(cells, pa.large_string()).combine_chunks().dictionary_encode()
    return coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded


def decoded(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of categories as what they stand for, whatever types Arrow can cast."""
    values = cells.type.value_type
    if pa.types.is_string_view(values) or pa.types.is_binary_view(values):
        values = pa.large_string() if pa.types.is_string_view(values) else pa.large_binary()
    pieces = [_plain_array(chunk.dictionary, values).take(chunk.indices) for chunk in cells.chunks]
    return pa.chunked_array(pieces, type=values)


def _plain_array(array: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return array if array.type == kind else pc.cast(array, kind)
    except pa.ArrowNotImplementedError:
        return pa.array(array.to_pylist(), kind)


def words_of(coded: pa.DictionaryArray) -> list[str]:
    """The different cells as strings; bytes that are no UTF-8 are replaced, as only a message shows them."""
    words = pc.cast(coded.dictionary, pa.large_binary()).to_pylist()
    return [word.decode("utf-8", "replace") for word in words]


def _shortened(word: str, longest: int = 40) -> str:
    return word if len(word) <= longest else word[: longest - 1] + "…"
