import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.evaluation.splits import split_rows
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
