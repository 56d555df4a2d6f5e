"""Which rows are for training, for choosing settings, and for the one final score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from densimeter.foundations.checks import check_number
from densimeter.foundations.errors import DataError

VALIDATION_FRACTION = 0.2
"""Share of the rows that are not for testing by which settings are chosen."""

FEWEST_ROWS = 20


@dataclass(frozen=True)
class Units:
    """Sets of rows that are never divided between two parts.

    Parameters
    ----------
    labels : array of shape (n_samples,)
        The number of each row's unit.
    in_time : bool
        Whether the numbers tell the order of time, so that later rows are held out and earlier ones are
        learnt from; otherwise the units are shuffled.
    what : str
        What a unit is called in messages.
    """

    labels: np.ndarray
    in_time: bool = False
    what: str = "rows"

    @classmethod
    def of(cls, n_rows: int, groups: np.ndarray | None = None, times: np.ndarray | None = None) -> Units:
        """Units by group or by moment, where labels are given; otherwise each row is one."""
        if times is not None:
            return cls(times, in_time=True, what="moments")
        if groups is not None:
            return cls(groups, what="groups")
        return cls(np.arange(n_rows))

    def order(self, generator: np.random.Generator) -> np.ndarray:
        """All rows, those to be held out first: shuffled by unit, or from the latest to the earliest."""
        names, unit_of_row = np.unique(self.labels, return_inverse=True)
        order = np.arange(len(names))[::-1] if self.in_time else generator.permutation(len(names))
        if len(names) == len(self.labels):  # each row a unit of its own
            return np.argsort(unit_of_row)[order]
        place_of_unit = np.empty(len(names), np.int64)
        place_of_unit[order] = np.arange(len(names))
        return np.argsort(place_of_unit[unit_of_row], kind="stable")

    def boundary_near(self, rows: np.ndarray, n_first: int) -> int:
        """How many of these ordered rows to cut off, near `n_first`, so that no unit is divided."""
        labels = self.labels[rows]
        boundaries = np.flatnonzero(labels[1:] != labels[:-1]) + 1
        if len(boundaries) == 0:
            return 0
        return int(boundaries[np.argmin(np.abs(boundaries - n_first))])


@dataclass(frozen=True)
class Split:
    """Indices of the rows of each part; they share no row and no identity of rows.

    `n_duplicates` rows were taken out of the validation and test parts because an equal row stands in an
    earlier part.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    n_duplicates: int
    units: Units = field(repr=False)
    identities: np.ndarray = field(repr=False)

    def folds(self, n_folds: int, generator: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pairs of places to learn from and places to score, among `train` followed by `validation`.

        No unit stands on both sides. In time, fold k learns from the first k of K + 1 blocks and scores the
        next one; otherwise each row is scored once.

        Raises
        ------
        DataError
            If there are fewer units than folds.
        """
        rows = np.concatenate([self.train, self.validation])
        parts = Units(self.units.labels[rows], self.units.in_time, self.units.what)
        ordered, identities = parts.order(generator), self.identities[rows]
        blocks = _blocks(parts, ordered, n_folds + parts.in_time)
        for k in range(n_folds):
            seen = np.concatenate(blocks[k + 1 :] if parts.in_time else blocks[:k] + blocks[k + 1 :])
            yield seen, blocks[k][~np.isin(identities[blocks[k]], identities[seen])]


def split_rows(
    identities: np.ndarray,
    n_features: int,
    test_fraction: float,
    generator: np.random.Generator,
    units: Units | None = None,
) -> Split:
    """A split of rows into train, validation and test that divides no unit.

    Parameters
    ----------
    identities : array of shape (n_samples,)
        A number for each row that rows share if they may not stand in different parts, as equal ones may not.
    n_features : int
        Columns of the table; a model needs more training rows than that.
    test_fraction : float
        Share of the rows that are for testing, in (0, 1).
    generator : numpy.random.Generator
        Shuffles the units, unless they are in time.
    units : Units, optional
        By default each row is one.

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
    >>> in_time = Units.of(100, times=np.arange(100))
    >>> int(split_rows(np.arange(100), 2, 0.25, np.random.default_rng(0), in_time).test.min())
    75
    """
    check_number("test_fraction", test_fraction, above=0, below=1)
    units = units or Units.of(len(identities))
    order = units.order(generator)
    n_test = units.boundary_near(order, round(len(order) * test_fraction))
    test, rest = np.split(order, [n_test])
    return _split_of(test, rest, units, identities, n_features)


def split_in_folds(
    identities: np.ndarray,
    n_features: int,
    n_folds: int,
    generator: np.random.Generator,
    units: Units | None = None,
) -> list[Split]:
    """Splits of which each has another part of the rows for testing, so that every row is a test row once.

    Parameters are those of `split_rows`.

    Raises
    ------
    DataError
        If there are too few units for so many folds, or too few rows are left for one of the parts.

    Examples
    --------
    >>> splits = split_in_folds(np.arange(100), 2, 5, np.random.default_rng(0))
    >>> [len(split.test) for split in splits], len(np.unique(np.concatenate([s.test for s in splits])))
    ([20, 20, 20, 20, 20], 100)
    """
    units = units or Units.of(len(identities))
    blocks = _blocks(units, units.order(generator), n_folds)
    return [
        _split_of(block, np.concatenate(blocks[k + 1 :] + blocks[:k]), units, identities, n_features)
        for k, block in enumerate(blocks)
    ]


def _blocks(units: Units, ordered: np.ndarray, n_blocks: int) -> list[np.ndarray]:
    """Ordered rows in blocks of about one size that divide no unit; none is empty."""
    ends = [round(len(ordered) * k / n_blocks) for k in range(1, n_blocks)]
    cuts = [units.boundary_near(ordered, end) for end in ends]
    blocks = np.split(ordered, cuts)
    if min(map(len, blocks)) == 0 or len(set(cuts)) < len(cuts):
        n_folds = n_blocks - units.in_time
        raise DataError(
            f"{len(np.unique(units.labels)):,} {units.what} are too few or uneven for {n_folds} folds",
            "ask for fewer folds",
        )
    return blocks


def _split_of(
    test: np.ndarray, rest: np.ndarray, units: Units, identities: np.ndarray, n_features: int
) -> Split:
    """The rest in two parts, and none of its rows among those for testing."""
    n_validation = units.boundary_near(rest, round(len(rest) * VALIDATION_FRACTION))
    validation, train = np.split(rest, [n_validation])
    fresh_validation = validation[~np.isin(identities[validation], identities[train])]
    fresh_test = test[~np.isin(identities[test], identities[rest])]
    n_duplicates = len(validation) - len(fresh_validation) + len(test) - len(fresh_test)
    split = Split(train, fresh_validation, fresh_test, n_duplicates, units, identities)
    _check_enough(split, len(identities), n_features)
    return split


def _check_enough(split: Split, n_rows: int, n_features: int) -> None:
    fewest_train = max(FEWEST_ROWS // 2, 2 * n_features + 1)
    duplicates = f", {split.n_duplicates:,} duplicates left out," if split.n_duplicates else ""
    units = split.units
    in_units = "" if units.what == "rows" else f" in {len(np.unique(units.labels)):,} {units.what}"
    for part, rows, fewest in (
        ("training", split.train, fewest_train),
        ("validation", split.validation, 2),
        ("test", split.test, 2),
    ):
        if len(rows) < fewest:
            raise DataError(
                f"{n_rows:,} rows{in_units}{duplicates} leave {len(rows)} for {part}; at least {fewest} are "
                f"needed for {n_features} columns",
                "give more rows or fewer columns, or change --test-fraction",
            )
