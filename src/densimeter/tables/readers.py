"""Files in: CSV, Parquet, Arrow and NPY, each as an Arrow table with its own column names and types."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError

import numpy as np
import pyarrow as pa

from densimeter.foundations.errors import DataError, DensimeterError, did_you_mean
from densimeter.tables.delimited import read_delimited
from densimeter.tables.dialect import is_compressed
from densimeter.tables.identifiers import without_stored_index
from densimeter.tables.table import RawTable

_SIGNS_OF_DAMAGE = (pa.ArrowException, ValueError, EOFError, LookupError, SyntaxError, TokenError, zlib.error)
"""What the readers of other packages raise on files that are cut, corrupt or of another kind."""


def read_file(path: Path) -> RawTable:
    """The table in a file, by its ending: .csv, .tsv, .txt (also .gz), .parquet, .arrow, .feather, .npy.

    Raises
    ------
    DataError
        If the file is missing, empty, of an unknown kind, or not what its ending says.
    """
    with damage_as_data_errors(path):
        check_there(path)
        raw = _reader_of(path)(path)
    if raw.cells.num_rows == 0 or raw.cells.num_columns == 0:
        raise DataError(f"{path} holds no rows", "give a file with a row of numbers for each observation")
    return raw.with_clean_names()


@contextmanager
def damage_as_data_errors(path: Path) -> Iterator[None]:
    """What the readers of other packages raise inside the block, told as errors of the file."""
    try:
        yield
    except DensimeterError:
        raise
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {_first_line(problem)}", _advice_on(problem)) from problem
    except _SIGNS_OF_DAMAGE as problem:
        raise DataError(
            f"{path} cannot be read as {path.suffix.lstrip('.')}: {_first_line(problem)}",
            "check that the file is whole and that its ending tells its kind",
        ) from problem


def check_there(path: Path) -> None:
    """Raise a `DataError` if there is no ordinary file with something in it."""
    if path.is_dir():
        raise DataError(f"{path} is a folder", "give a file: CSV, Parquet, Arrow or NPY")
    if not path.exists():
        raise DataError(f"there is no file {path}", _near_name(path))
    if not path.is_file():
        raise DataError(f"{path} is no ordinary file", "save what it gives to a file first")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", "give a file with a row of numbers for each observation")


def _near_name(path: Path) -> str:
    folder = path.parent
    beside = [file.name for file in itertools.islice(folder.glob("*"), 1000)] if folder.is_dir() else []
    near = did_you_mean(path.name, beside) if beside else ""
    return near if near.startswith("did you mean") else "check the name and the folder"


def kind_of(path: Path) -> str:
    """The ending that tells what kind of table a file is, in small letters, without that of compression."""
    return (Path(path.stem).suffix if is_compressed(path) else path.suffix).lower()


def _reader_of(path: Path) -> Callable[[Path], RawTable]:
    compressed = is_compressed(path)
    reader = _READERS.get(kind_of(path))
    if reader is None or (compressed and reader is not read_delimited):
        raise DataError(
            f"{path} has the ending {''.join(path.suffixes[-2:])!r}, which names no kind of table known here",
            "give a file that ends in " + ", ".join(_READERS) + ", or .csv.gz",
        )
    return reader


def _read_parquet(path: Path) -> RawTable:
    from pyarrow import parquet

    # one file, not a data set: names of folders are no columns
    with parquet.ParquetFile(path) as file:
        return without_stored_index(file.read(), str(path))


def _read_arrow(path: Path) -> RawTable:
    with pa.memory_map(str(path)) as source:
        try:
            table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            table = pa.ipc.open_stream(source).read_all()
    table.validate()
    return without_stored_index(table, str(path))


def _read_npy(path: Path) -> RawTable:
    # mapped, so that a header which promises more than the file holds allocates nothing; never unpickled
    array = np.lib.format.open_memmap(path, mode="r")
    if array.ndim not in (1, 2) or array.size == 0:
        raise DataError(
            f"{path} holds an array of shape {array.shape}, which is no table",
            "save an array of shape (n_samples, n_features)",
        )
    return RawTable(table_of_array(array), str(path))


def table_of_array(array: np.ndarray) -> pa.Table:
    """An Arrow table of the columns of an array, called x0, x1, ...; masked cells are missing.

    Raises
    ------
    DataError
        If its elements are not real numbers.
    """
    if array.dtype.kind == "O":
        array = _numbers_of_objects(array)
    if array.dtype.kind == "b":
        raise DataError("the array holds true or false", "give an array of real numbers")
    if array.dtype.kind not in "fiu":
        raise DataError(f"the array holds elements of type {array.dtype}", "give an array of real numbers")
    columns = array.reshape(len(array), -1)
    return pa.table({f"x{j}": _arrow_column(columns[:, j]) for j in range(columns.shape[1])})


def _numbers_of_objects(array: np.ndarray) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as problem:
        raise DataError(
            f"the array holds objects that are no numbers: {_first_line(problem)}",
            "give an array of real numbers",
        ) from problem


def _arrow_column(column: np.ndarray) -> pa.Array:
    wide = column.dtype.kind == "f" or column.dtype.itemsize < 8
    plain = np.ascontiguousarray(
        np.ma.getdata(column), np.float64 if wide else column.dtype.newbyteorder("=")
    )
    return pa.array(plain, mask=np.ma.getmaskarray(column) if np.ma.isMaskedArray(column) else None)


def _first_line(problem: BaseException) -> str:
    line = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
    return line if len(line) <= 160 else line[:159] + "…"


def _advice_on(problem: OSError) -> str:
    return "check its permissions" if isinstance(problem, PermissionError) else "check that the file is whole"


_READERS: dict[str, Callable[[Path], RawTable]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".parquet": _read_parquet,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
    ".npy": _read_npy,
}
