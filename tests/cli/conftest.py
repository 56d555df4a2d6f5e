import numpy as np
import pytest
from typer.testing import CliRunner

import densimeter as dm
from densimeter.cli.main import app


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory, monkeypatch):
    """No test sees the models of another, or the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(120, 2))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(folder, rows):
    """A small file of continuous numbers, table.csv, with columns a and b."""
    text = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows.tolist())
    (folder / "table.csv").write_text(text)
    return "table.csv"


@pytest.fixture
def compare():
    """Runs `densimeter compare` in this process, with the cheapest model."""

    def run(*arguments, models="kernel"):
        return CliRunner().invoke(app, ["compare", *map(str, arguments), "--models", models])

    return run


def _two_lines_of_wrong_use(result):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    reason, advice = result.stderr.splitlines()
    assert reason.startswith("densimeter: ")
    assert advice
    return reason.removeprefix("densimeter: "), advice


@pytest.fixture
def refused(compare):
    """The reason and the advice of a command that must end as wrong use, in exactly two lines."""

    def run(*arguments, **options):
        return _two_lines_of_wrong_use(compare(*arguments, **options))

    return run


@pytest.fixture
def densimeter():
    """Runs any command in this process."""

    def run(*arguments):
        return CliRunner().invoke(app, [*map(str, arguments)])

    return run


@pytest.fixture
def refused_use(densimeter):
    """The reason and the advice of a command that must end as wrong use, in exactly two lines."""

    def run(*arguments):
        return _two_lines_of_wrong_use(densimeter(*arguments))

    return run


@pytest.fixture
def model(folder, rows):
    """A small model file, model.dm, of columns a and b."""
    dm.save(dm.GaussianMixture(2, random_state=0).fit(rows), folder / "model.dm", columns=["a", "b"])
    return "model.dm"
