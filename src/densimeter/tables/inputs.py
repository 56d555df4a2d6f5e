"""What a user may call a table: a file, an array, a data frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from densimeter.foundations.errors import DataError
from densimeter.foundations.randomness import RandomState
from densimeter.tables.cleaning import CleaningRules, clean
from densimeter.tables.identifiers import without_nameless, without_stored_index
from densimeter.tables.readers import read_file, table_of_array
from densimeter.tables.table import RawTable, Table


def load_table(data: Any, rules: CleaningRules | None = None, random_state: RandomState = None) -> Table:
    """A cleaned table from a file, an array, a data frame (pandas, polars) or an Arrow table.

    Parameters
    ----------
    data : path, array of shape (n_samples, n_features), data frame or pyarrow.Table
        Also anything that exports itself as Arrow columns (``__arrow_c_stream__``). The index of a frame is
        no column of it.
    rules : CleaningRules, optional
        What may be left out; by default nothing.
    random_state : int, Generator, RandomState or None
        Seed of the noise that undoes rounding.

    Raises
    ------
    DataError
        If there is no table there, one that the rules refuse, or a file that changes while it is read.

    Examples
    --------
    >>> table = load_table([[0.1, 2.0], [0.7, 3.5], [0.4, 9.0]])
    >>> table.columns, table.rows.shape
    (('x0', 'x1'), (3, 2))
    """
    with unchanged(data):
        return clean(_raw_table(data), rules or CleaningRules(), random_state)


@contextmanager
def unchanged(data: Any) -> Iterator[None]:
    """A file that is written while it is read gives rows that never stood together: it is refused."""
    before = _stamp(data)
    yield
    if _stamp(data) != before:
        raise DataError(f"{data} changed while it was read", "wait until it is written, and run again")


def _stamp(data: Any) -> tuple[int, int] | None:
    if not isinstance(data, (str, PathLike)) or not Path(data).is_file():
        return None
    status = Path(data).stat()
    return status.st_size, status.st_mtime_ns


def _raw_table(data: Any) -> RawTable:
    if isinstance(data, (str, PathLike)):
        return read_file(Path(data))
    _refuse_by_name(data)
    if isinstance(data, np.ndarray) and data.dtype.names:
        return _checked(pa.table({name: np.asarray(data[name]) for name in data.dtype.names}), "array")
    if hasattr(data, "to_frame") and hasattr(data, "iloc"):
        name = getattr(data, "name", None)
        data = cast(Any, data).to_frame("x0" if name is None else name)
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        return _checked(_table_of_frame(data), "data frame")
    table = _table_of_arrow(data)
    if table is not None:
        return _checked(table, "Arrow table" if isinstance(data, pa.Table) else "data frame")
    return RawTable(table_of_array(_array(data)), "array")


def _refuse_by_name(data: Any) -> None:
    """What looks like a table and is none is refused with the way to make it one."""
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise DataError("a sparse matrix is no table of rows", "give X.toarray()")
    if isinstance(data, Mapping):
        raise DataError("a dict is no table", "give a data frame: pandas.DataFrame(X)")
    if hasattr(data, "collect") and hasattr(data, "explain"):
        raise DataError("a lazy frame has no rows yet", "give X.collect()")
    if isinstance(data, Iterator | Set):
        raise DataError(f"a {type(data).__name__} is no table", "give an array: numpy.array(list(X))")


def _checked(table: pa.Table, source: str) -> RawTable:
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError("the table holds no rows", "give a row of numbers for each observation")
    raw = without_stored_index(table, source)
    return without_nameless(raw, raw.cells.column_names).with_clean_names()


def _table_of_frame(frame: Any) -> pa.Table:
    """A pandas frame without its index; names that are no strings are written out."""
    names = [str(name) for name in frame.columns]
    return pa.Table.from_arrays([_cells(frame.iloc[:, j]) for j in range(len(names))], names=names)


def _cells(series: Any) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        # a column of mixed objects: written out, so that it can be named, or left out
        return pa.array([None if cell is None else str(cell) for cell in series], pa.large_string())


def _table_of_arrow(data: Any) -> pa.Table | None:
    """The columns of anything that speaks Arrow; None for what does not, or is one column without a name."""
    if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
        return None
    try:
        return pa.table(data)
    except (pa.ArrowException, TypeError, ValueError):
        return None


def _array(data: Any) -> np.ndarray:
    try:
        array = data if isinstance(data, np.ma.MaskedArray) else np.asarray(data)
    except (TypeError, ValueError) as problem:
        raise DataError("the rows are not all of the same length", "give an array of numbers") from problem
    if array.ndim not in (1, 2) or array.size == 0:
        raise DataError(
            f"an array of shape {array.shape} is no table", "give an array of shape (n_samples, n_features)"
        )
    return array
