import gzip
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import densimeter as dm
from densimeter.foundations.errors import DensimeterWarning
from densimeter.tables import batches


def scores_in(path):
    """What a file of scores holds, NaN where a row has none."""
    if path.suffix == ".npy":
        return np.load(path)
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    assert list(frame.columns) == ["log_density"]
    return frame["log_density"].to_numpy()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".npy"])
def test_each_row_gets_its_log_density_in_order(densimeter, model, table, folder, rows, ending):
    result = densimeter("score", model, table, "--out", f"out{ending}")
    assert result.exit_code == 0, result.output
    expected = dm.load(folder / model).score_samples(rows)
    np.testing.assert_array_equal(scores_in(folder / f"out{ending}"), expected)
    first, second = result.stdout.splitlines()
    assert first.startswith(f"table.csv: {expected.mean():.3f} ± ")
    assert first.endswith(" nats per row over 120 rows (95 % interval, Student t)")
    assert second == f"120 rows: out{ending}"


def test_without_an_output_the_mean_is_printed_alone(densimeter, model, table, folder):
    result = densimeter("score", model, table)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert names_in(folder) == ["model.dm", "table.csv"]


def test_the_interval_holds_what_is_unknown_of_log_z(densimeter, table, folder, rows):
    energy = dm.EnergyModel("gaussian", hidden=(8,), max_steps=200, log_z_width=0.2, random_state=0)
    energy.fit(np.concatenate([rows, rows + 6]))
    assert energy.log_normalizer_.half_width > 0
    dm.save(energy, folder / "energy.dm", columns=["a", "b"])
    result = densimeter("score", "energy.dm", table)
    assert result.exit_code == 0, result.output
    assert "(95 % interval, Student t + log Z)" in result.stdout


def test_numbers_that_mark_missing_cells_are_missing_in_fit_and_score(densimeter, folder, rows):
    whole = pd.DataFrame(rows, columns=["a", "b"])
    marked = whole.copy()
    marked.loc[[3, 50], "a"], marked.loc[7, "b"] = -999, 1e20
    whole.drop([3, 7, 50]).to_csv("whole.csv", index=False)
    marked.to_csv("marked.csv", index=False)
    told = ["--na-values", "-999,1e20", "--missing", "drop"]
    for name, more in (("whole", []), ("marked", told)):
        result = densimeter("fit", f"{name}.csv", "--model", "kernel", "--out", f"{name}.dm", *more)
        assert result.exit_code == 0, result.output
    result = densimeter("score", "marked.dm", "marked.csv", "--out", "out.csv", *told)
    assert result.exit_code == 0, result.output
    expected = dm.load(folder / "whole.dm").score_samples(rows)
    expected[[3, 7, 50]] = np.nan
    np.testing.assert_allclose(scores_in(folder / "out.csv"), expected)
    refused = densimeter("score", "marked.dm", "marked.csv", "--na-values", "-999,1e20")
    assert refused.exit_code == 2


KINDS = {
    "t.csv": lambda rows: pd.DataFrame(rows, columns=["a", "b"]).to_csv(index=False).encode(),
    "t.csv.gz": lambda rows: gzip.compress(KINDS["t.csv"](rows)),
    "utf16.csv": lambda rows: KINDS["t.csv"](rows).decode().encode("utf-16"),
    "commas.csv": lambda rows: (
        pd.DataFrame(rows, columns=["a", "b"]).to_csv(index=False, sep=";", decimal=",").encode()
    ),
    "blanks.txt": lambda rows: pd.DataFrame(rows, columns=["a", "b"]).to_csv(index=False, sep=" ").encode(),
    "others.tsv": lambda rows: (
        pd.DataFrame({"who": "somebody", "b": rows[:, 1], " a ": rows[:, 0]}).to_csv(sep="\t").encode()
    ),
    "quoted.csv": lambda rows: pd.DataFrame(rows, columns=["a", "b"]).to_csv(index=False, quoting=1).encode(),
}


@pytest.mark.parametrize("name", KINDS)
def test_columns_are_found_by_name_however_the_file_is_spelt(densimeter, model, folder, rows, name):
    (folder / name).write_bytes(KINDS[name](rows))
    result = densimeter("score", model, name, "--out", "out.npy")
    assert result.exit_code == 0, result.output
    expected = dm.load(folder / model).score_samples(rows)
    np.testing.assert_allclose(scores_in(folder / "out.npy"), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "stream.arrow", "t.npy", "fortran.npy"])
def test_binary_files_are_read_in_pieces(densimeter, model, folder, rows, monkeypatch, name):
    monkeypatch.setattr(batches, "MOST_CELLS", 50)
    cells = pa.table({"b": rows[:, 1], "text": ["x"] * 120, "a": rows[:, 0].astype(np.float32)})
    if name == "t.parquet":
        parquet.write_table(cells, folder / name, row_group_size=17)
    elif name == "t.npy":
        np.save(folder / name, rows)
    elif name == "fortran.npy":
        np.save(folder / name, np.asfortranarray(rows))
    else:
        make = pa.ipc.new_stream if name.startswith("stream") else pa.ipc.new_file
        with make(str(folder / name), cells.schema) as writer:
            writer.write_table(cells, max_chunksize=13)
    options = ["--columns", "x0,x1"] if name.endswith("npy") else []
    result = densimeter("score", model, name, "--out", "out.csv", *options)
    assert result.exit_code == 0, result.output
    expected = dm.load(folder / model).score_samples(rows)
    single = not name.endswith("npy")
    np.testing.assert_allclose(scores_in(folder / "out.csv"), expected, rtol=1e-5 if single else 1e-14)


def test_a_model_without_names_takes_the_columns_as_they_come(densimeter, refused_use, table, folder, rows):
    dm.save(dm.KernelDensity(0.5).fit(rows), folder / "model.dm")
    expected = dm.load(folder / "model.dm").score_samples(rows)
    assert densimeter("score", "model.dm", table, "--out", "out.npy").exit_code == 0
    np.testing.assert_array_equal(np.load(folder / "out.npy"), expected)
    swapped = dm.load(folder / "model.dm").score_samples(rows[:, ::-1])
    assert densimeter("score", "model.dm", table, "--out", "out.npy", "--columns", "b,a").exit_code == 0
    np.testing.assert_array_equal(np.load(folder / "out.npy"), swapped)
    reason, _ = refused_use("score", "model.dm", table, "--columns", "a")
    assert "the model has 2 columns" in reason


# Missing cells


@pytest.fixture
def gaps(folder, rows):
    """The table with a missing cell in row 5 and an infinite one in row 8."""
    frame = pd.DataFrame(rows, columns=["a", "b"])
    frame.loc[4, "a"], frame.loc[7, "b"] = np.nan, np.inf
    frame.to_csv(folder / "gaps.csv", index=False)
    return "gaps.csv"


def test_a_row_with_a_gap_is_refused_by_its_number(refused_use, model, gaps, folder):
    reason, advice = refused_use("score", model, gaps, "--out", "out.csv")
    assert reason == "row 5 has no finite number in 'a'"
    assert "--missing drop" in advice
    assert "out.csv" not in names_in(folder)


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_or_left_unscored_in_its_place(densimeter, model, gaps, folder, rows, ending):
    result = densimeter("score", model, gaps, "--out", f"out{ending}", "--missing", "drop")
    assert result.exit_code == 0, result.output
    assert "over 118 rows, 2 left unscored" in result.stdout
    found, expected = scores_in(folder / f"out{ending}"), dm.load(folder / model).score_samples(rows)
    assert np.flatnonzero(np.isnan(found)).tolist() == [4, 7]
    kept = ~np.isnan(found)
    np.testing.assert_array_equal(found[kept], expected[kept])


def test_in_parquet_it_is_a_null_and_no_nan(densimeter, model, gaps, folder):
    densimeter("score", model, gaps, "--out", "out.parquet", "--missing", "drop")
    column = parquet.read_table(folder / "out.parquet")["log_density"]
    assert column.null_count == 2
    assert not np.isnan(column.drop_null().to_numpy()).any()


def test_npy_cannot_say_so(refused_use, model, gaps, folder):
    reason, advice = refused_use("score", model, gaps, "--out", "out.npy", "--missing", "drop")
    assert reason == "row 5 has no value, and an NPY file cannot say so"
    assert ".parquet" in advice
    assert "out.npy" not in names_in(folder)


def test_a_table_of_gaps_alone_has_no_mean(refused_use, model, folder):
    (folder / "gaps.csv").write_text("a,b\n1,\n,2\n")
    assert refused_use("score", model, "gaps.csv", "--missing", "drop")[0] == "no row has a log-density"


# Wrong use


WRONG_USE = {
    "no model": (["no.dm", "table.csv"], "there is no file no.dm", "check the name"),
    "a table as model": (["table.csv", "table.csv"], "table.csv cannot be read: it is no model file", "give"),
    "swapped": (["table.csv", "model.dm"], "no model file", "densimeter wrote"),
    "no table": (["model.dm", "tabel.csv"], "there is no file tabel.csv", "did you mean 'table.csv'?"),
    "misspelt table": (["model.dm", "rnig"], "'rnig' is no file", "did you mean 'ring'?"),
    "model as table": (["model.dm", "model.dm"], "the ending '.dm'", "give a file that ends in"),
    "built-in of other columns": (["model.dm", "ring"], "there is no column 'a'", "choose from 'x', 'y'"),
    "unknown column": (["model.dm", "table.csv", "--columns", "a,c"], "no column 'c'", "choose from"),
    "too many columns": (["model.dm", "table.csv", "--columns", "a,b,a"], "twice", "once"),
    "text": (["model.dm", "text.csv"], "'oops' in row", "the columns of the model hold numbers"),
    "cut row": (["model.dm", "cut.csv"], "line 3 of cut.csv (row 2) has 1 cell where 2", "mend the line"),
    "header alone": (["model.dm", "header.csv"], "holds no rows", "row of numbers"),
    "unknown ending": (["model.dm", "table.csv", "--out", "o.xls"], "the ending '.xls'", ".csv, .parquet"),
    "over the table": (["model.dm", "table.csv", "--out", "table.csv"], "is the table itself", "another"),
    "over the model": (["model.csv", "table.csv", "--out", "model.csv"], "is the model itself", "another"),
    "no folder": (["model.dm", "table.csv", "--out", "no/o.csv"], "there is no folder", "make it"),
    "wrong rule": (["model.dm", "table.csv", "--missing", "maybe"], "missing has no variant", "drop"),
    "wrong confidence": (["model.dm", "table.csv", "--confidence", "1"], "confidence is 1", "below 1"),
}


@pytest.mark.parametrize("mistake", WRONG_USE)
def test_wrong_use_is_told_in_two_lines(refused_use, model, table, folder, mistake):
    (folder / "text.csv").write_text("a,b\n1,2\n3,oops\n")
    (folder / "cut.csv").write_text("a,b\n1,2\n3\n")
    (folder / "header.csv").write_text("a,b\n")
    (folder / "model.csv").write_bytes((folder / model).read_bytes())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    arguments, reason, advice = WRONG_USE[mistake]
    told = refused_use("score", *arguments)
    assert reason in told[0]
    assert advice in told[1]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# Nothing is lost


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 1)]
)
@pytest.mark.parametrize("ending", [".parquet", ".csv", ".npy"])
def test_what_ends_the_work_midway_leaves_the_old_file(
    densimeter, model, table, folder, monkeypatch, error, code, ending
):
    monkeypatch.setattr(batches, "MOST_CELLS", 50)
    scored = dm.GaussianMixture.score_samples
    calls = []

    def fail(self, X):
        calls.append(X)
        if len(calls) == 3:
            raise error
        return scored(self, X)

    monkeypatch.setattr(dm.GaussianMixture, "score_samples", fail)
    (folder / f"out{ending}").write_bytes(b"old")
    result = densimeter("score", model, table, "--out", f"out{ending}")
    assert result.exit_code == code
    assert len(calls) == 3
    assert len(result.stderr.splitlines()) == 2
    assert (folder / f"out{ending}").read_bytes() == b"old"
    assert names_in(folder) == ["model.dm", f"out{ending}", "table.csv"]


def test_a_table_that_changes_meanwhile_is_refused(refused_use, model, table, folder, monkeypatch):
    scored = dm.GaussianMixture.score_samples

    def append(self, X):
        with (folder / table).open("a") as file:
            file.write("1.5,2.5\n")
        return scored(self, X)

    monkeypatch.setattr(dm.GaussianMixture, "score_samples", append)
    assert "changed while it was read" in refused_use("score", model, table, "--out", "out.csv")[0]
    assert "out.csv" not in names_in(folder)


def test_warnings_of_the_model_are_told_once(densimeter, model, table, monkeypatch):
    scored = dm.GaussianMixture.score_samples

    def warn(self, X):
        warnings.warn(f"{len(X)} rows are strange\nlook at them", DensimeterWarning, stacklevel=2)
        return scored(self, X)

    monkeypatch.setattr(batches, "MOST_CELLS", 50)
    monkeypatch.setattr(dm.GaussianMixture, "score_samples", warn)
    result = densimeter("score", model, table)
    assert result.stderr.splitlines() == ["warning: 25 rows are strange; look at them"]
    assert densimeter("score", model, table, "--quiet").stderr == ""
