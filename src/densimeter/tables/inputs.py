"""What a user may call a table: a file, an array, a data frame."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from densimeter.foundations.errors import DataError
from densimeter.foundations.randomness import RandomState
from densimeter.tables.cleaning import CleaningRules, clean
from densimeter.tables.readers import read_file, table_of_array
from densimeter.tables.table import Table


def load_table(data: Any, rules: CleaningRules | None = None, random_state: RandomState = None) -> Table:
    """A cleaned table from a file, an array, a data frame (pandas, polars) or an Arrow table.

    Parameters
    ----------
    data : path, array of shape (n_samples, n_features), data frame or pyarrow.Table
    rules : CleaningRules, optional
        What may be left out; by default nothing.
    random_state : int, Generator, RandomState or None
        Seed of the noise that undoes rounding.

    Raises
    ------
    DataError
        If there is no table there, or one that the rules refuse.

    Examples
    --------
    >>> table = load_table([[0.1, 2.0], [0.7, 3.5], [0.4, 9.0]])
    >>> table.columns, table.rows.shape
    (('x0', 'x1'), (3, 2))
    """
    if isinstance(data, Table):
        return data
    return clean(*_raw_table(data), rules or CleaningRules(), random_state)


def _raw_table(data: Any) -> tuple[pa.Table, str]:
    if isinstance(data, (str, PathLike)):
        path = Path(data)
        return read_file(path), str(path)
    if isinstance(data, pa.Table):
        return _not_empty(data), "Arrow table"
    if hasattr(data, "to_arrow"):
        return _not_empty(data.to_arrow()), "data frame"
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        named = data.rename(columns=str)
        return _not_empty(pa.Table.from_pandas(named, preserve_index=False)), "data frame"
    array = np.asarray(data)
    if array.ndim not in (1, 2) or array.size == 0:
        raise DataError(
            f"an array of shape {array.shape} is no table", "give an array of shape (n_samples, n_features)"
        )
    return table_of_array(array), "array"


def _not_empty(table: pa.Table) -> pa.Table:
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError("the table holds no rows", "give a row of numbers for each observation")
    return table
