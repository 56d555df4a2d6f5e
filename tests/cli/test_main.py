"""The command as a process of its own: exit codes, streams, signals, imports."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from densimeter import __version__
from densimeter.cli import main

ENTRY = "from densimeter.cli.main import run; run()"


# the package under test, wherever a test goes
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(main.__file__).parents[2])}


def started(*arguments, entry=ENTRY, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT} | options
    options["env"] |= {"XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
    return subprocess.Popen([sys.executable, "-c", entry, *map(str, arguments)], **options)


def densimeter(*arguments, **options):
    process = started(*arguments, **({"text": True} | options))
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run_here(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["densimeter", *arguments])
    with pytest.raises(SystemExit) as caught:
        main.run()
    return caught.value.code or 0, capsys.readouterr()


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], [], ["compare", "--help"], ["--version"]])
def test_help_and_version_end_well(monkeypatch, capsys, arguments):
    code, told = run_here(monkeypatch, capsys, *arguments)
    assert code == 0
    assert told.err == ""
    assert (
        told.out.strip() == f"densimeter {__version__}"
        if arguments == ["--version"]
        else "compare" in told.out
    )


@pytest.mark.parametrize(
    ("arguments", "reason", "advice"),
    [
        (["compare"], "Missing argument", "see densimeter compare --help"),
        (["compare", "ring", "--nope"], "--nope", "see densimeter compare --help"),
        (["compare", "ring", "--seed", "-1"], "--seed", "see densimeter compare --help"),
        (["compare", "ring", "--test-fraction", "half"], "--test-fraction", "see densimeter compare --help"),
        (["frobnicate"], "frobnicate", "see densimeter --help"),
    ],
)
def test_wrong_use_is_told_in_two_lines(monkeypatch, capsys, arguments, reason, advice):
    code, told = run_here(monkeypatch, capsys, *arguments)
    assert code == 2
    assert told.out == ""
    first, second = told.err.splitlines()
    assert first.startswith("densimeter: ")
    assert reason in first
    assert second == advice


def test_help_imports_nothing_heavy():
    entry = (
        f"import atexit, sys; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr)); {ENTRY}"
    )
    result = densimeter("compare", "--help", entry=entry)
    assert result.returncode == 0
    loaded = {name.split(".")[0] for name in eval(result.stderr)}
    assert "typer" in loaded
    assert not loaded & {
        "jax",
        "numpy",
        "scipy",
        "sklearn",
        "matplotlib",
        "pyarrow",
        "pandas",
        "equinox",
        "optax",
    }


def test_a_plain_terminal_gets_the_numbers_and_matplotlib_is_left_alone(table):
    entry = (
        f"import atexit, sys; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr)); {ENTRY}"
    )
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii"}  # lacks the sign between value and error
    result = densimeter("compare", table, "--models", "kernel", entry=entry, env=environment)
    assert result.returncode == 0, result.stderr
    assert "kernel" in result.stdout
    loaded = {name.split(".")[0] for name in eval(result.stderr)}
    assert "numpy" in loaded
    assert "matplotlib" not in loaded


def test_streams_and_files_of_a_whole_run(table, folder):
    result = densimeter("compare", table, "--models", "kernel", "--json", "out.json", "--plot", "out.png")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    told = result.stdout.splitlines()
    assert told[0].startswith("table.csv: 2 columns; 120 rows")
    assert sum(line.startswith("kernel  ") for line in told) == 1  # the ranking; beside it, words on it
    assert json.loads((folder / "out.json").read_text())["models"][0]["name"] == "kernel"
    assert sorted(path.name for path in folder.iterdir()) == ["out.json", "out.png", "table.csv"]


def test_the_traceback_of_a_failure_is_shown_when_asked_for(folder):
    result = densimeter("compare", "--debug", "missing.csv")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Traceback" in result.stderr


def test_a_name_that_is_no_text_is_told(folder):
    result = densimeter("compare", os.fsdecode(b"caf\xe9.csv"), text=False)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 2


def test_a_full_disk_is_told():
    with open("/dev/full", "w") as full:
        result = densimeter("compare", "--list", stdout=full)
    assert result.returncode != 0


def test_a_reader_that_goes_early_causes_no_traceback():
    process = started("compare", "faithful", "--models", "kernel", "-q", text=True)
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=120) in (0, 1)
    assert "Traceback" not in told


@pytest.mark.parametrize("wait", [1.5, 4.0])
def test_an_interrupt_ends_the_work_and_leaves_nothing(folder, wait):
    process = started("compare", "ring", "--json", "out.json", "--plot", "out.png", text=True)
    time.sleep(wait)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-2:] == [
        "densimeter: interrupted",
        "run the same command again for the same result",
    ]
    assert list(folder.iterdir()) == []


def test_a_terminal_sees_progress(table):
    ours, theirs = pty.openpty()
    process = started(
        "compare", table, "--models", "kernel", stderr=theirs, env=ENVIRONMENT | {"TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # how Linux tells that the other end was closed
            break
        if not block:
            break
        shown += block
    out, _ = process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == 0
    assert b"reading" in shown or b"kernel" in shown
    assert b"\x1b" not in out
