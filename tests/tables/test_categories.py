"""Columns of categories, of whatever types a frame or a file stores them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from densimeter.tables import CleaningRules, load_table

U = np.random.default_rng(0).normal(size=60)
TYPES = [pa.string(), pa.large_string(), pa.string_view()]


def categories(kind, words=("a", "b", "c")):
    places = pa.array([*range(len(words))] * (60 // len(words)), pa.uint32())
    return pa.DictionaryArray.from_arrays(places, pa.array(words, kind))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("in_a_file", [False, True])
def test_categories_are_text_and_groups(tmp_path, kind, in_a_file):
    table = pa.table({"u": U, "site": categories(kind)})
    if in_a_file:
        feather.write_feather(table, tmp_path / "t.arrow", compression="uncompressed")
        table = tmp_path / "t.arrow"
    left = load_table(table, CleaningRules(text="drop"))
    assert left.columns == ("u",)
    assert any("'site' (text, the first 'a' in row 1)" in note.text for note in left.notes)
    grouped = load_table(table, CleaningRules(group="site"))
    np.testing.assert_array_equal(grouped.groups, [0, 1, 2] * 20)


@pytest.mark.parametrize("kind", TYPES)
def test_categories_written_as_numbers_are_numbers(kind):
    table = load_table(pa.table({"u": U, "n": categories(kind, ("1.5", "2", "7"))}))
    np.testing.assert_array_equal(table.rows[:, 1], [1.5, 2, 7] * 20)


def test_intervals_of_pandas_are_text():
    frame = pd.DataFrame({"u": U, "bin": pd.cut(U, 3)})
    assert load_table(frame, CleaningRules(text="drop")).columns == ("u",)
