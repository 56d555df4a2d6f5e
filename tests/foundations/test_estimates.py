import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.foundations.estimates import Estimate, Guarantee

NUMBERS = st.floats(-1e9, 1e9)


@st.composite
def estimates(draw):
    lower, value, upper = sorted(draw(st.tuples(NUMBERS, NUMBERS, NUMBERS)))
    return Estimate(value, lower, upper, draw(st.floats(0.01, 1)), "drawn", draw(st.sampled_from(Guarantee)))


@pytest.mark.parametrize(
    ("value", "lower", "upper"),
    [(0, 1, 2), (3, 1, 2), (1.5, 2, 1), (math.nan, 1, 2), (1.5, math.nan, 2), (1.5, 1, math.nan)],
)
def test_crossed_and_undefined_intervals_cannot_be_made(value, lower, upper):
    with pytest.raises(ValueError, match="lower <= value <= upper"):
        Estimate(value, lower, upper, 0.95, "none")


@pytest.mark.parametrize("confidence", [0, -0.1, 1.1, math.nan])
def test_confidence_is_a_probability(confidence):
    with pytest.raises(ValueError, match="confidence"):
        Estimate(0, 0, 0, confidence, "none")


@given(estimates())
def test_minus_twice_is_nothing(estimate):
    mirrored = -estimate
    assert -mirrored == estimate
    assert (-estimate).half_width == estimate.half_width


@given(estimates(), st.integers(-1000, 1000))
def test_a_shift_moves_value_and_ends_alike(estimate, shift):
    moved = estimate + shift
    assert (moved.value, moved.lower, moved.upper) == (
        estimate.value + shift,
        estimate.lower + shift,
        estimate.upper + shift,
    )
    assert (moved.confidence, moved.method, moved.guarantee) == (
        estimate.confidence,
        estimate.method,
        estimate.guarantee,
    )
    assert estimate - shift == estimate + (-shift)


def test_minus_turns_one_sided_promises_round():
    lower = Estimate(0, -1, 1, 0.9, "bound", Guarantee.LOWER_BOUND)
    assert (-lower).guarantee is Guarantee.UPPER_BOUND
    upper = -lower
    assert (-upper).guarantee is Guarantee.LOWER_BOUND


@given(estimates(), st.floats(0, 10), st.floats(0, 10))
def test_a_wider_interval_covers_the_narrower(estimate, below, above):
    wide = estimate.widen(below, above, "wider")
    assert wide.lower <= estimate.lower <= estimate.upper <= wide.upper
    assert wide.value == estimate.value
    assert wide.method == "wider"
    assert estimate.widen(below, above).method == "drawn"


@given(estimates(), NUMBERS)
def test_what_is_contained_lies_between_the_ends(estimate, number):
    assert estimate.contains(number) == (estimate.lower <= number <= estimate.upper)
    assert estimate.contains(estimate.value)


def test_exact_values_have_no_width():
    exact = Estimate.exact(2.5)
    assert (exact.lower, exact.upper, exact.half_width) == (2.5, 2.5, 0)
    assert (exact.confidence, exact.guarantee) == (1, Guarantee.EXACT)
    assert str(exact) == "2.500"
    assert Estimate.exact(-math.inf).half_width == 0


def test_infinite_ends_are_allowed_and_become_none_in_files():
    estimate = Estimate(1.0, -math.inf, math.inf, 0.95, "too few rows")
    assert estimate.half_width == math.inf
    assert json.loads(json.dumps(estimate.to_dict(), allow_nan=False)) == {
        "value": 1.0,
        "lower": None,
        "upper": None,
        "confidence": 0.95,
        "method": "too few rows",
    }
