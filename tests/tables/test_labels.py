"""Which rows belong together, and which came first."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from densimeter.foundations.errors import DataError, SettingError
from densimeter.tables import CleaningRules, load_table
from densimeter.tables.labels import group_labels, time_labels


def chunked(values, kind=None):
    return pa.chunked_array([pa.array(values[:2], kind), pa.array(values[2:], kind)])


@pytest.mark.parametrize(
    "cells",
    [
        chunked(["a", "b", "a", None]),
        chunked([7, 3, 7, None]),
        chunked([1.5, 2.5, 1.5, None]),
        chunked([True, False, True, None]),
        chunked(["a", "b", "a", None]).dictionary_encode(),
    ],
)
def test_equal_cells_are_one_group(cells):
    first, second, third, missing = group_labels("who", cells)
    assert first == third != second
    assert missing == -1


def test_places_in_time_are_those_of_the_moments():
    moments = [datetime.datetime(2024, 5, day) for day in (3, 1, 3, 2)]
    for cells in (chunked(moments), chunked([f"{m:%Y-%m-%d %H:%M}" for m in moments]), chunked([3, 1, 3, 2])):
        assert time_labels("when", cells).tolist() == [2, 0, 2, 1]


def test_whole_numbers_beyond_the_floats_keep_their_order():
    assert time_labels("when", chunked([2**60 + 1, 2**60, 2**60 + 2, None])).tolist() == [1, 0, 2, -1]


def test_a_nan_is_no_moment():
    assert time_labels("when", chunked([0.5, np.nan, None, 0.1])).tolist() == [1, -1, -1, 0]


def test_words_tell_no_time():
    with pytest.raises(DataError, match="'when' tell no time"):
        time_labels("when", chunked(["soon", "later", "never", "now"]))


@pytest.fixture
def frame():
    values = np.random.default_rng(0).normal(size=6)
    return pd.DataFrame({"x": values, "who": list("aabbcc"), "when": range(6)})


def test_label_columns_are_set_aside(frame):
    table = load_table(frame.drop(columns="when"), CleaningRules(group="who"))
    assert table.columns == ("x",)
    assert table.groups.tolist() == [0, 0, 1, 1, 2, 2]
    assert load_table(frame.drop(columns="who"), CleaningRules(time="when")).columns == ("x",)
    assert load_table(frame, CleaningRules(columns=["x", "when"], time="when")).columns == ("x", "when")


def test_labels_stay_with_their_rows(frame):
    frame.loc[1, "x"] = np.nan
    frame.loc[4, "who"] = None
    table = load_table(frame, CleaningRules(columns=["x"], group="who", missing="drop"))
    assert table.row_numbers.tolist() == [0, 2, 3, 5]
    assert table.numbers_of(np.array([1, 3])).tolist() == [2, 5]
    assert len(set(table.groups.tolist())) == 3
    assert "the group column has 1 missing" in table.notes[0].text


def test_a_missing_label_is_refused_as_a_missing_cell_is(frame):
    frame.loc[4, "who"] = None
    with pytest.raises(DataError, match="the group column has 1 missing"):
        load_table(frame, CleaningRules(columns=["x"], group="who"))


def test_unknown_and_contradicting_labels_are_refused(frame):
    with pytest.raises(DataError, match="no column 'whom'"):
        load_table(frame, CleaningRules(columns=["x"], group="whom"))
    with pytest.raises(SettingError, match="not by both"):
        CleaningRules(group="who", time="when")
    with pytest.raises(DataError, match="only column"):
        load_table(frame[["who"]], CleaningRules(group="who"))


def test_a_file_that_is_written_meanwhile_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text("x\n" + "\n".join(str(x) for x in np.random.default_rng(0).normal(size=50)))
    from densimeter.tables import inputs

    read = inputs.read_file

    def read_while_written(file):
        raw = read(file)
        with file.open("a") as also:
            also.write("\n7.5\n")
        return raw

    monkeypatch.setattr(inputs, "read_file", read_while_written)
    with pytest.raises(DataError, match="changed while it was read"):
        load_table(path)
