"""Rows out: blocks of numbers into a CSV, Parquet or NPY file, one block in memory at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from densimeter.foundations.errors import DataError, SettingError

Blocks = Iterable[np.ndarray]


def check_ending(path: Path) -> None:
    """Raise a `SettingError` if the ending names no kind of file that can be written."""
    if path.suffix.lower() not in _WRITERS:
        raise SettingError(
            f"{path} has the ending {path.suffix!r}, which names no kind of table that is written here",
            f"end it in one of {', '.join(_WRITERS)}",
        )


def write_rows(path: Path, columns: Sequence[str], blocks: Blocks) -> int:
    """Write blocks ``(n, len(columns))``, float64, and return the number of rows.

    A cell that is NaN is one without a value: null in Parquet, empty in CSV
    (quoted where it is alone in its line). Numbers are written with all
    their digits. An NPY file of one column has shape ``(n,)``.

    Raises
    ------
    SettingError
        If the ending is unknown.
    DataError
        If a cell has no value and the file is NPY, which cannot say so.
    OSError
        If the disk is full.
    """
    check_ending(path)
    return _WRITERS[path.suffix.lower()](path, columns, blocks)


def _batch(schema: pa.Schema, block: np.ndarray) -> pa.RecordBatch:
    cells = [pa.array(np.ascontiguousarray(column), mask=np.isnan(column)) for column in block.T]
    return pa.RecordBatch.from_arrays(cells, schema=schema)


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.float64()) for name in columns])


def _write_csv(path: Path, columns: Sequence[str], blocks: Blocks) -> int:
    from pyarrow import csv as arrow_csv

    schema, n_rows = _schema(columns), 0
    options = arrow_csv.WriteOptions(include_header=False)
    with path.open("wb") as file:
        heads = io.StringIO()
        csv.writer(heads, lineterminator="\n").writerow(columns)  # Arrow's would quote every name
        file.write(heads.getvalue().encode())
        with arrow_csv.CSVWriter(file, schema, write_options=options) as writer:
            for block in blocks:
                if len(columns) > 1:
                    writer.write_batch(_batch(schema, block))
                else:
                    file.write(_lines(block[:, 0]))
                n_rows += len(block)
    return n_rows


def _lines(column: np.ndarray) -> bytes:
    """A cell a line; one without a value is quoted, since readers skip empty lines."""
    cells = pc.cast(pa.array(column, mask=np.isnan(column)), pa.string())
    return "".join(f"{cell}\n" for cell in pc.fill_null(cells, '""').to_pylist()).encode()


def _write_parquet(path: Path, columns: Sequence[str], blocks: Blocks) -> int:
    from pyarrow import parquet

    schema, n_rows = _schema(columns), 0
    with parquet.ParquetWriter(str(path), schema) as writer:
        for block in blocks:
            writer.write_batch(_batch(schema, block))
            n_rows += len(block)
    return n_rows


def _write_npy(path: Path, columns: Sequence[str], blocks: Blocks) -> int:
    n_rows = 0
    with path.open("wb") as file:
        _npy_header(file, n_rows, len(columns))
        for block in blocks:
            if np.isnan(block).any():
                first = n_rows + int(np.argmax(np.isnan(block).any(axis=1)))
                raise DataError(
                    f"row {first + 1:,} has no value, and an NPY file cannot say so",
                    "write to a .parquet or .csv file",
                )
            file.write(np.ascontiguousarray(block, "<f8").tobytes())
            n_rows += len(block)
        file.seek(0)
        _npy_header(file, n_rows, len(columns))
    return n_rows


def _npy_header(file: object, n_rows: int, n_columns: int) -> None:
    """The header, which has room for the number of rows to grow."""
    shape = (n_rows,) if n_columns == 1 else (n_rows, n_columns)
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)  # pyright: ignore[reportArgumentType]


_WRITERS: dict[str, Callable[[Path, Sequence[str], Blocks], int]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".npy": _write_npy,
}
