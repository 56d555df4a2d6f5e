"""One rule for an index wherever it stands; pandas is the reference for what is an index."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest

from densimeter.tables import load_table

ROWS = np.random.default_rng(0).normal(size=(40, 2))

INDEXES = {
    "range": None,
    "from one": range(1, 41),
    "filtered": np.arange(40) * 7 + 3,
    "shuffled": np.random.default_rng(1).permutation(90)[:40],
    "words": [f"row {i}" for i in range(40)],
    "dates": pd.date_range("2020-01-31", periods=40),
}


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("way", ["frame", "csv", "csv read again", "parquet", "feather", "arrow table"])
def test_an_index_is_no_column_whatever_holds_it(tmp_path, index, way):
    frame = pd.DataFrame(ROWS, columns=["a", "b"], index=INDEXES[index])
    file = tmp_path / f"table.{way.partition(' ')[0]}"
    if way.startswith("csv"):
        frame.to_csv(file)
    elif way == "parquet":
        frame.to_parquet(file)
    elif way == "feather":
        pa.feather.write_feather(pa.Table.from_pandas(frame), str(file))
    made = {
        "frame": lambda: frame,
        "csv read again": lambda: pd.read_csv(file),
        "arrow table": lambda: pa.Table.from_pandas(frame),
    }
    table = load_table(made.get(way, lambda: file)())
    assert table.columns == ("a", "b")
    np.testing.assert_array_equal(table.rows, ROWS)


def test_a_named_index_is_no_column_of_a_parquet_file_either(tmp_path):
    frame = pd.DataFrame(ROWS, columns=["a", "b"], index=pd.Index(ROWS[:, 0] ** 2, name="who"))
    frame.to_parquet(tmp_path / "table.parquet")
    table = load_table(tmp_path / "table.parquet")
    assert table.columns == load_table(frame).columns == ("a", "b")
    assert table.notes[0].text == "column left out: 'who' is the index of a data frame"


@pytest.mark.parametrize("name", ["rownames", "Index", "ID", "row id"])
@pytest.mark.parametrize("numbers", [np.arange(40.0), np.arange(1001, 1041), np.arange(40)[::-1] * 10.0])
def test_a_steady_sequence_that_is_called_so_numbers_the_rows(name, numbers):
    table = load_table(pd.DataFrame({name: numbers, "a": ROWS[:, 0]}))
    assert table.columns == ("a",)
    assert f"{name!r} numbers the rows" in table.notes[0].text


def test_a_steady_sequence_with_a_name_of_its_own_is_kept_and_noted():
    table = load_table(pd.DataFrame({"year": np.arange(1900, 1940), "a": ROWS[:, 0]}))
    assert table.columns == ("year", "a")
    assert "'year' changes by 1 from each row to the next" in table.notes[0].text


def test_measures_that_are_called_so_or_have_no_name_are_kept():
    table = load_table(pd.DataFrame({"": ROWS[:, 0], "index": ROWS[:, 1]}))
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.notes == ()
