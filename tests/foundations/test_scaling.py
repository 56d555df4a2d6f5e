import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.preprocessing import StandardScaler

from densimeter.foundations.scaling import BinaryScaling, ColumnScaling


@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(2, 40),
    n_columns=st.integers(1, 4),
    scale=st.sampled_from([1e-150, 1e-3, 1.0, 1e5, 1e150, 1e300]),
    offset=st.sampled_from([0.0, -5.0, 1e3]),
)
def test_scaling_standardises_and_inverts(seed, n_rows, n_columns, scale, offset):
    X = (np.random.default_rng(seed).normal(size=(n_rows, n_columns)) + offset) * scale
    scaling = ColumnScaling.of(X)
    Z = scaling.apply(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-9)
    np.testing.assert_allclose(scaling.invert(Z), X, rtol=1e-9, atol=1e-12 * scale)


@given(seed=st.integers(0, 10**6))
def test_it_is_the_standard_scaler(seed):
    X = np.random.default_rng(seed).gamma(2.0, size=(30, 3))
    ours, theirs = ColumnScaling.of(X), StandardScaler().fit(X)
    np.testing.assert_allclose(ours.location, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.scale, theirs.scale_, rtol=1e-12)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=4), st.floats(-5, 5))
def test_the_jacobian_keeps_a_density_in_the_users_units(scale, location):
    scaling = ColumnScaling(np.full(len(scale), location), np.array(scale))
    x = np.linspace(-1, 1, len(scale))
    direct = stats.norm(location, scale).logpdf(x).sum()
    scaled = stats.norm.logpdf(scaling.apply(x[None])).sum() + scaling.log_jacobian
    assert scaled == pytest.approx(direct, rel=1e-10, abs=1e-10)


def test_the_jacobian_is_the_derivative():
    scaling = ColumnScaling(np.array([1.0, -2.0]), np.array([0.5, 20.0]))
    derivative = scaling.apply(np.eye(2)) - scaling.apply(np.zeros((2, 2)))
    assert scaling.log_jacobian == pytest.approx(np.log(np.linalg.det(derivative)))


def test_constant_columns_keep_scale_one():
    scaling = ColumnScaling.of(np.array([[3.0, 1.0], [3.0, 2.0]]))
    assert scaling.scale[0] == 1
    assert scaling.location[0] == 3


def test_opposite_ends_of_float64():
    scaling = ColumnScaling.of(np.array([[-1.5e308], [1.5e308]]))
    assert np.isfinite(scaling.scale).all()
    np.testing.assert_allclose(scaling.apply(np.array([[1.5e308]])), 1)


def test_rows_of_single_precision_are_scaled_in_double():
    X = (1000 + np.random.default_rng(0).normal(size=(50, 1))).astype(np.float32)
    assert ColumnScaling.of(X).apply(X).dtype == np.float64


@given(seed=st.integers(0, 10**6), exponents=st.lists(st.integers(-900, 900), min_size=1, max_size=4))
def test_powers_of_two_round_nothing(seed, exponents):
    unit = np.random.default_rng(seed).normal(size=(20, len(exponents)))
    X = np.ldexp(unit, exponents)
    X[3, 0] = np.nan
    scaling = BinaryScaling.of(X, always=True)
    Z = scaling.apply(X)
    largest = np.nanmax(np.abs(Z), axis=0)
    assert ((largest >= 0.5) & (largest < 1)).all()
    np.testing.assert_array_equal(scaling.invert(Z), X)
    by_hand = -sum(int(e) for e in scaling.exponents) * math.log(2)
    assert scaling.log_jacobian == pytest.approx(by_hand, rel=1e-15)


def test_columns_that_are_no_trouble_are_left_as_they_are():
    X = np.array([[1e-90, 1e90, 0.0, 1e160, 1e-160], [0.0, 3.0, 0.0, -1.0, 0.0]])
    scaling = BinaryScaling.of(X)
    assert [bool(e) for e in scaling.exponents] == [False, False, False, True, True]
    assert not scaling.is_identity
    assert BinaryScaling.of(X[:, :3]).is_identity
