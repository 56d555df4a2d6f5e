import io

import numpy as np
import pytest
from rich.console import Console

from densimeter.cli import display
from densimeter.evaluation.results import Comparison, DataSummary, HeldOut, ModelResult
from densimeter.foundations.estimates import Estimate
from densimeter.tables.table import decision, warning

HELD_OUT = HeldOut(np.zeros((25, 2)), np.arange(25))


def result(name, value, gap=None):
    estimate = Estimate(value, value - 0.01, value + 0.01, 0.95, "Student t")
    return ModelResult(name, None, {"bandwidth": 0.5}, None, estimate, estimate, gap, 1.25)


@pytest.fixture
def comparison():
    notes = (decision("a [bold]decision[/bold]"), warning("a warning" + " of many words" * 30))
    data = DataSummary("a [red]table[/red].csv", ("x", "y"), 60, 15, 25, 0.25, 0, notes)
    return Comparison(data, (result("mixture", -5.0), result("[kernel]", -5.5)), None, 0.95, HELD_OUT)


def test_models_are_printed_in_their_order_and_names_are_no_markup(comparison, capsys):
    display.print_comparison(comparison)
    first, _, best, other, verdict = capsys.readouterr().out.splitlines()
    assert first.startswith("a [red]table[/red].csv: 2 columns; 60 training")
    assert best.startswith("mixture ")
    assert "-5.000 ± 0.010" in best
    assert other.startswith("[kernel] ")
    assert verdict.startswith("Believe mixture")


def test_lines_are_not_cut_where_they_are_read_by_programs(comparison, capsys):
    display.print_notes(comparison)
    told = capsys.readouterr()
    assert told.out == ""
    first, second = told.err.splitlines()
    assert first == "decision: a [bold]decision[/bold]"
    assert second.endswith("many words")


def test_the_oracle_stands_above_the_models(comparison, capsys):
    gap = Estimate(0.1, 0.05, 0.15, 0.95, "Student t")
    known = Comparison(comparison.data, (result("mixture", -5.0, gap),), Estimate.exact(-4.9), 0.95, HELD_OUT)
    display.print_comparison(known)
    _, heads, oracle, model, _ = capsys.readouterr().out.splitlines()
    assert "gap to oracle" in heads
    assert oracle.startswith("oracle")
    assert "0.100 ± 0.050" in model


def test_no_progress_where_stderr_is_no_terminal(capsys):
    with display.progress_bar(quiet=False) as progress:
        progress(1, 2, "working")
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(
        display, "Console", lambda **options: Console(file=stream, force_terminal=True, width=100)
    )
    return stream


def test_a_terminal_sees_the_progress_and_it_vanishes(terminal):
    with display.progress_bar(quiet=False) as progress:
        progress(1, 2, "kernel: choosing")
    shown = terminal.getvalue()
    assert "kernel: choosing" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # the line is erased at the end


def test_quiet_is_quiet_on_a_terminal_too(terminal):
    with display.progress_bar(quiet=True) as progress:
        progress(1, 2, "working")
    assert terminal.getvalue() == ""


def test_built_in_tables_are_listed_with_what_they_are(capsys):
    display.print_datasets()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ring ") and line.rstrip().endswith("exact density known") for line in lines)
    assert any(line.startswith("faithful ") and line.rstrip().endswith("real rows") for line in lines)


@pytest.mark.parametrize("name", ["[/]", "[red]x", "a\x1b]0;owned\x07", "b\x9b31m", "c\rd"])
def test_no_name_commands_the_terminal(name, capsys):
    display.print_note("warning", f"{name!s} is strange")
    told = capsys.readouterr().err
    assert told.startswith("warning: ")
    assert not {"\x1b", "\x07", "\x9b", "\r"} & set(told)
    assert name.split("\x1b")[0].split("\x9b")[0].split("\r")[0] in told
