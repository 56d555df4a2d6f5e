import pytest
import typer

from densimeter.cli.failures import failures_as_exit_codes, tell_usage
from densimeter.foundations.errors import DataError, FitError, NonFiniteError, SettingError


def ending(error, capsys, debug=False):
    with pytest.raises(typer.Exit) as caught, failures_as_exit_codes(debug):
        raise error
    return caught.value.exit_code, capsys.readouterr()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("the reason", "the advice"), 2),
        (SettingError("the reason", "the advice"), 2),
        (FitError("the reason", "the advice"), 1),
        (NonFiniteError("the reason", "the advice"), 1),
    ],
)
def test_our_errors_end_with_their_code_in_two_lines(capsys, error, code):
    found, told = ending(error, capsys)
    assert found == code
    assert told.err == "densimeter: the reason\nthe advice\n"
    assert told.out == ""


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
        (OSError(28, "No space left on device", "out.json"), 1, "out.json: No space left on device"),
        (OSError("unknown"), 1, "unknown"),
        (RuntimeError("first\nsecond"), 1, "unexpected RuntimeError: first"),
        (ZeroDivisionError(), 1, "unexpected ZeroDivisionError: no message"),
    ],
)
def test_every_other_error_is_told_as_well(capsys, error, code, reason):
    found, told = ending(error, capsys)
    assert found == code
    first, advice = told.err.splitlines()
    assert first == f"densimeter: {reason}"
    assert advice


def test_a_reason_of_many_lines_is_told_in_one(capsys):
    _, told = ending(DataError("a name\nwith\r\nline ends", "the advice"), capsys)
    assert told.err.splitlines() == ["densimeter: a name with line ends", "the advice"]


def test_the_traceback_is_shown_only_when_asked_for(capsys):
    assert "Traceback" not in ending(DataError("the reason", "the advice"), capsys)[1].err
    assert "Traceback" in ending(DataError("the reason", "the advice"), capsys, debug=True)[1].err


def test_a_reader_that_has_gone_is_told_nothing(capsys):
    with pytest.raises(BrokenPipeError), failures_as_exit_codes(debug=False):
        raise BrokenPipeError
    assert capsys.readouterr().err == ""


def test_a_block_that_ends_well_is_left_alone(capsys):
    with failures_as_exit_codes(debug=False):
        pass
    assert capsys.readouterr() == ("", "")


def test_wrong_use_of_the_command_line_is_told_alike(capsys):
    assert tell_usage(typer.BadParameter("not a number")) == 2
    first, advice = capsys.readouterr().err.splitlines()
    assert "not a number" in first
    assert advice == "see densimeter --help"
