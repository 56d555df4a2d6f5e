"""Which rows are for training, for choosing settings, and for the one final score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.foundations.checks import check_number
from densimeter.foundations.errors import DataError

VALIDATION_FRACTION = 0.2
"""Share of the rows that are not for testing by which settings are chosen."""

FEWEST_ROWS = 20


@dataclass(frozen=True)
class Split:
    """Indices of the rows of each part; they share no row and no value of a row.

    `n_duplicates` rows were taken out of the validation and test parts because an equal row stands in an
    earlier part.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    n_duplicates: int = 0


def split_rows(
    identities: np.ndarray, n_features: int, test_fraction: float, generator: np.random.Generator
) -> Split:
    """A random split of rows into train, validation and test.

    Parameters
    ----------
    identities : array of shape (n_samples,)
        A number for each row that equal rows share.
    n_features : int
        Columns of the table; a model needs more training rows than that.
    test_fraction : float
        Share of the rows that are for testing, in (0, 1).
    generator : numpy.random.Generator
        Shuffles the rows.

    Raises
    ------
    SettingError
        If `test_fraction` is out of range.
    DataError
        If too few rows are left for one of the parts.

    Examples
    --------
    >>> split = split_rows(np.arange(100), 2, 0.25, np.random.default_rng(0))
    >>> len(split.train), len(split.validation), len(split.test)
    (60, 15, 25)
    """
    check_number("test_fraction", test_fraction, above=0, below=1)
    order = generator.permutation(len(identities))
    n_test = round(len(order) * test_fraction)
    n_validation = round((len(order) - n_test) * VALIDATION_FRACTION)
    test, validation, train = np.split(order, [n_test, n_test + n_validation])
    fresh_validation = validation[~np.isin(identities[validation], identities[train])]
    seen = np.concatenate([identities[train], identities[validation]])
    fresh_test = test[~np.isin(identities[test], seen)]
    n_duplicates = len(validation) - len(fresh_validation) + len(test) - len(fresh_test)
    split = Split(train, fresh_validation, fresh_test, n_duplicates)
    _check_enough(split, len(identities), n_features)
    return split


def _check_enough(split: Split, n_rows: int, n_features: int) -> None:
    fewest_train = max(FEWEST_ROWS // 2, 2 * n_features + 1)
    duplicates = f", {split.n_duplicates:,} duplicates left out," if split.n_duplicates else ""
    for part, rows, fewest in (
        ("training", split.train, fewest_train),
        ("validation", split.validation, 2),
        ("test", split.test, 2),
    ):
        if len(rows) < fewest:
            raise DataError(
                f"{n_rows:,} rows{duplicates} leave {len(rows)} for {part}; at least {fewest} are needed "
                f"for {n_features} columns",
                "give more rows or fewer columns, or change --test-fraction",
            )
