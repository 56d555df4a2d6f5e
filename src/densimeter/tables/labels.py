"""Columns that are no part of the density and tell which rows belong together, or which came first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from densimeter.foundations.errors import DataError
from densimeter.tables.columns import decoded

MISSING = -1
"""The label of a cell that holds nothing."""


def group_labels(name: str, cells: pa.ChunkedArray) -> np.ndarray:
    """For each row the number of its group: equal cells share one, missing cells have -1."""
    try:
        coded = _plain(cells).combine_chunks().dictionary_encode()
    except pa.ArrowException as problem:
        raise DataError(
            f"the cells of {name!r} cannot be told apart: they are of type {cells.type}",
            "group by a column of numbers, words or dates",
        ) from problem
    return pc.fill_null(coded.indices, MISSING).to_numpy().astype(np.int64)


def time_labels(name: str, cells: pa.ChunkedArray) -> np.ndarray:
    """For each row its place in time, from 0; rows of the same moment share one; missing cells have -1.

    Raises
    ------
    DataError
        If the cells are neither numbers nor dates, nor text that is written as ISO 8601 writes dates.
    """
    moments = _moments(name, _plain(cells))
    values = moments.combine_chunks()
    present = values.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_floating(values.type):
        present &= ~np.isnan(pc.fill_null(values, np.nan).to_numpy())
    ranks = np.full(len(values), MISSING, np.int64)
    ranks[present] = pc.rank(values.filter(pa.array(present)), tiebreaker="dense").to_numpy() - 1  # type: ignore[attr-defined]
    return ranks


def _plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(cells.type):
        return decoded(cells)
    return pc.cast(cells, pa.large_string()) if pa.types.is_string_view(cells.type) else cells


def _moments(name: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind):
        return cells
    try:
        return pc.cast(cells, pa.timestamp("us"))
    except pa.ArrowException as problem:
        raise DataError(
            f"the cells of {name!r} tell no time: they are of type {kind}",
            "give a column of numbers, or of dates such as 2024-05-31 12:30:00",
        ) from problem
