import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.foundations.checks import check_count, check_number, check_symmetric, choose
from densimeter.foundations.errors import SettingError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE, FINITE, FINITE)
def test_numbers_pass_exactly_inside_their_limits(value, above, at_least, below):
    inside = above < value < below and value >= at_least
    if inside:
        assert check_number("x", value, above=above, at_least=at_least, below=below) == value
    else:
        with pytest.raises(SettingError, match="out of range"):
            check_number("x", value, above=above, at_least=at_least, below=below)


@pytest.mark.parametrize("value", [3, np.float32(3), np.int64(3), Fraction(3)])
def test_numbers_of_every_kind_become_floats(value):
    checked = check_number("x", value)
    assert type(checked) is float
    assert checked == 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, None, "3", [3.0], 3j, Decimal(3)])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(SettingError, match="x must be a finite number"):
        check_number("x", value)


def test_the_advice_names_the_limits():
    with pytest.raises(SettingError) as caught:
        check_number("confidence", 1.0, above=0, below=1)
    assert caught.value.advice == "give a number above 0 and below 1"


@given(st.integers(), st.integers(-5, 5))
def test_counts_pass_from_their_limit_on(value, at_least):
    if value >= at_least:
        assert check_count("n", value, at_least=at_least) == value
    else:
        with pytest.raises(SettingError, match=f"at least {at_least}"):
            check_count("n", value, at_least=at_least)


@pytest.mark.parametrize("value", [2.0, "2", True, None, math.nan, np.float64(2)])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(SettingError, match="whole number"):
        check_count("n", value)


def test_whole_numbers_of_numpy_become_ints():
    assert type(check_count("n", np.int32(4))) is int


def test_words_become_objects():
    assert choose("criterion", "bic", {"bic": 1, "aic": 2}) == 1


@pytest.mark.parametrize("word", ["bci", "BIC", "", None, 1, [], math.nan])
def test_unknown_words_are_refused(word):
    with pytest.raises(SettingError, match="criterion has no variant"):
        choose("criterion", word, {"bic": 1, "aic": 2})


def test_a_misspelt_word_is_answered_with_the_nearest():
    with pytest.raises(SettingError, match="did you mean 'mixture'"):
        choose("models", "mixtrue", {"mixture": 1, "kernel": 2})


def test_asymmetry_is_named_with_its_component_and_size():
    matrices = np.stack([np.eye(2), [[2.0, 0.5], [0.9, 2.0]]])
    with pytest.raises(
        SettingError, match=r"covariances of component 1 is not symmetric: \[0, 1\].*0\.4 apart"
    ):
        check_symmetric("covariances", matrices)
    with pytest.raises(SettingError, match="covariance is not symmetric"):
        check_symmetric("covariance", matrices[1])


def test_what_rounding_to_32_bits_leaves_is_made_symmetric():
    root = np.random.default_rng(0).normal(size=(3, 4, 4)).astype(np.float32)
    matrices = root @ np.swapaxes(root, -1, -2) * (1 + 1e-7 * np.arange(16).reshape(4, 4))
    made = check_symmetric("covariances", matrices)
    np.testing.assert_array_equal(made, np.swapaxes(made, -1, -2))
    np.testing.assert_allclose(made, matrices, rtol=1e-5, atol=1e-5)
