import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from densimeter.foundations.padding import bucket_size, pad_rows


@given(st.integers(0, 10**9), st.integers(2, 1000))
def test_a_bucket_holds_the_rows_and_wastes_at_most_half_of_them(n_rows, smallest):
    size = bucket_size(n_rows, smallest)
    assert size >= n_rows
    assert size == smallest or size <= 1.5 * n_rows + 1


@given(st.integers(1, 10**6), st.integers(0, 1000))
def test_more_rows_never_get_a_smaller_bucket(n_rows, more):
    assert bucket_size(n_rows) <= bucket_size(n_rows + more)


@given(st.integers(0, 10**7))
def test_a_bucket_fits_itself(n_rows):
    size = bucket_size(n_rows)
    assert bucket_size(size) == size


def test_there_are_few_buckets():
    assert len({bucket_size(n) for n in range(1, 100_000)}) < 25


@given(st.integers(0, 20), st.integers(0, 20))
def test_padding_keeps_the_rows_and_adds_zeros(n_rows, missing):
    rows = np.arange(1, 2 * n_rows + 1, dtype=np.float32).reshape(n_rows, 2)
    padded = pad_rows(rows, n_rows + missing)
    assert padded.dtype == rows.dtype
    np.testing.assert_array_equal(padded[:n_rows], rows)
    np.testing.assert_array_equal(padded[n_rows:], np.zeros((missing, 2)))


def test_columns_and_cubes_are_padded_too():
    assert pad_rows(np.ones(3), 5).tolist() == [1, 1, 1, 0, 0]
    assert pad_rows(np.ones((2, 3, 4)), 5).shape == (5, 3, 4)
