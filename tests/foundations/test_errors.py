import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.foundations.errors import (
    DataError,
    DensimeterError,
    DensimeterWarning,
    FitError,
    NonFiniteError,
    SettingError,
    did_you_mean,
    in_one_line,
)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (DataError, ValueError),
        (SettingError, ValueError),
        (FitError, RuntimeError),
        (NonFiniteError, FitError),
    ],
)
def test_errors_are_ours_and_the_builtin_ones_that_callers_know(kind, builtin):
    error = kind("the reason", "the advice")
    assert isinstance(error, DensimeterError)
    assert isinstance(error, builtin)
    assert str(error) == "the reason\nthe advice"


@pytest.mark.parametrize("kind", [DataError, SettingError, FitError, NonFiniteError])
def test_errors_travel_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("the reason", "the advice")))
    assert type(error) is kind
    assert (error.reason, error.advice) == ("the reason", "the advice")


def test_warnings_can_be_filtered_as_those_of_users():
    assert issubclass(DensimeterWarning, UserWarning)


def test_warnings_are_two_lines_as_errors_are():
    for warning in (
        DensimeterWarning("the reason", "the advice"),
        DensimeterWarning("the reason\nthe advice"),
    ):
        assert str(warning) == "the reason\nthe advice"
        assert (warning.reason, warning.advice) == ("the reason", "the advice")
        assert str(pickle.loads(pickle.dumps(warning))) == str(warning)
    assert str(DensimeterWarning("the reason")) == "the reason"


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (DensimeterWarning("of 1024 draws 5 counted", "use more"), "of 1024 draws 5 counted; use more"),
        (DataError("a is constant", "leave it out"), "a is constant; leave it out"),
        (UserWarning("first", "second"), "first"),
        (ValueError("first\nsecond"), "first"),
        (ValueError(3, "a text"), "a text"),
        (ValueError("\n  \n late"), "late"),
        (KeyError("name"), "'name'"),
        (FileNotFoundError(2, "No such file", "x.csv"), "[Errno 2] No such file: 'x.csv'"),
        (RuntimeError(), "no message"),
    ],
)
def test_whatever_a_problem_carries_it_is_told_as_a_sentence(problem, line):
    assert in_one_line(problem) == line


@given(st.lists(st.text("abcdef", min_size=4, max_size=8), min_size=1, max_size=30, unique=True))
def test_a_known_word_is_its_own_nearest(words):
    for word in words:
        assert did_you_mean(word, words) == f"did you mean {word!r}?"


def test_a_strange_word_is_answered_with_the_choice_in_one_short_line():
    assert did_you_mean("zzz", ["a", "b"]) == "choose from 'a', 'b'"
    advice = did_you_mean("zzz", [f"column {j}" for j in range(1000)])
    assert advice.endswith("'column 11' and 988 more")
    assert did_you_mean("zzz", []) == "there is none to choose from"
