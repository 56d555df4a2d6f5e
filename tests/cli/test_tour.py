"""The tour's command with the parts replaced by cheap ones: what it writes, refuses and leaves behind."""

import json

import pytest
from typer.testing import CliRunner

from densimeter.cli.main import app
from densimeter.report.parts import Figure, Part


@pytest.fixture
def cheap_parts(monkeypatch):
    from densimeter.tour import guide

    part = Part("one", "One", ("x",), (), {"n": Figure("n", 1.0)}, "Reading.")
    monkeypatch.setattr(guide, "PARTS", (lambda world: part,))


def _run(*arguments: str):
    return CliRunner().invoke(app, ["tour", *arguments])


def test_writes_page_and_figures(cheap_parts, tmp_path):
    done = _run("--out", str(tmp_path / "a.html"), "--json", str(tmp_path / "a.json"), "--seed", "3")
    assert done.exit_code == 0, done.output
    assert "<!doctype html>" in (tmp_path / "a.html").read_text()
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["seed"] == 3
    assert written["parts"][0]["figures"] == {"n": 1.0}


def test_quiet_prints_nothing(cheap_parts, tmp_path):
    assert _run("--out", str(tmp_path / "a.html"), "--quiet").output == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "missing/a.html"],
        ["--out", "a.html", "--json", "a.html"],
        ["--out", "a.html", "--radius", "-1"],
        ["--out", "a.html", "--radius", "nan"],
    ],
)
def test_wrong_use_is_refused_and_leaves_nothing(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = _run(*arguments)
    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_fails_leaves_the_old_page(tmp_path, monkeypatch):
    from densimeter.tour import guide

    def failing(world):
        raise ZeroDivisionError("no")

    monkeypatch.setattr(guide, "PARTS", (failing,))
    page = tmp_path / "a.html"
    page.write_text("old")
    assert _run("--out", str(page)).exit_code == 1
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]
