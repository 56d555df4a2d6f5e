from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from densimeter.foundations.errors import DataError, SettingError
from densimeter.tables.columns import NumericColumn, OtherColumn, read_column, select_columns


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(),
        pa.uint64(),
        pa.float32(),
        pa.float64(),
        pa.decimal128(6, 2),
        pa.decimal256(50, 2),
        pa.null(),
    ],
    ids=str,
)
def test_numbers_of_every_type_with_their_missing_cells(kind):
    values = [None, None] if kind == pa.null() else [Decimal(3) if "decimal" in str(kind) else 3, None]
    found = read_column("a", column(values, kind))
    assert isinstance(found, NumericColumn)
    np.testing.assert_array_equal(found.values, [np.nan if v is None else float(v) for v in values])


def test_half_precision():
    found = read_column("a", pa.chunked_array([pa.array(np.array([1.5, np.inf], np.float16))]))
    np.testing.assert_array_equal(found.values, [1.5, np.inf])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_numbers_written_as_text_are_numbers(kind):
    found = read_column("a", column([" 1.5", "+2e3", None, "NA", ""], kind))
    assert isinstance(found, NumericColumn)
    np.testing.assert_array_equal(found.values, [1.5, 2000, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("words", [[1.5, None, 2.5], ["1.5", None, "2.5"]])
def test_dictionaries_are_looked_through(words):
    cells = pa.chunked_array([pa.array(words).dictionary_encode(), pa.array(words[::-1]).dictionary_encode()])
    np.testing.assert_array_equal(read_column("a", cells).values, [1.5, np.nan, 2.5, 2.5, np.nan, 1.5])


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        (column(["x", "y", None]), "text, the first 'x' in row 1"),
        (column(["1", "oops", "2"]), "a cell that is no number, the first 'oops' in row 2"),
        (
            column(["1", None, "1,200", "2", "1,200"]),
            "2 cells that are no numbers, the first '1,200' in row 3",
        ),
        (column([True, False]), "true or false"),
        (column([0, 1], pa.date32()), "dates"),
        (column([0, 1], pa.timestamp("ns")), "dates"),
        (column([0, 1], pa.time64("us")), "times of the day"),
        (column([[1.0], [2.0]]), "values of type list"),
        (column([{"x": 1}]), "values of type struct"),
        (column([b"x"]), "values of type binary"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.ChunkedArray) else "",
)
def test_what_is_no_number_is_described(cells, what):
    found = read_column("a", cells)
    assert isinstance(found, OtherColumn)
    assert found.what.startswith(what)


def test_long_cells_are_shortened_in_messages():
    assert len(read_column("a", column(["x" * 10_000])).what) < 100


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_that_do_not_stay_exact_are_marked(sign):
    assert not read_column("a", column([0, sign * 2**53])).is_inexact
    assert read_column("a", column([0, sign * (2**53 + 2)])).is_inexact


def table(*names):
    return pa.Table.from_arrays([pa.array([float(j)]) for j in range(len(names))], names=list(names))


def test_columns_are_selected_in_the_order_asked_for():
    assert select_columns(table("a", "b", "c"), ["c", "a"]).column_names == ["c", "a"]
    assert select_columns(table("a", "b"), None).column_names == ["a", "b"]


@pytest.mark.parametrize(
    ("names", "error", "reason"),
    [
        (["wating"], DataError, "no column 'wating'"),
        (["waiting", "waiting"], SettingError, "twice"),
        ([], SettingError, "no column was chosen"),
        ("waiting", SettingError, "list of names"),
    ],
)
def test_wrong_choices_are_refused(names, error, reason):
    with pytest.raises(error, match=reason):
        select_columns(table("waiting", "eruptions"), names)


def test_repeated_names_matter_only_where_they_are_used():
    repeated = table("a", "a", "b")
    assert select_columns(repeated, ["b"]).column_names == ["b"]
    for names in (None, ["a"]):
        with pytest.raises(DataError, match="two columns are called 'a'"):
            select_columns(repeated, names)
