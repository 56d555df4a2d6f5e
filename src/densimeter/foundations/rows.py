"""Rows and their weights at the edge: one rule for what every estimator takes, and one error for the rest.

- A masked cell, None and ``pandas.NA`` are missing cells. They become NaN, and are an error where NaN is one.
- Dates and durations have no unit and no zero that a density could be told in: they are refused by name.
- A weight of zero means that the row is not there. Weights are finite, not negative and not all zero.
"""

from __future__ import annotations

import datetime
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, validate_data

from densimeter.foundations.errors import DataError

_TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
_ADVICE_FOR_TIMES = "turn it into a number, as seconds or days since a date of your choice, or leave it out"


def check_rows(
    estimator: BaseEstimator, X: ArrayLike, *, allow_nan: bool = False, **checks: Any
) -> np.ndarray:
    """The rows ``(n_samples, n_features)`` as numbers, checked as scikit-learn checks them.

    `checks` are those of `sklearn.utils.validation.validate_data`: ``dtype`` (float64 unless given),
    ``reset``, ``ensure_min_samples``, ``copy``. With `allow_nan`, missing cells are NaN.

    Raises
    ------
    DataError
        If a column holds dates or durations, or the array has named fields.
    ValueError
        scikit-learn's, if there are missing cells but not `allow_nan`, infinities, text, no rows, or other
        columns than `estimator` was fitted to.
    """
    checks.setdefault("dtype", np.float64)
    finite = "allow-nan" if allow_nan else True
    rows: Any = validate_data(estimator, cast(Any, missing_as_nan(X)), ensure_all_finite=finite, **checks)
    return np.asarray(rows)


def missing_as_nan(X: Any) -> Any:
    """`X` with missing cells of every kind as NaN; what is neither table nor array is left as it is.

    Raises
    ------
    DataError
        If a column holds dates or durations, or the array has named fields.
    """
    if hasattr(X, "dtypes") and hasattr(X, "iloc") and hasattr(X, "columns"):
        return _numbers_of_frame(X)
    if isinstance(X, list | tuple):
        try:
            X = np.ma.array(X) if any(isinstance(row, np.ma.MaskedArray) for row in X) else np.asarray(X)
        except ValueError:
            return X  # ragged, which scikit-learn tells better
    if not isinstance(X, np.ndarray):
        return X
    if X.dtype.names:
        raise DataError(
            f"the array has named fields {', '.join(X.dtype.names[:4])}, not columns",
            "use numpy.lib.recfunctions.structured_to_unstructured, or a data frame",
        )
    if X.dtype.kind in "mM":
        raise DataError("the array holds dates or durations", _ADVICE_FOR_TIMES)
    if isinstance(X, np.ma.MaskedArray):
        X = _unmasked(X)
    return _numbers_of_objects(X, "the array") if X.dtype == object else X


def _unmasked(X: np.ma.MaskedArray) -> np.ndarray:
    """Masked cells as NaN, whole numbers as float64 if there are any."""
    if not np.ma.is_masked(X):
        return X.data
    wide = np.result_type(X.dtype, np.float32 if X.dtype.kind == "f" else np.float64)
    return np.ma.filled(X.astype(wide), np.nan)


def _numbers_of_frame(frame: Any) -> Any:
    for position, dtype in enumerate(frame.dtypes):
        name = f"column {frame.columns[position]!r}"
        if getattr(dtype, "kind", "") in "mM":
            raise DataError(f"{name} holds dates or durations", _ADVICE_FOR_TIMES)
        if dtype == np.dtype(object):
            column = frame.iloc[:, position]
            cells = _numbers_of_objects(column.to_numpy(), name)
            if cells is not column.to_numpy():
                frame = frame.copy(deep=False)
                frame.isetitem(position, cells)
    return frame


def _numbers_of_objects(cells: np.ndarray, name: str) -> np.ndarray:
    """The same cells with None and pandas.NA as NaN; the same array if there are none."""
    import pandas as pd

    if any(isinstance(cell, _TIMES) for cell in cells.ravel()):
        raise DataError(f"{name} holds dates or durations", _ADVICE_FOR_TIMES)
    missing = np.asarray(pd.isna(cells))
    return np.where(missing, np.nan, cells) if missing.any() else cells


def check_sample_weight(sample_weight: ArrayLike, n_samples: int) -> np.ndarray:
    """The weights ``(n_samples,)`` in float64; zero means that the row is not there.

    Raises
    ------
    DataError
        If there is not one weight for each row, or they are missing, infinite, negative or all zero.

    Examples
    --------
    >>> check_sample_weight([0, 1, 2.5], 3)
    array([0. , 1. , 2.5])
    """
    given = _unmasked(sample_weight) if isinstance(sample_weight, np.ma.MaskedArray) else sample_weight
    if np.asarray(given).size and not np.any(np.asarray(given)):
        raise DataError("every sample weight is zero", "give at least one row a positive weight")
    try:
        return _check_sample_weight(
            cast(Any, given), np.empty((n_samples, 1)), dtype=np.float64, ensure_non_negative=True
        )
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise DataError(reason, "give each row one finite weight that is not negative") from None


def rows_present(
    rows: np.ndarray, sample_weight: ArrayLike | None, *, relative: bool = True
) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows of positive weight, and their weights, over the largest if `relative`; None for equal ones.

    Examples
    --------
    >>> rows, weights = rows_present(np.array([[1.0], [2.0], [3.0]]), [4, 0, 2])
    >>> rows.ravel(), weights
    (array([1., 3.]), array([1. , 0.5]))
    """
    if sample_weight is None:
        return rows, None
    weights = check_sample_weight(sample_weight, len(rows))
    there = weights > 0
    rows, weights = rows[there], weights[there] / (weights.max() if relative else 1)
    return rows, (None if (weights == 1).all() else weights)


def check_columns_vary(estimator: BaseEstimator, rows: np.ndarray) -> None:
    """Refuse rows ``(n_samples, n_features)`` of which a column is constant, by the names `estimator` has.

    Raises
    ------
    DataError
        If a column is constant: no density is defined on it. It names the columns.
    """
    constant = np.flatnonzero(rows.min(axis=0) == rows.max(axis=0))
    if not len(constant):
        return
    if len(constant) == rows.shape[1]:
        raise DataError(
            f"all {len(rows)} rows are equal: no density is defined on one point", "give rows that differ"
        )
    names = getattr(estimator, "feature_names_in_", np.arange(rows.shape[1]))
    listed = ", ".join(repr(names[j]) if isinstance(names[j], str) else str(j) for j in constant[:4])
    listed += ", ..." if len(constant) > 4 else ""
    what, it = ("column {} is", "it") if len(constant) == 1 else ("columns {} are", "them")
    raise DataError(
        f"{what.format(listed)} constant: no density is defined on a constant column", f"leave {it} out"
    )


def weighted_mean(scores: np.ndarray, sample_weight: ArrayLike | None) -> float:
    """The mean of log-densities, nats per row; a row of weight zero does not count, even at -inf.

    Examples
    --------
    >>> weighted_mean(np.array([-np.inf, -1.0, -3.0]), [0, 1, 1])
    -2.0
    """
    if sample_weight is None:
        return float(np.mean(scores))
    weights = check_sample_weight(sample_weight, len(scores))
    return float(np.average(scores[weights > 0], weights=weights[weights > 0] / weights.max()))
