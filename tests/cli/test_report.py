"""`densimeter compare DATA --report FILE.html`."""

import shlex

import pytest
import typer
from typer.testing import CliRunner

from densimeter.cli.compare import compare as compare_command
from densimeter.cli.invocation import command_line


def test_the_page_is_written_and_tells_the_command(compare, table, folder):
    result = compare(table, "--report", "page.html", "--json", "found.json", "--seed", 3, "--confidence", 0.9)
    assert result.exit_code == 0, result.output
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "densimeter compare table.csv --models kernel --seed 3 --confidence 0.9</code>" in page
    assert "kernel is the only model ranked." in page


def test_a_page_that_cannot_be_written_is_refused_before_the_work(refused, table, folder):
    reason, _ = refused(table, "--report", "missing/page.html")
    assert "missing" in reason
    reason, _ = refused(table, "--report", "same.html", "--json", "same.html")
    assert "two results" in reason
    assert not (folder / "same.html").exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("compare ring", "compare ring --seed 0"),
        ("compare ring --quiet --json x.json --no-cache", "compare ring --seed 0"),
        ("compare 'my rows.csv' --columns a,b", "compare 'my rows.csv' --columns a,b --seed 0"),
        ("compare ring --dequantize --folds 3 --repeats 1", "compare ring --seed 0 --dequantize --folds 3"),
    ],
)
def test_the_command_is_told_with_what_changes_the_result(typed, told):
    said = []

    app = typer.Typer()
    app.callback()(lambda: None)
    app.command("compare")(_with_body_of(said))
    words = shlex.split(typed)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert said == [f"densimeter {told}"]


def _with_body_of(said):
    """The command's own options, around a body that only tells what was typed."""
    from functools import wraps

    @wraps(compare_command)
    def body(context: typer.Context, **_options):
        said.append(command_line(context))

    return body
