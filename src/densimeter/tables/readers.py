"""Files in: CSV, Parquet, Arrow and NPY, each as an Arrow table with its own column names and types."""

from __future__ import annotations

import csv
import gzip
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from densimeter.foundations.errors import DataError, did_you_mean

_DELIMITERS = ",;\t|"


def read_file(path: Path) -> pa.Table:
    """The table in a file, by its ending: .csv, .tsv, .txt (also .gz), .parquet, .arrow, .feather, .npy.

    Raises
    ------
    DataError
        If the file is missing, empty, of an unknown kind, or not what its ending says.
    """
    _check_there(path)
    reader = _reader_of(path)
    try:
        table = reader(path)
    except (pa.ArrowException, ValueError, EOFError) as problem:
        if isinstance(problem, DataError):
            raise
        raise DataError(
            f"{path} cannot be read as {path.suffix.lstrip('.')}: {_first_line(problem)}",
            "check that the file is whole and that its ending tells its kind",
        ) from problem
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {_first_line(problem)}", "check the file") from problem
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError(f"{path} holds no rows", "give a file with a row of numbers for each observation")
    _check_names(path, table.column_names)
    return table


def _check_there(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder", "give a file: CSV, Parquet, Arrow or NPY")
    if not path.exists():
        beside = (
            [p.name for p in itertools.islice(path.parent.glob("*"), 1000)] if path.parent.is_dir() else []
        )
        near = did_you_mean(path.name, beside) if beside else ""
        advice = near if near.startswith("did you mean") else "check the name and the folder"
        raise DataError(f"there is no file {path}", advice)
    try:
        empty = path.stat().st_size == 0
    except OSError as problem:
        raise DataError(
            f"{path} cannot be read: {_first_line(problem)}", "check its permissions"
        ) from problem
    if empty:
        raise DataError(f"{path} is empty", "give a file with a row of numbers for each observation")


def _reader_of(path: Path) -> Callable[[Path], pa.Table]:
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    reader = _READERS.get(suffix.lower())
    if reader is None:
        raise DataError(
            f"{path} has the ending {suffix!r}, which names no kind of table known here",
            "give a file that ends in " + ", ".join(_READERS),
        )
    return reader


def _check_names(path: Path, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{path} has two columns called {name!r}", "rename one of them")
        seen.add(name)


def _read_csv(path: Path) -> pa.Table:
    from pyarrow import csv as arrow_csv

    encoding = _encoding_of(path)
    lines = _first_lines(path, encoding)
    delimiter = max(_DELIMITERS, key=lambda mark: lines[0].count(mark) if lines else 0)
    cells = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    headless = bool(cells) and all(_is_number(cell) for cell in cells[0])
    names = [f"x{j}" for j in range(len(cells[0]))] if headless else []
    read = arrow_csv.ReadOptions(encoding=encoding, column_names=names)
    parse = arrow_csv.ParseOptions(delimiter=delimiter)
    decimal_comma = delimiter != "," and any(
        _is_number(c.replace(",", ".")) and "," in c for r in cells[1:] for c in r
    )
    spelling = {"decimal_point": "," if decimal_comma else ".", "strings_can_be_null": True}

    with arrow_csv.open_csv(path, read, parse, arrow_csv.ConvertOptions(**spelling)) as stream:
        schema = stream.schema
    # whole numbers at the top of a file say nothing about the rest of it
    as_floats = {
        f.name: pa.float64() for f in schema if pa.types.is_integer(f.type) or pa.types.is_null(f.type)
    }
    try:
        convert = arrow_csv.ConvertOptions(column_types=as_floats, **spelling)
        return arrow_csv.read_csv(path, read, parse, convert)
    except pa.ArrowInvalid:
        # a cell further down is not what the first rows promised: keep every cell as it is written
        as_text = {name: pa.string() for name in schema.names}
        return arrow_csv.read_csv(
            path, read, parse, arrow_csv.ConvertOptions(column_types=as_text, **spelling)
        )


def _encoding_of(path: Path) -> str:
    with _open_bytes(path) as file:
        start = file.read(1 << 20)
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as problem:
        # a character cut at the end of the sample is no sign of another encoding
        return "utf8" if problem.start >= len(start) - 3 else "latin-1"
    return "utf8"


def _open_bytes(path: Path):
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def _first_lines(path: Path, encoding: str, n_lines: int = 20) -> list[str]:
    with _open_bytes(path) as file:
        raw = file.read(1 << 16)
    text = raw.decode("utf-8-sig" if encoding == "utf8" else encoding, errors="replace")
    return [line for line in text.splitlines()[:n_lines] if line.strip()]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> pa.Table:
    from pyarrow import parquet

    return parquet.read_table(path)


def _read_arrow(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        try:
            return pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            return pa.ipc.open_stream(source).read_all()


def _read_npy(path: Path) -> pa.Table:
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.ndim not in (1, 2):
        raise DataError(
            f"{path} holds no table of one or two dimensions",
            "save an array of shape (n_samples, n_features)",
        )
    return table_of_array(array)


def table_of_array(array: np.ndarray) -> pa.Table:
    """An Arrow table of the columns of an array, called x0, x1, ...

    Raises
    ------
    DataError
        If its elements are not real numbers.
    """
    columns = array.reshape(len(array), -1)
    if columns.dtype.kind not in "fiu":
        raise DataError(f"the array holds elements of type {array.dtype}", "give an array of real numbers")
    columns = columns.astype(np.float64, copy=False)
    return pa.table({f"x{j}": columns[:, j] for j in range(columns.shape[1])})


def _first_line(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,
    ".parquet": _read_parquet,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
    ".npy": _read_npy,
}
