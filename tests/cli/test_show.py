import json

import pytest

import densimeter as dm


@pytest.fixture
def fitted(densimeter, table):
    assert densimeter("fit", table, "--model", "kernel", "--out", "model.dm").exit_code == 0
    return "model.dm"


def test_what_a_file_holds_is_told(densimeter, fitted, folder):
    result = densimeter("show", fitted)
    assert result.exit_code == 0
    assert result.stdout.startswith("model.dm: KernelDensity, ")
    size = (folder / fitted).stat().st_size
    assert f"{size / 1e3:.3g} kB, written by densimeter {dm.__version__}" in result.stdout
    lines = result.stdout.splitlines()[1:]
    heads = [
        line.split("  ")[0].strip() for line in lines if not line.startswith("    ")
    ]  # not its second line
    wanted = ["columns", "log Z", "source", "rows", "seed", "settings", "validation", "notes", "parameters"]
    assert heads == wanted
    assert "2: a, b" in result.stdout
    assert "0.000, exact (by formula)" in result.stdout
    assert "at 0.95, " in result.stdout or "at 0.95" in result.stdout


def test_as_json_it_can_be_read_by_programs(densimeter, fitted, folder):
    found = json.loads(densimeter("show", fitted, "--json").stdout)
    assert found["kind"] == "KernelDensity"
    assert found["columns"] == ["a", "b"]
    assert found["n_features"] == 2
    assert found["n_bytes"] == (folder / fitted).stat().st_size
    assert found["parameters"]["kernel"] == "gaussian"
    assert found["log_normalizer"]["guarantee"] == "exact"
    assert found["provenance"]["source"] == "table.csv"


def test_an_estimated_log_z_is_shown_with_its_guarantee(densimeter, folder, rows):
    base = dm.GaussianMixture(1, random_state=0).fit(rows)
    energy = dm.EnergyModel(base, hidden=(4,), max_steps=100, log_z_width=0.2, random_state=0).fit(rows)
    dm.save(energy, folder / "energy.dm", provenance={"nested": {"deep": {"a": 1}}, "list": [1, "[red]"]})
    result = densimeter("show", "energy.dm")
    assert result.exit_code == 0, result.output
    assert str(energy.log_normalizer_.guarantee) in result.stdout
    assert "without names" in result.stdout
    assert "[red]" in result.stdout
    found = json.loads(densimeter("show", "energy.dm", "--json").stdout)
    assert found["parameters"]["base"] == "GaussianMixture(random_state=0)"
    assert found["log_normalizer"]["value"] == energy.log_normalizer_.value


def test_other_files_are_refused_in_two_lines(refused_use, table, fitted, folder):
    assert "is no model file" in refused_use("show", table)[0]
    assert "there is no file" in refused_use("show", "no.dm")[0]
    content = (folder / fitted).read_bytes()
    (folder / fitted).write_bytes(content[:-1])
    assert "model.dm cannot be read: its arrays cannot be read" in refused_use("show", fitted)[0]
