import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from densimeter.foundations.errors import DataError
from densimeter.foundations.rows import check_columns_vary, check_rows, check_sample_weight, weighted_mean

MASKED = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
WITH_NAN = [[1.0, np.nan], [3.0, 4.0]]


@pytest.mark.parametrize(
    "rows",
    [
        MASKED,
        MASKED.astype(np.float32),
        MASKED.astype(int),
        MASKED.astype(object),
        list(MASKED),
        [[1.0, None], [3.0, 4.0]],
        np.array([[1, pd.NA], [3, 4]], dtype=object),
        pd.DataFrame({"a": [1, 3], "b": [pd.NA, 4]}, dtype=object),
        pd.DataFrame({"a": [1, 3], "b": [None, 4]}, dtype=object),
        pd.DataFrame({"a": [1, 3], "b": [pd.NA, 4]}, dtype="Int64"),
        pd.DataFrame({"a": [1.0, 3.0], "b": [np.nan, 4.0]}),
    ],
)
def test_every_kind_of_missing_cell_is_nan_or_the_same_error(rows):
    np.testing.assert_array_equal(check_rows(BaseEstimator(), rows, allow_nan=True), WITH_NAN)
    with pytest.raises(ValueError, match="contains NaN"):
        check_rows(BaseEstimator(), rows)


def test_an_unmasked_masked_array_is_an_array_and_a_frame_is_left_as_it_was():
    rows = check_rows(BaseEstimator(), np.ma.array([[1, 2]]))
    assert type(rows) is np.ndarray
    frame = pd.DataFrame({"a": [1, 3], "b": [pd.NA, 4]}, dtype=object)
    estimator = BaseEstimator()
    check_rows(estimator, frame, allow_nan=True)
    assert frame["b"][0] is pd.NA
    assert list(estimator.feature_names_in_) == ["a", "b"]


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"day": pd.date_range("2024", periods=3), "x": [1.0, 2.0, 3.0]}),
        pd.DataFrame({"day": pd.date_range("2024", periods=3, tz="UTC"), "x": [1.0, 2.0, 3.0]}),
        pd.DataFrame({"day": [datetime.date(2024, 1, 1)] * 3, "x": [1.0, 2.0, 3.0]}),
        pd.DataFrame({"day": pd.to_timedelta([1, 2, 3]), "x": [1.0, 2.0, 3.0]}),
    ],
)
def test_dates_are_refused_by_the_name_of_their_column(rows):
    with pytest.raises(DataError, match="column 'day' holds dates or durations"):
        check_rows(BaseEstimator(), rows)


def test_arrays_of_dates_and_of_records_are_refused():
    with pytest.raises(DataError, match="dates"):
        check_rows(BaseEstimator(), np.array([["2024-01-01"]], dtype="datetime64[D]"))
    with pytest.raises(DataError, match="named fields x, y"):
        check_rows(BaseEstimator(), np.zeros(3, dtype=[("x", float), ("y", float)]))


@pytest.mark.parametrize(
    "weights",
    [
        [1.0, np.nan],
        [1.0, np.inf],
        [1.0, -1.0],
        [0.0, 0.0],
        [1.0],
        [[1.0, 1.0]],
        np.ma.array([1.0, 2.0], mask=[True, False]),
    ],
)
def test_weights_that_are_no_weights_are_refused(weights):
    with pytest.raises(DataError):
        check_sample_weight(weights, 2)


def test_rows_of_weight_zero_are_not_there():
    assert weighted_mean(np.array([-np.inf, np.nan, -1.0, -2.0]), [0, 0, 3, 1]) == -1.25
    assert weighted_mean(np.array([-1.0, -2.0]), [1e308, 1e308]) == -1.5


def test_constant_columns_are_told_all_together():
    rows = np.c_[np.arange(3.0), np.ones((3, 2))]
    with pytest.raises(DataError, match=r"^columns 1, 2 are constant: .*\nleave them out$"):
        check_columns_vary(BaseEstimator(), rows)
    check_columns_vary(BaseEstimator(), rows[:, :1])
