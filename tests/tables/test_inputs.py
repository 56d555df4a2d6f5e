import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from densimeter.foundations.errors import DataError
from densimeter.tables import CleaningRules, load_table


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(50, 2))


class Exporter:
    """What polars, DuckDB and others offer: columns through the Arrow C stream, and nothing else."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def test_everything_called_a_table_gives_the_same_rows(rows, tmp_path):
    arrow = pa.table({"a": rows[:, 0], "b": rows[:, 1]})
    frame = pd.DataFrame(rows, columns=["a", "b"])
    frame.to_csv(tmp_path / "table.csv", index=False)
    for data in (
        arrow,
        Exporter(arrow),
        arrow.to_batches()[0],
        frame,
        str(tmp_path / "table.csv"),
        tmp_path / "table.csv",
    ):
        table = load_table(data)
        np.testing.assert_array_equal(table.rows, rows)
        assert table.columns == ("a", "b")
    for data in (rows, rows.tolist(), np.asfortranarray(rows), rows.astype(object)):
        table = load_table(data)
        np.testing.assert_array_equal(table.rows, rows)
        assert table.columns == ("x0", "x1")


def test_a_list_of_numbers_is_one_column(rows):
    assert load_table(rows[:, 0]).rows.shape == (50, 1)
    assert load_table(pd.Series(rows[:, 0])).rows.shape == (50, 1)
    assert load_table(pa.array(rows[:, 0])).rows.shape == (50, 1)


@pytest.mark.parametrize("index", [list("xyz" * 16 + "xy"), range(50), pd.date_range("2020", periods=50)])
def test_the_index_of_a_frame_is_no_column(rows, index):
    frame = pd.DataFrame(rows, columns=["a", "b"], index=index)
    assert load_table(frame).columns == ("a", "b")


def test_names_that_are_no_strings_are_written_out(rows):
    assert load_table(pd.DataFrame(rows)).columns == ("0", "1")
    assert load_table(pd.DataFrame(rows, columns=[("a", 1), ("b", 2)])).columns == ("('a', 1)", "('b', 2)")


def test_frames_with_repeated_names_are_refused(rows):
    with pytest.raises(DataError, match="two columns are called 'a'"):
        load_table(pd.DataFrame(rows, columns=["a", "a"]))


def test_frames_of_every_column_type(rows):
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(rows[:, 0]),
            "nullable": pd.array([*rows[:-1, 1], None], dtype="Float64"),
            "mixed": [1.5, "oops", None, (2, 3), *range(46)],
            "objects": pd.Series(rows[:, 0] ** 3, dtype=object),
            "flag": [True, False] * 25,
        }
    )
    with pytest.raises(
        DataError, match="'mixed' holds 2 cells that are no numbers, the first 'oops' in row 2"
    ):
        load_table(frame)
    table = load_table(frame, CleaningRules(text="drop", missing="drop"))
    assert table.columns == ("category", "nullable", "objects")
    np.testing.assert_array_equal(table.rows, np.column_stack([rows, rows[:, 0] ** 3])[:-1])


@pytest.mark.parametrize(
    "data",
    [
        [],
        [[]],
        np.zeros((3, 3, 3)),
        3.0,
        None,
        {},
        object(),
        [[1.0, 2.0], [3.0]],
        [["a", "b"], ["c", "d"]],
        np.array([[1 + 2j], [2 + 3j]]),
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pa.table({}),
    ],
    ids=lambda data: type(data).__name__,
)
def test_what_is_no_table_is_refused(data):
    with pytest.raises(DataError) as caught:
        load_table(data)
    assert str(caught.value).count("\n") == 1


@pytest.mark.parametrize(
    "kind", [np.array, pd.DataFrame, lambda rows: pa.table({"a": rows[:, 0], "b": rows[:, 1]})]
)
def test_inputs_are_never_modified(rows, kind):
    data = kind(np.round(rows, 1))
    table = load_table(data, CleaningRules(dequantize=True), random_state=0)
    table.rows[:] = 0
    plain = data.to_pandas() if isinstance(data, pa.Table) else data
    np.testing.assert_array_equal(np.asarray(plain), np.round(rows, 1))


def test_masked_cells_are_missing(rows):
    masked = np.ma.masked_array(rows, mask=np.zeros_like(rows, bool))
    masked[3, 1] = np.ma.masked
    with pytest.raises(DataError, match="'x1' has 1 missing"):
        load_table(masked)


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda A: __import__("scipy.sparse").sparse.csr_matrix(A), "toarray"),
        (lambda A: {"a": A[:, 0]}, "a data frame"),
        (lambda A: (row for row in A), "numpy.array"),
        (lambda A: A > 0, "real numbers"),
    ],
)
def test_what_is_no_table_is_refused_by_name(make, advice):
    with pytest.raises(DataError, match=advice):
        load_table(make(np.random.default_rng(0).normal(size=(20, 2))))


def test_matrices_records_and_series_are_read():
    A = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(A)
    np.testing.assert_array_equal(load_table(matrix).rows, A)
    records = load_table(np.rec.fromarrays([A[:, 0], A[:, 1]], names="a,b"))
    assert records.columns == ("a", "b")
    np.testing.assert_array_equal(records.rows, A)
    assert load_table(pd.Series(A[:, 0], name="height")).columns == ("height",)
