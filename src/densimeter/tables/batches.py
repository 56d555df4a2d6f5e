"""Rows of a table that need not fit into memory, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from densimeter.foundations.display import clean_name
from densimeter.foundations.errors import DataError
from densimeter.tables.columns import OtherColumn, read_column, select_columns, without_values
from densimeter.tables.delimited import stream_delimited
from densimeter.tables.identifiers import without_stored_index
from densimeter.tables.inputs import unchanged
from densimeter.tables.readers import (
    check_there,
    damage_as_data_errors,
    kind_of,
    read_file,
    table_of_array,
)

MOST_CELLS, MOST_ROWS = 2**20, 2**17
"""In a block; models need memory for each row beside that for its cells."""

Pieces = Iterator[pa.Table]


def stream_rows(
    data: Path | pa.Table, columns: Sequence[str] | None, n_features: int, na_values: Sequence[float] = ()
) -> Iterator[np.ndarray]:
    """Blocks of rows ``(n, n_features)``, float64, missing cells as NaN and infinite ones as they are.

    Parameters
    ----------
    data : Path or pyarrow.Table
        A file of any kind that `load_table` reads.
    columns : sequence of str or None
        Their names in the order wanted; None for all columns, which then must be `n_features`.
    n_features : int
    na_values : sequence of float
        Numbers that mark missing cells.

    Raises
    ------
    DataError
        If there is no such file, it is damaged or changes meanwhile, a column is not there or not numeric, or
        there are no rows.
    """
    most = max(1, min(MOST_ROWS, MOST_CELLS // n_features))
    waiting: list[np.ndarray] = []
    empty = True
    with unchanged(data):
        for piece in _pieces(data, columns):
            if piece.num_columns == 0:
                continue
            rows = _numbers(select_columns(piece, columns), n_features)
            empty = empty and not len(rows)
            waiting.append(without_values(rows, na_values))
            while sum(map(len, waiting)) >= most:
                block = np.concatenate(waiting)
                yield block[:most]
                waiting = [block[most:]]
        if empty:
            what = "the table" if isinstance(data, pa.Table) else data
            raise DataError(f"{what} holds no rows", "give a file with a row of numbers for each observation")
        if any(map(len, waiting)):
            yield np.concatenate(waiting)


def _pieces(data: Path | pa.Table, columns: Sequence[str] | None) -> Pieces:
    if isinstance(data, pa.Table):
        yield _clean(data)
        return
    with damage_as_data_errors(data):
        check_there(data)
        yield from _STREAMS.get(kind_of(data), _at_once)(data, columns)


def _numbers(table: pa.Table, n_features: int) -> np.ndarray:
    if table.num_columns != n_features:
        raise DataError(
            f"the model has {n_features} columns without names, and the table has {table.num_columns}",
            "name the columns in the order of the model's with --columns",
        )
    read = [read_column(name, table.column(name)) for name in table.column_names]
    for column in read:
        if isinstance(column, OtherColumn):
            raise DataError(
                f"not every column is numeric: {column.name!r} holds {column.what}",
                "give a table in which the columns of the model hold numbers",
            )
    return np.column_stack([column.values for column in read if not isinstance(column, OtherColumn)])


def _at_once(path: Path, columns: Sequence[str] | None) -> Pieces:
    """What no reader here can cut into pieces, or refuses."""
    yield read_file(path).cells


def _parquet(path: Path, columns: Sequence[str] | None) -> Pieces:
    from pyarrow import parquet

    # buffers made ahead would hold every row group, and of a large one every page
    with parquet.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
        everything = without_stored_index(file.schema_arrow.empty_table(), str(path)).cells
        stored = dict(zip(map(clean_name, everything.column_names), everything.column_names, strict=True))
        chosen = select_columns(_clean(everything), columns).column_names
        for batch in file.iter_batches(columns=[stored[name] for name in chosen]):
            yield _clean(pa.Table.from_batches([batch]))


def _clean(table: pa.Table) -> pa.Table:
    """The table with names as a fit would know them."""
    return table.rename_columns(list(map(clean_name, table.column_names)))


def _arrow(path: Path, columns: Sequence[str] | None) -> Pieces:
    # read, not mapped: a mapped file that is cut meanwhile ends the process
    with pa.OSFile(str(path)) as source:
        try:
            file = pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            batches = iter(pa.ipc.open_stream(source))
        else:
            batches = (file.get_batch(i) for i in range(file.num_record_batches))
        for batch in batches:
            batch.validate()
            yield _clean(without_stored_index(pa.Table.from_batches([batch]), str(path)).cells)


def _npy(path: Path, columns: Sequence[str] | None) -> Pieces:
    mapped = np.lib.format.open_memmap(path, mode="r")  # never unpickled
    n_rows = len(mapped) if mapped.ndim in (1, 2) else 0
    if n_rows == 0 or not mapped.flags.c_contiguous:
        yield read_file(path).cells
        return
    width = mapped.size // n_rows
    at_once = max(1, MOST_CELLS // max(width, 1))
    with path.open("rb") as file:
        file.seek(mapped.offset)
        for start in range(0, n_rows, at_once):
            n = min(at_once, n_rows - start)
            cells = np.fromfile(file, mapped.dtype, n * width)
            yield table_of_array(cells.reshape(n, -1))


_STREAMS: dict[str, Callable[[Path, Sequence[str] | None], Pieces]] = {
    ".csv": stream_delimited,
    ".tsv": stream_delimited,
    ".txt": stream_delimited,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".npy": _npy,
}
"""Readers by ending; what is not here goes through `read_file`, which knows what to say."""
