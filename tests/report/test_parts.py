import math

import pytest

from densimeter.foundations.estimates import Estimate
from densimeter.report.parts import Figure, Part


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (1.23456, 3, "1.235"),
        (-1.5, 1, "\N{MINUS SIGN}1.5"),
        (0.0, 2, "0.00"),
        (1e-10, 3, "1.00e\N{MINUS SIGN}10"),
        (1234.5, 1, "1,234.5"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "\N{MINUS SIGN}∞"),
        (Estimate(1.0, 0.5, 1.5, 0.95, "m"), 1, "1.0 [0.5, 1.5]"),
        (Estimate.exact(2.0), 1, "2.0"),
    ],
)
def test_numbers_are_shown_with_their_digits_and_intervals(value, digits, shown):
    assert Figure("x", value, digits).shown() == shown


def test_units_follow_the_number():
    assert Figure("x", 1.0, 1, "nats").shown() == "1.0 nats"


def test_plain_values_are_what_json_carries():
    part = Part("k", "t", (), (), {"a": Figure("a", math.inf), "b": Figure("b", Estimate.exact(1.0))}, "r")
    assert part.to_dict()["figures"]["a"] is None
    assert part.to_dict()["figures"]["b"]["value"] == 1.0
