import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.foundations.summaries import Moments


@st.composite
def batches(draw, n_batches=3, n_columns=2):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    offset = draw(st.sampled_from([0.0, 1e6, -1e3]))
    sizes = draw(st.lists(st.integers(0, 8), min_size=n_batches, max_size=n_batches))
    return [
        (offset + rng.normal(size=(size, n_columns)), rng.choice([0.0, 0.5, 1.0, 3.0], size))
        for size in sizes
    ]


def assert_same(first, second):
    assert first.weight == pytest.approx(second.weight)
    np.testing.assert_allclose(first.mean, second.mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(first.scatter, second.scatter, rtol=1e-7, atol=1e-7)


@given(batches())
def test_merge_is_associative_and_commutative(parts):
    a, b, c = (Moments.of(*part) for part in parts)
    assert_same(a.merge(b).merge(c), a.merge(b.merge(c)))
    assert_same(a.merge(b), b.merge(a))


@given(batches(n_batches=1))
def test_no_rows_are_the_neutral_element(parts):
    (rows, weights), zero = parts[0], Moments.zero(2)
    summary = Moments.of(rows, weights)
    assert_same(summary.merge(zero), summary)
    assert_same(zero.merge(summary), summary)
    assert_same(zero.merge(zero), zero)


@given(batches())
def test_merged_parts_are_the_whole(parts):
    rows, weights = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    merged = Moments.zero(2)
    for part in parts:
        merged = merged.merge(Moments.of(*part))
    assert_same(merged, Moments.of(rows, weights))


@given(batches(n_batches=1))
def test_the_moments_are_numpys(parts):
    rows, weights = parts[0]
    if weights.sum() == 0:
        assert_same(Moments.of(rows, weights), Moments.zero(2))
        return
    mean, covariance = Moments.of(rows, weights).finish()
    np.testing.assert_allclose(mean, np.average(rows, axis=0, weights=weights), rtol=1e-12, atol=1e-12)
    if len(rows) > 1:
        expected = np.cov(rows, rowvar=False, aweights=weights, ddof=0)
        np.testing.assert_allclose(covariance, expected, rtol=1e-6, atol=1e-9)


@given(batches(n_batches=1))
def test_a_weight_of_two_is_two_rows(parts):
    rows, _ = parts[0]
    assert_same(Moments.of(rows, np.full(len(rows), 2.0)), Moments.of(np.repeat(rows, 2, axis=0)))


def test_a_distant_origin_costs_no_digits():
    rows = np.random.default_rng(0).normal(size=(1000, 2))
    near = Moments.of(rows).finish()[1]
    far_parts = [Moments.of(part + 1e8) for part in np.split(rows, 10)]
    far = far_parts[0]
    for part in far_parts[1:]:
        far = far.merge(part)
    np.testing.assert_allclose(far.finish()[1], near, rtol=1e-6, atol=1e-7)


def test_rows_are_not_modified():
    rows, weights = np.ones((3, 2)), np.ones(3)
    Moments.of(rows, weights)
    assert (rows == 1).all()
    assert (weights == 1).all()
