import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from densimeter.foundations.lattice import Lattice, find_lattice, is_single_precision


def distinct(values):
    return np.unique(np.asarray(values, np.float64))


@example(step=1e-6, origin=0.0, seed=11, n_values=30)  # an even number of gaps, the median between two
@settings(max_examples=60)
@given(
    step=st.sampled_from([1e-6, 0.001, 0.1, 0.25, 1 / 3, 1.0, 1.15078, 7.0, 100.0, 1e9]),
    origin=st.floats(-1e4, 1e4),
    seed=st.integers(0, 99),
    n_values=st.integers(30, 400),
)
def test_lattices_are_found_wherever_they_lie(step, origin, seed, n_values):
    index = np.random.default_rng(seed).integers(-n_values, n_values, 2 * n_values)
    values = distinct((origin + index) * step)
    lattice = find_lattice(values)
    assert lattice is not None
    assert lattice.step == pytest.approx(step, rel=1e-6)
    np.testing.assert_allclose(lattice.nearest(values), values, atol=1e-6 * step)


def test_noise_in_the_last_digits_is_looked_through():
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=500), 1) * (1 + 1e-16 * rng.integers(-1, 2, 500))
    assert find_lattice(distinct(values)).step == pytest.approx(0.1)


@pytest.mark.parametrize("offset", [0, 1000, 10_000])
def test_decimals_once_stored_in_single_precision(offset):
    tenths = np.arange(offset * 10, offset * 10 + 100) * 0.1
    assert find_lattice(distinct(tenths.astype(np.float32))).step == pytest.approx(0.1, rel=1e-3)


def test_a_large_offset():
    assert find_lattice(1.6e9 + distinct(np.arange(0, 600, 3))).step == 3


def test_gaps_that_are_all_several_steps():
    assert find_lattice(distinct([0, 7, 14, 35, 42, 100])).step == 1
    assert find_lattice(distinct([1.5, 1.75, 2.5])) == Lattice(1.5, 0.25)


def test_units_converted_after_rounding():
    seconds = np.random.default_rng(0).integers(60, 400, 200)
    assert find_lattice(distinct(np.round(seconds / 60, 3))).step == pytest.approx(1 / 60, rel=1e-4)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n_values=st.integers(8, 3000), scale=st.sampled_from([1e-100, 1.0, 1e100]))
def test_continuous_values_lie_on_no_lattice(seed, n_values, scale):
    values = np.random.default_rng(seed).normal(size=n_values) * scale
    assert find_lattice(distinct(values)) is None


def test_uneven_values_lie_on_no_lattice():
    assert find_lattice(np.log(np.arange(1.0, 100))) is None
    assert find_lattice(np.array([0.13, 1.7, 2.9, 5.55, 9.1])) is None


def test_the_spacing_of_the_numbers_themselves_is_no_lattice():
    assert find_lattice(1e16 + 2 * distinct(np.arange(50))) is None


def test_one_value_is_no_lattice():
    assert find_lattice(np.array([3.0])) is None


def test_single_precision_is_recognised():
    values = np.random.default_rng(0).normal(size=10)
    assert not is_single_precision(values)
    assert is_single_precision(values.astype(np.float32).astype(np.float64))
    assert not is_single_precision(np.array([1.0, 1e300]))
