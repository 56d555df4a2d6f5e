import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.evaluation.splits import Units, split_rows
from densimeter.foundations.errors import DataError, SettingError


@given(
    n=st.integers(60, 400),
    fraction=st.floats(0.1, 0.6),
    seed=st.integers(0, 10),
    levels=st.integers(40, 10_000),
)
def test_parts_share_no_row_and_no_value_of_a_row(n, fraction, seed, levels):
    identities = np.random.default_rng(seed).integers(levels, size=n)
    try:
        split = split_rows(identities, 2, fraction, np.random.default_rng(seed))
    except DataError:
        return
    parts = [split.train, split.validation, split.test]
    assert sum(map(len, parts)) + split.n_duplicates == n
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not np.isin(identities[parts[one]], identities[parts[other]]).any()


def test_every_row_is_used_once_when_no_two_are_equal():
    split = split_rows(np.arange(500), 3, 0.2, np.random.default_rng(0))
    everything = np.concatenate([split.train, split.validation, split.test])
    np.testing.assert_array_equal(np.sort(everything), np.arange(500))
    assert (len(split.train), len(split.validation), len(split.test)) == (320, 80, 100)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), "half"])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(SettingError, match="test_fraction"):
        split_rows(np.arange(100), 2, fraction, np.random.default_rng(0))


def test_too_few_rows_are_refused_with_their_number():
    with pytest.raises(DataError, match="12 rows leave 8 for training"):
        split_rows(np.arange(12), 2, 0.2, np.random.default_rng(0))


def test_rows_that_are_all_equal_leave_nothing_to_test_on():
    with pytest.raises(DataError, match="duplicates"):
        split_rows(np.zeros(100), 1, 0.2, np.random.default_rng(0))


@given(n_units=st.integers(8, 60), n=st.integers(200, 400), seed=st.integers(0, 20), in_time=st.booleans())
def test_no_unit_stands_in_two_parts_nor_on_two_sides_of_a_fold(n_units, n, seed, in_time):
    generator = np.random.default_rng(seed)
    labels = generator.integers(n_units, size=n)
    units = Units.of(n, times=labels) if in_time else Units.of(n, groups=labels)
    split = split_rows(np.arange(n), 2, 0.3, generator, units)
    parts = [set(labels[rows]) for rows in (split.train, split.validation, split.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    rest = labels[np.concatenate([split.train, split.validation])]
    for seen, unseen in _folds_or_nothing(split, 3, generator):
        assert len(seen)
        assert len(unseen)
        assert not set(rest[seen]) & set(rest[unseen])


def _folds_or_nothing(split, n_folds, generator):
    try:
        return list(split.folds(n_folds, generator))
    except DataError:
        return []


def test_in_time_the_past_learns_and_the_future_is_held_out():
    times = np.random.default_rng(0).permutation(300)
    split = split_rows(np.arange(300), 2, 0.2, np.random.default_rng(1), Units.of(300, times=times))
    assert times[split.train].max() < times[split.validation].min()
    assert times[split.validation].max() < times[split.test].min()
    assert len(split.test) == 60
    rest = times[np.concatenate([split.train, split.validation])]
    folds = list(split.folds(4, np.random.default_rng(2)))
    assert len(folds) == 4
    for seen, unseen in folds:
        assert rest[seen].max() < rest[unseen].min()


def test_folds_of_independent_rows_score_each_once():
    split = split_rows(np.arange(100), 2, 0.2, np.random.default_rng(0))
    folds = list(split.folds(4, np.random.default_rng(1)))
    np.testing.assert_array_equal(np.sort(np.concatenate([unseen for _, unseen in folds])), np.arange(80))
    for seen, unseen in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([seen, unseen])), np.arange(80))


def test_a_row_that_equals_one_seen_is_not_scored():
    identities = np.arange(200) // 2
    split = split_rows(identities, 2, 0.2, np.random.default_rng(0))
    mine = identities[np.concatenate([split.train, split.validation])]
    for seen, unseen in split.folds(5, np.random.default_rng(1)):
        assert not np.isin(mine[unseen], mine[seen]).any()


def test_too_few_groups_are_told():
    units = Units.of(90, groups=np.arange(90) // 45)
    with pytest.raises(DataError, match="2 groups"):
        split_rows(np.arange(90), 2, 0.3, np.random.default_rng(0), units)
    units = Units.of(90, groups=np.arange(90) // 15)
    split = split_rows(np.arange(90), 2, 0.3, np.random.default_rng(0), units)
    with pytest.raises(DataError, match="groups are too few or uneven for 10 folds"):
        list(split.folds(10, np.random.default_rng(0)))
