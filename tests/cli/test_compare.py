import gzip
import json
import math
import os
import warnings

import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.backend_bases import FigureCanvasBase
from pyarrow import parquet
from typer.testing import CliRunner

from densimeter.cli import compare as command
from densimeter.cli.main import app


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


# What comes out


def test_the_table_goes_to_stdout_and_nothing_else_does(compare, table):
    few = compare(table).stdout.splitlines()[0]
    assert few.startswith("table.csv: 2 columns; 120 rows, each a test row in one of 5 folds (77 training")
    result = compare(table, "--test-fraction", "0.2", "--no-cache")
    assert result.exit_code == 0
    first, heads, row, verdict = result.stdout.splitlines()
    assert first.startswith("table.csv: 2 columns; 77 training, 19 validation, 24 test rows")
    assert heads.split() == ["model", "log-likelihood", "difference", "to", "best", "fit,", "s", "settings"]
    assert row.startswith("kernel")
    assert verdict == "kernel is the only model ranked."
    assert result.stderr == ""


def test_known_densities_have_an_oracle(compare):
    result = compare("checkerboard", "--test-fraction", "0.2")
    assert result.exit_code == 0
    assert "gap to oracle" in result.stdout
    assert "the true density" in result.stdout


def test_the_json_file_is_what_the_issue_promises(compare, table, folder):
    assert compare(table, "--json", "out.json", "--confidence", "0.9").exit_code == 0
    result = json.loads((folder / "out.json").read_text())
    assert {"data", "models", "oracle"} <= set(result)
    assert result["oracle"] is None
    (model,) = result["models"]
    assert {"name", "log_likelihood", "difference_to_best", "fit_seconds", "settings"} <= set(model)
    assert model["name"] == "kernel"
    assert model["fit_seconds"] > 0
    for estimate in (model["log_likelihood"], model["difference_to_best"]):
        assert set(estimate) == {"value", "lower", "upper", "confidence", "method"}
        assert estimate["lower"] <= estimate["value"] <= estimate["upper"]
    assert model["log_likelihood"]["confidence"] == 0.9
    assert result["data"]["columns"] == ["a", "b"]
    assert result["data"]["seed"] == 0


def test_the_same_seed_gives_the_same_file(compare, table, folder):
    def result(seed):
        assert compare(table, "--seed", seed, "--json", "out.json").exit_code == 0
        result = json.loads((folder / "out.json").read_text())
        for model in result["models"]:
            del model["fit_seconds"]
        return result

    assert result(3) == result(3)
    assert result(3)["models"] != result(4)["models"]


@pytest.mark.parametrize("ending", [".png", ".pdf", ".svg"])
def test_pictures_are_drawn(compare, table, folder, ending):
    assert compare(table, "--plot", f"out{ending}").exit_code == 0
    signs = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    assert (folder / f"out{ending}").read_bytes().startswith(signs[ending])
    assert names_in(folder) == [f"out{ending}", "table.csv"]


def test_every_picture_that_is_promised_can_be_drawn():
    known = {f".{kind}" for kind in FigureCanvasBase.get_supported_filetypes()}
    assert set(command.PICTURE_ENDINGS) <= known, matplotlib.__version__


def test_decisions_and_warnings_go_to_stderr_unless_quiet(compare):
    loud, quiet = compare("faithful"), compare("faithful", "--quiet")
    assert "warning: rounded or tied: 'eruptions'" in loud.stderr
    assert quiet.stderr == ""
    assert loud.stdout.splitlines()[0] == quiet.stdout.splitlines()[0]


def test_each_note_is_one_line_where_it_is_read_by_programs(compare):
    lines = compare("faithful").stderr.splitlines()
    assert all(line.startswith(("warning: ", "decision: ")) for line in lines)


def test_no_warning_of_python_is_shown(compare, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compare(table).exit_code == 0


def test_built_in_tables_are_listed():
    result = CliRunner().invoke(app, ["compare", "--list"])
    assert result.exit_code == 0
    assert result.stdout.split()[0] == "ring"
    assert "faithful" in result.stdout


# Files as people have them


def numbers(rows, delimiter=",", header="a,b", point="."):
    lines = [header.replace(",", delimiter)] if header else []
    lines += [delimiter.join(repr(x).replace(".", point) for x in row) for row in rows.tolist()]
    return "\n".join(lines) + "\n"


MESSY = {
    "bom": lambda rows: b"\xef\xbb\xbf" + numbers(rows).encode(),
    "crlf": lambda rows: numbers(rows).replace("\n", "\r\n").encode(),
    "utf-16": lambda rows: numbers(rows).encode("utf-16"),
    "decimal commas": lambda rows: numbers(rows, ";", point=",").encode(),
    "decimal commas without header": lambda rows: numbers(rows, ";", header=None, point=",").encode(),
    "tabs": lambda rows: numbers(rows, "\t").encode(),
    "no header": lambda rows: numbers(rows, header=None).encode(),
    "blank lines": lambda rows: b"\n\n" + numbers(rows).replace("\n", "\n\n").encode(),
    "trailing delimiter": lambda rows: numbers(rows).replace("\n", ",\n").encode(),
    "row numbers": lambda rows: pd.DataFrame(rows, columns=["a", "b"]).to_csv().encode(),
    "quotes": lambda rows: pd.DataFrame(rows, columns=["a", "b"]).to_csv(index=False, quoting=1).encode(),
}


@pytest.mark.parametrize("spelling", MESSY)
def test_the_spelling_of_a_file_does_not_change_the_result(compare, table, folder, rows, spelling):
    (folder / "messy.csv").write_bytes(MESSY[spelling](rows))
    plain, messy = compare(table), compare("messy.csv")
    assert messy.exit_code == 0, messy.output
    assert messy.stdout.split("model")[0] == plain.stdout.replace("table.csv", "messy.csv").split("model")[0]
    assert messy.stdout.splitlines()[2].split()[:4] == plain.stdout.splitlines()[2].split()[:4]


def test_columns_are_chosen_by_name_even_with_commas(compare, folder, rows):
    (folder / "table.csv").write_text(numbers(rows, header='"a, first",b'))
    result = compare("table.csv", "--columns", '"a, first"')
    assert result.exit_code == 0, result.output
    assert "1 column" in result.stdout


def test_text_and_missing_rows_are_left_out_when_told(compare, folder, rows):
    frame = pd.DataFrame(rows, columns=["a", "b"])
    frame["who"], frame.loc[:4, "a"] = "somebody", np.nan
    frame.to_csv("table.csv", index=False)
    result = compare("table.csv", "--text", "drop", "--missing", "drop")
    assert result.exit_code == 0
    assert "column left out: 'who'" in result.stderr
    assert "5 of 120 rows left out: 'a' has 5 missing" in result.stderr


def test_numbers_that_mark_missing_cells_and_columns_that_others_determine_are_left_out_when_told(
    compare, folder, rows
):
    frame = pd.DataFrame(rows, columns=["a", "b"])
    frame["total"] = frame["a"] + frame["b"]
    frame.loc[:4, "a"], frame.loc[5, "b"] = -999, 9999
    frame.to_csv("table.csv", index=False)
    told = ["--na-values", "-999,9999", "--missing", "drop"]
    refused = compare("table.csv", *told)
    assert refused.exit_code == 2
    assert "total = a + b in every row" in refused.stderr
    assert "--redundant drop" in refused.stderr
    result = compare("table.csv", *told, "--redundant", "drop")
    assert result.exit_code == 0, result.output
    assert "cells that hold -999, 9999 are missing: 5 of 'a'; 1 of 'b'" in result.stderr
    assert "column left out: 'total', since total = a + b in every row" in result.stderr


def test_words_do_not_mark_missing_cells(compare, table):
    result = compare(table, "--na-values", "-999,none")
    assert result.exit_code == 2
    assert "--na-values takes numbers, got 'none'" in result.stderr


def test_rounded_columns_can_be_dequantised(compare):
    result = compare("faithful", "--dequantize")
    assert result.exit_code == 0
    assert "dequantised: 'eruptions'" in result.stderr
    assert "warning" not in result.stderr


# Tables that cannot be used


def lines(*values):
    return "a,b\n" + "".join(f"{value},{i + i % 7 / 9:.6f}\n" for i, value in enumerate(values))


BAD_TABLES = {
    "empty": ("", "is empty"),
    "blank": ("\n\n\n", "holds no rows"),
    "header only": ("a,b\n", "holds no rows"),
    "one row": ("a,b\n1.5,2.5\n", "one row is no sample"),
    "few rows": ("a,b\n1.5,2.5\n3.5,1.5\n0.5,0.25\n", "3 rows leave"),
    "text": ("a,b\nx,y\nz,w\n", "no column is numeric: 'a' holds text, the first 'x' in row 1"),
    "one text column": (lines("x", "y", "z"), "'a' holds text, the first 'x' in row 1"),
    "mixed": (lines(1, 2, "oops", 4), "'a' holds a cell that is no number, the first 'oops' in row 3"),
    "thousands": (lines('"1,000"', '"2,000"'), "'a' holds text, the first '1,000' in row 1"),
    "dates": (lines("2020-01-01", "2020-01-02"), "'a' holds dates"),
    "booleans": (lines("true", "false"), "'a' holds true or false"),
    "constant": (lines(*[3] * 30), "'a' is constant"),
    "nearly constant": (lines(*(3 + i * 1e-15 for i in range(30))), "differ in their last digits only"),
    "missing": (lines(1, "NA", "", 4), "2 of 4 rows have cells without a finite number: 'a' has 2 missing"),
    "infinite": (lines(1, "inf", "1e999", 4), "'a' has 2 infinite"),
    "huge": (lines(*(i * 1e307 for i in range(15))), "'a' holds values of size 1.4e+308"),
    "tiny": (lines(*(i * 1e-307 for i in range(15))), "'a' holds values spread over 1.4e-306"),
    "ragged": ("a,b\n1,2\n3\n", "line 3 of table.csv (row 2) has 1 cell where 2 are expected"),
    "repeated names": ("a,a\n1,2\n", "two columns called 'a'"),
}


@pytest.mark.parametrize("trouble", BAD_TABLES)
def test_bad_tables_are_refused_in_two_lines(refused, folder, trouble):
    content, expected = BAD_TABLES[trouble]
    (folder / "table.csv").write_text(content)
    reason, _ = refused("table.csv")
    assert expected in reason


def test_copies_of_the_same_rows_leave_nothing_to_test_on(refused, folder, rows):
    (folder / "table.csv").write_text(numbers(np.tile(rows, (5, 1))))
    reason, _ = refused("table.csv")
    assert "duplicates left out" in reason


@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet", "t.arrow", "t.feather", "t.npy", "t.xlsx", "t"])
def test_files_of_another_kind_are_refused(refused, folder, name):
    (folder / name).write_bytes(b"neither fish nor flesh " * 20)
    refused(f"./{name}")


def test_a_cut_archive_is_refused(refused, folder, rows):
    (folder / "table.csv.gz").write_bytes(gzip.compress(numbers(rows).encode())[:-20])
    assert "table.csv.gz cannot be read" in refused("table.csv.gz")[0]


def test_nested_columns_are_named(refused, folder, rows):
    parquet.write_table(pa.table({"a": rows[:, 0], "list": [[1.0]] * len(rows)}), folder / "table.parquet")
    assert "'list' holds values of type list" in refused("table.parquet")[0]


def test_folders_pipes_and_devices_are_refused_at_once(refused, folder):
    os.mkfifo(folder / "pipe.csv")
    assert "is a folder" in refused(folder)[0]
    for path in ("pipe.csv", "/dev/zero", "/dev/null"):
        assert "no ordinary file" in refused(path)[0]


# Wrong use


WRONG_USE = {
    "misspelt table": (["rnig"], "'rnig' is no file and no built-in table", "did you mean 'ring'?"),
    "missing file": (["tabel.csv"], "there is no file tabel.csv", "did you mean 'table.csv'?"),
    "long name": (["x" * 5000], "is no file and no built-in table", "choose from"),
    "unknown column": (["faithful", "--columns", "wating"], "no column 'wating'", "did you mean 'waiting'?"),
    "repeated column": (["faithful", "--columns", "waiting,waiting"], "twice", "once"),
    "no column": (["faithful", "--columns", ""], "no column was chosen", "name at least one"),
    "missing rule": (["faithful", "--missing", "maybe"], "missing has no variant 'maybe'", "'drop'"),
    "text rule": (["faithful", "--text", "maybe"], "text has no variant 'maybe'", "'drop'"),
    "unknown folder": (["faithful", "--json", "nowhere/out.json"], "there is no folder", "make it first"),
    "folder as file": (["faithful", "--json", "."], "is a folder", "name a file"),
    "device as file": (["faithful", "--json", "/dev/full"], "no ordinary file", "write to a file"),
    "unknown picture": (["faithful", "--plot", "out.xyz"], "the ending '.xyz'", "end it in one of .png"),
    "picture without ending": (["faithful", "--plot", "out"], "the ending ''", "end it in one of .png"),
    "one file for two": (
        ["faithful", "--json", "o.svg", "--plot", "./o.svg"],
        "two results",
        "a file of its own",
    ),
    "result over table": (["table.csv", "--json", "./table.csv"], "is the table itself", "another file"),
    "picture over table": (["table.csv", "--plot", "table.csv"], "is the table itself", "another file"),
}


@pytest.mark.parametrize("mistake", WRONG_USE)
def test_wrong_use_is_told_in_two_lines_before_any_work(refused, table, folder, monkeypatch, mistake):
    monkeypatch.setattr("densimeter.evaluation.runner.run", None)  # calling it would fail otherwise
    arguments, reason, advice = WRONG_USE[mistake]
    before = (folder / table).read_bytes()
    told = refused(*arguments)
    assert reason in told[0]
    assert advice in told[1]
    assert (folder / table).read_bytes() == before
    assert names_in(folder) == [table]


@pytest.mark.parametrize("models", ["bogus", "", ",", "kernel,kernel", "Kernel"])
def test_wrong_models_are_refused(refused, table, models):
    assert "model" in refused(table, models=models)[0]


@pytest.mark.parametrize("data", ["table.csv", "ring"])
@pytest.mark.parametrize("value", [0, 1, math.nan, -1, 2, math.inf])
def test_fractions_out_of_range_are_refused(refused, table, data, value):
    assert "test_fraction" in refused(data, "--test-fraction", value)[0]


@pytest.mark.parametrize("value", [0, 1, math.nan, -1, math.inf])
def test_confidences_out_of_range_are_refused(refused, table, value):
    assert "confidence" in refused(table, "--confidence", value)[0]


@pytest.mark.parametrize("seed", [-1, 2**32, "x", 1.5])
def test_seeds_out_of_range_are_refused(compare, table, seed):
    assert compare(table, "--seed", seed).exit_code == 2


# Nothing is lost


@pytest.fixture
def broken_drawing(monkeypatch):
    def fail(self):
        raise OSError(28, "No space left on device", "out.png")

    monkeypatch.setattr("densimeter.evaluation.results.Comparison.plot", fail)


def test_when_one_result_cannot_be_written_neither_is(compare, table, folder, broken_drawing):
    (folder / "out.json").write_text("old")
    result = compare(table, "--json", "out.json", "--plot", "out.png")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "densimeter: out.png: No space left on device",
        "check the disk and the permissions of the folder",
    ]
    assert (folder / "out.json").read_text() == "old"
    assert names_in(folder) == ["out.json", table]


def test_an_interrupt_leaves_no_partial_file(compare, table, folder, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("densimeter.evaluation.results.Comparison.plot", interrupt)
    result = compare(table, "--json", "out.json", "--plot", "out.png")
    assert result.exit_code == 130
    assert "interrupted" in result.stderr
    assert names_in(folder) == [table]


def test_options_of_the_protocol_reach_the_result(compare, folder, rows):
    lines = "".join(f"{a!r},{b!r},{k // 6},{k}\n" for k, (a, b) in enumerate(rows.tolist()))
    (folder / "t.csv").write_text("a,b,who,when\n" + lines)
    result = compare(
        *("t.csv", "--columns", "a,b", "--group", "who", "--folds", "3", "--repeats", "2"),
        *("--interval", "bca", "--json", "out.json"),
        models="scipy:norm",
    )
    assert result.exit_code == 0, result.output
    assert "settings by 3-fold cross-validation; means over 2 random splits" in result.stdout
    protocol = json.loads((folder / "out.json").read_text())["data"]["protocol"]
    assert protocol == {
        "folds": 3,
        "repeats": 2,
        "group": "who",
        "time": None,
        "interval": "bca",
        "test_folds": None,
        "duplicates": "drop",
    }
    result = compare("t.csv", "--columns", "a,b", "--time", "when", models="scipy:norm")
    assert "the latest rows by 'when' held out" in result.stdout


def test_a_second_run_takes_models_from_the_cache_unless_told_otherwise(compare, table):
    assert "earlier run" not in compare(table).stderr
    assert "fitted in an earlier run, and kept: kernel" in compare(table).stderr
    assert "earlier run" not in compare(table, "--no-cache").stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["--group", "who"],
        ["--group", "a", "--time", "b"],
        ["--folds", "1"],
        ["--repeats", "0"],
        ["--interval", "bayes"],
        ["--timeout", "0"],
        ["--jobs", "0"],
        ["--cache", "table.csv"],
    ],
)
def test_protocols_without_sense_are_refused(refused, table, wrong):
    refused(table, *wrong)
