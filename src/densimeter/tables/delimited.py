"""Delimited text in: each cell as a number where a column is all numbers, else as it is written."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from densimeter.foundations.display import clean_name
from densimeter.foundations.errors import DataError
from densimeter.tables.columns import select_columns
from densimeter.tables.dialect import Dialect, dialect_of, is_compressed, open_bytes
from densimeter.tables.numerals import SPELLINGS_OF_MISSING
from densimeter.tables.table import Note, RawTable, decision

_NAMELESS = re.compile(r"(Unnamed: \d+)?")
"""What spreadsheets and data frames call the column of row numbers they write without being asked."""


def read_delimited(path: Path) -> RawTable:
    """The table in a text file, whatever its delimiter, decimal mark, encoding and header.

    Raises
    ------
    DataError
        If two columns have the same name.
    pyarrow.ArrowInvalid
        If the rows are not all of the same length.
    """
    dialect = dialect_of(path)
    if dialect.n_columns == 0:
        return RawTable(pa.table({}), str(path))
    names = _column_names(path, dialect)
    table = _parse(path, dialect).rename_columns(names)
    if dialect.header is None:
        note = decision(f"the first line holds numbers, so the columns are called {_from_to(names)}")
        return RawTable(table, str(path), (note,))
    return _without_row_numbers(RawTable(table, str(path)), dialect.header)


def _column_names(path: Path, dialect: Dialect) -> list[str]:
    """Stripped names; x0, x1, ... for those that have none."""
    given = dialect.header or [""] * dialect.n_columns
    names = [name or f"x{j}" for j, name in enumerate(given)]
    for j, name in enumerate(names):
        if name in names[:j]:
            raise DataError(f"{path} has two columns called {name!r}", "rename one of them")
    return names


def _from_to(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _parse(path: Path, dialect: Dialect) -> pa.Table:
    try:
        return _parse_with_arrow(path, dialect, use_threads=True)
    except pa.ArrowInvalid:
        return _parse_with_arrow(path, dialect, use_threads=False)  # one thread knows the number of a bad row


def _parse_with_arrow(path: Path, dialect: Dialect, use_threads: bool) -> pa.Table:
    from pyarrow import csv as arrow_csv

    return arrow_csv.read_csv(
        _stream(path) if dialect.delimiter else _with_single_blanks(path, dialect.encoding),
        **_spelling(path, dialect, use_threads),
    )


def _spelling(path: Path, dialect: Dialect, use_threads: bool, **numbers: Any) -> dict[str, Any]:
    """The dialect as Arrow wants to be told of it; `numbers` are what it is told of columns beside it."""
    from pyarrow import csv as arrow_csv

    return {
        "read_options": arrow_csv.ReadOptions(
            use_threads=use_threads,
            encoding=dialect.encoding if dialect.delimiter else "utf-8",
            autogenerate_column_names=dialect.header is None,
        ),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=dialect.delimiter or " ", newlines_in_values=_has_quotes(path)
        ),
        "convert_options": arrow_csv.ConvertOptions(
            null_values=SPELLINGS_OF_MISSING,
            strings_can_be_null=True,
            decimal_point=dialect.decimal_point,
            check_utf8=False,  # a stray byte spoils the cell it stands in, not the whole file
            **numbers,
        ),
    }


def stream_delimited(path: Path, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """The columns called so, or all, as float64, in pieces that need not fit into memory together.

    A file whose columns are parted by blanks alone is read as a whole.

    Raises
    ------
    DataError
        If two columns have the same name, or one of `columns` is not there.
    pyarrow.ArrowInvalid
        If a cell is no number, or the rows are not all of the same length.
    """
    from pyarrow import csv as arrow_csv

    dialect = dialect_of(path)
    if dialect.n_columns == 0 or dialect.delimiter is None:
        yield read_delimited(path).cells
        return
    names = list(map(clean_name, _column_names(path, dialect)))
    chosen = select_columns(pa.table({name: pa.nulls(0) for name in names}), columns).column_names
    with arrow_csv.open_csv(_stream(path), **_spelling(path, dialect, use_threads=False)) as reader:
        written = dict(zip(names, reader.schema.names, strict=True))
    spelling = _spelling(
        path,
        dialect,
        use_threads=False,
        include_columns=[written[name] for name in chosen],
        column_types={written[name]: pa.float64() for name in chosen},
    )
    with arrow_csv.open_csv(_stream(path), **spelling) as reader:
        for batch in reader:
            yield pa.table(batch.columns, names=chosen)


def _stream(path: Path) -> pa.NativeFile:
    return pa.input_stream(str(path), compression="gzip" if is_compressed(path) else None)


def _with_single_blanks(path: Path, encoding: str) -> io.BytesIO:
    with open_bytes(path) as file:
        text = file.read().decode(encoding).removeprefix("\ufeff")
    return io.BytesIO("\n".join(" ".join(line.split()) for line in text.splitlines()).encode())


def _has_quotes(path: Path) -> bool:
    """Whether cells may hold line ends, which makes parsing slower; asked of the whole file."""
    with open_bytes(path) as file:
        return any(b'"' in block for block in iter(lambda: file.read(1 << 20), b""))


def _without_row_numbers(raw: RawTable, header: tuple[str, ...]) -> RawTable:
    """The table less its nameless columns that are empty or count the rows."""
    table, notes = raw.cells, list[Note]()
    for name, given in zip(raw.cells.column_names, header, strict=True):
        if not _NAMELESS.fullmatch(given):
            continue
        cells = table.column(name)
        what = (
            "is empty" if cells.null_count == len(cells) else "numbers the rows" if _counts(cells) else None
        )
        if what and table.num_columns > 1:
            table = table.drop_columns(name)
            notes.append(decision(f"column left out: the nameless {name!r} {what}"))
    return RawTable(table, raw.source, (*raw.notes, *notes))


def _counts(cells: pa.ChunkedArray) -> bool:
    if not pa.types.is_integer(cells.type) or cells.null_count:
        return False
    numbers = cells.to_numpy()
    return len(numbers) > 0 and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())
