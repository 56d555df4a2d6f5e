"""Delimited text in: each cell as a number where a column is all numbers, else as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from densimeter.foundations.display import clean_name
from densimeter.foundations.errors import DataError
from densimeter.tables.columns import (
    NumericColumn,
    OtherColumn,
    encoded,
    read_column,
    select_columns,
    words_of,
)
from densimeter.tables.dialect import Dialect, dialect_of, is_compressed, open_bytes
from densimeter.tables.identifiers import without_nameless
from densimeter.tables.lines import TableLines, has_other_lines, ragged_row
from densimeter.tables.marks import Marks, marks_of
from densimeter.tables.numerals import SPELLINGS_OF_MISSING
from densimeter.tables.table import Note, RawTable, decision, warning

_LIKE_A_NUMBER = re.compile(r"\s*[+-\u2212]?[.,]?\d")

_MAY_BE_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")


def read_delimited(path: Path) -> RawTable:
    """The table in a text file, whatever its delimiter, marks, encoding, names, and lines that are no rows.

    Raises
    ------
    DataError
        If two columns have the same name, or the rows are not all of the same length.
    """
    dialect = dialect_of(path)
    if dialect.n_columns == 0:
        return RawTable(pa.table({}), str(path))
    names = _column_names(path, dialect)
    lines = _lines_with_care(path, dialect)
    table = _parse(path, dialect, lines).rename_columns(names)
    notes = [decision(text) for text in dialect.layout.notes]
    if dialect.header is None:
        notes.append(decision(f"the first line holds numbers, so the columns are called {_from_to(names)}"))
    notes += lines.notes() if lines is not None else []
    raw = _with_numbers(RawTable(table, str(path), tuple(notes)), path, dialect)
    return raw if dialect.header is None else without_nameless(raw, dialect.header)


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


def _parse(path: Path, dialect: Dialect, lines: TableLines | None, **numbers: Any) -> pa.Table:
    from pyarrow import csv as arrow_csv

    try:
        source = _stream(path) if lines is None else lines.restarted()
        return arrow_csv.read_csv(source, **_spelling(path, dialect, lines is not None, **numbers))
    except pa.ArrowInvalid as problem:
        if lines is not None and lines.n_rows == 0:
            names = [f"f{j}" for j in range(dialect.n_columns)]
            return pa.table({name: pa.nulls(0) for name in names})
        raise ragged_row(path, dialect) or problem from problem


def _spelling(path: Path, dialect: Dialect, with_care: bool, **numbers: Any) -> dict[str, Any]:
    """The dialect as Arrow wants to be told of it; `numbers` are what it is told of columns beside it."""
    from pyarrow import csv as arrow_csv

    return {
        "read_options": arrow_csv.ReadOptions(
            encoding="utf-8" if with_care else dialect.encoding,
            autogenerate_column_names=with_care or dialect.header is None,
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
    dialect = dialect_of(path)
    lines = _lines_with_care(path, dialect)
    if dialect.n_columns == 0 or dialect.may_part_thousands:
        yield read_delimited(path).with_clean_names().cells
        return
    names = list(map(clean_name, _column_names(path, dialect)))
    chosen = select_columns(pa.table({name: pa.nulls(0) for name in names}), columns).column_names
    n_rows = 0
    try:
        for batch in _pieces(path, dialect, lines, [names.index(name) for name in chosen]):
            yield pa.table(batch.columns, names=chosen)
            n_rows += batch.num_rows
    except pa.ArrowInvalid:
        # numbers that only the whole file tells, or an error that only the whole file names
        yield _checked_numbers(read_delimited(path).with_clean_names(), chosen).slice(n_rows)


def _pieces(
    path: Path, dialect: Dialect, lines: TableLines | None, chosen: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv as arrow_csv

    def spelling(**numbers: Any) -> dict[str, Any]:
        return _spelling(path, dialect, lines is not None, **numbers)

    def source() -> Any:
        return _stream(path) if lines is None else lines.restarted()

    with arrow_csv.open_csv(source(), **spelling()) as reader:
        written = [reader.schema.names[j] for j in chosen]
    types = {name: pa.float64() for name in written}
    with arrow_csv.open_csv(source(), **spelling(include_columns=written, column_types=types)) as reader:
        yield from reader


def _checked_numbers(raw: RawTable, names: Sequence[str]) -> pa.Table:
    """The columns as numbers; the first cell that is none is an error."""
    read = [read_column(name, raw.cells.column(name), raw.marks.get(name, Marks())) for name in names]
    for column in read:
        if isinstance(column, OtherColumn):
            raise DataError(
                f"not every column is numeric: {column.name!r} holds {column.what}",
                "give a table in which the columns of the model hold numbers",
            )
    return pa.table({column.name: column.values for column in read if isinstance(column, NumericColumn)})


def _with_numbers(raw: RawTable, path: Path, dialect: Dialect) -> RawTable:
    """The table with text that is numbers by the marks of its column as such, and a note on these marks."""
    table, notes, marks = raw.cells, list(raw.notes), dict[str, Marks]()
    for j, name in enumerate(table.column_names):
        cells = table.column(j)
        if _may_hide_thousands(cells):
            cells = _as_text(path, dialect, j)
        elif not pa.types.is_string(cells.type):
            continue
        coded = encoded(cells)
        words = words_of(coded)
        found = marks_of([word for word in words if _LIKE_A_NUMBER.match(word)], dialect.decimal_point)
        if not pa.types.is_string(table.column(j).type) and not found.thousands:
            if dialect.decimal_point == "," or any(word.endswith("0") for word in words):
                notes += _doubts(name, words, dialect.decimal_point)
            continue
        marks[name] = found
        column = read_column(name, cells, found)
        if isinstance(column, NumericColumn):
            numbers = pa.chunked_array([pa.array(column.values, from_pandas=True)])
            table = table.set_column(j, name, numbers)
            if found.thousands:
                example = next(word for word in words if found.thousands in word.strip())
                notes.append(decision(f"{name!r}: {found.thousands!r} parts thousands, as in {example!r}"))
        elif pa.types.is_string(cells.type):
            table = table.set_column(j, name, cells)
    return RawTable(table, raw.source, tuple(notes), marks)


def _doubts(name: str, words: Sequence[str], mark: str) -> list[Note]:
    """A warning where every mark of a column may be one of thousands, yet is read as that of the fraction."""
    marked = [word for word in words if mark in word]
    if mark != "," or not marked or not all(_MAY_BE_GROUPED.fullmatch(word.strip()) for word in marked):
        return []
    return [
        warning(
            f"{name!r}: {mark!r} is read as the mark of the fraction, as in {marked[0]!r}, though three "
            "digits follow each: if it parts thousands, write the numbers without it"
        )
    ]


def _may_hide_thousands(cells: pa.ChunkedArray) -> bool:
    """Whether all numbers of a column could be such as 999 and 1.020, the point between thousands."""
    if not pa.types.is_floating(cells.type):
        return False
    values = cells.drop_null().to_numpy()
    values = values[np.isfinite(values)]
    if not len(values) or not (np.abs(values) < 1000).all():
        return False
    thousandths = values * 1000
    fractions = values[values != np.round(values)]
    return bool((np.abs(thousandths - np.round(thousandths)) < 1e-6).all() and (np.abs(fractions) >= 1).all())


def _as_text(path: Path, dialect: Dialect, column: int) -> pa.ChunkedArray:
    """One column as it is written."""
    lines = _lines_with_care(path, dialect)
    written = _parse(path, dialect, lines).column_names[column]
    table = _parse(path, dialect, lines, include_columns=[written], column_types={written: pa.string()})
    return table.column(0)


def _stream(path: Path) -> pa.NativeFile:
    return pa.input_stream(str(path), compression="gzip" if is_compressed(path) else None)


def _lines_with_care(path: Path, dialect: Dialect) -> TableLines | None:
    """The lines that are rows, where others stand between them; None where Arrow may read the file itself."""
    if dialect.delimiter and dialect.layout.is_plain and not has_other_lines(path, dialect):
        return None
    return TableLines(path, dialect)


def _has_quotes(path: Path) -> bool:
    """Whether cells may hold line ends, which makes parsing slower; asked of the whole file."""
    with open_bytes(path) as file:
        return any(b'"' in block for block in iter(lambda: file.read(1 << 20), b""))
