from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from densimeter.foundations.errors import DataError, SettingError
from densimeter.tables.writers import check_ending, write_rows

finite = st.floats(allow_nan=False) | st.sampled_from([0.1, 1e-320, 1.7976931348623157e308, -0.0])

some_rows = arrays(np.float64, st.tuples(st.integers(0, 5), st.just(2)), elements=finite)


def read(path, names):
    if path.suffix == ".npy":
        return np.load(path).reshape(-1, len(names))
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    assert list(frame.columns) == names
    return frame.to_numpy(np.float64)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(blocks=st.lists(some_rows, max_size=3))
@pytest.mark.parametrize("ending", [".csv", ".parquet", ".npy"])
def test_numbers_come_back_to_the_last_bit(blocks, ending, tmp_path):
    path, names = tmp_path / f"t{ending}", ["a", 'b, "c"']
    assert write_rows(path, names, blocks) == sum(map(len, blocks))
    expected = np.concatenate([np.empty((0, 2)), *blocks])
    np.testing.assert_array_equal(read(path, names), expected)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_nan_is_a_cell_without_a_value(ending, tmp_path):
    path = tmp_path / f"t{ending}"
    write_rows(path, ["a"], [np.array([[1.0], [np.nan], [-np.inf]])])
    np.testing.assert_array_equal(read(path, ["a"])[:, 0], [1.0, np.nan, -np.inf])
    if ending == ".csv":
        assert path.read_text() == 'a\n1\n""\n-inf\n'  # an empty line would not be read as a row


def test_npy_refuses_nan_and_tells_the_row(tmp_path):
    with pytest.raises(DataError, match="row 3 has no value"):
        write_rows(tmp_path / "t.npy", ["a"], [np.ones((2, 1)), np.array([[np.nan]])])


def test_one_column_is_a_vector_in_npy(tmp_path):
    write_rows(tmp_path / "t.npy", ["a"], [np.ones((2, 1)), np.zeros((10, 1))])
    assert np.load(tmp_path / "t.npy").shape == (12,)


@pytest.mark.parametrize("name", ["t.xls", "t", "t.csv.gz"])
def test_unknown_endings_are_refused(name):
    with pytest.raises(SettingError, match="which names no kind of table"):
        check_ending(Path(name))
