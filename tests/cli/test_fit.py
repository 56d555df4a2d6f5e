import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import densimeter as dm
from densimeter import storage
from densimeter.evaluation import single


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_model_is_kept_and_told_of(densimeter, table, folder, rows):
    result = densimeter("fit", table, "--model", "kernel", "--out", "model.dm", "--seed", 3)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    told = dict(line.split(maxsplit=1) for line in result.stdout.splitlines()[1:])
    assert told["model"].strip() == "kernel"
    assert told["settings"].startswith("bandwidth (")
    assert "nats per row (95 % interval)" in told["validation"]
    assert "120 rows, these and the validation rows" in result.stdout
    found = storage.read(folder / "model.dm")
    assert found.columns == ("a", "b")
    assert found.provenance["source"] == "table.csv"
    assert (found.provenance["rows"], found.provenance["seed"]) == (120, 3)
    assert found.provenance["validation"]["log-likelihood"]["confidence"] == 0.95
    assert names_in(folder) == ["model.dm", "table.csv"]


def test_it_is_the_model_that_python_gives(densimeter, table, folder, rows):
    assert densimeter("fit", table, "--model", "mixture", "--out", "model.dm").exit_code == 0
    fitted = single.fit_one(rows, "mixture", random_state=0).estimator
    expected = fitted.score_samples(rows)
    np.testing.assert_array_equal(dm.load(folder / "model.dm").score_samples(rows), expected)
    np.testing.assert_array_equal(clone(fitted).fit(rows).score_samples(rows), expected)


def test_the_same_seed_gives_the_same_file(densimeter, table, folder):
    for out, seed in [("one.dm", 1), ("two.dm", 1), ("other.dm", 2)]:
        assert densimeter("fit", table, "--model", "kernel", "--out", out, "--seed", seed).exit_code == 0
    assert (folder / "one.dm").read_bytes() == (folder / "two.dm").read_bytes()
    assert (folder / "one.dm").read_bytes() != (folder / "other.dm").read_bytes()


def test_built_in_tables_have_names(densimeter, folder):
    result = densimeter("fit", "faithful", "--model", "kernel", "--out", "model.dm", "--columns", "waiting")
    assert result.exit_code == 0, result.output
    assert "warning: rounded or tied" in result.stderr
    assert storage.read(folder / "model.dm").columns == ("waiting",)
    assert densimeter("fit", "ring", "--model", "kernel", "--out", "ring.dm", "-q").stderr == ""
    assert storage.read(folder / "ring.dm").provenance["rows"] == 1250


def test_rows_and_columns_are_left_out_when_told(densimeter, folder, rows):
    frame = pd.DataFrame({"a": rows[:, 0], "who": "somebody", "b": rows[:, 1]})
    frame.loc[3, "b"] = np.nan
    frame.to_csv(folder / "table.csv", index=False)
    arguments = ["fit", "table.csv", "--model", "kernel", "--out", "model.dm"]
    assert densimeter(*arguments).exit_code == 2
    result = densimeter(*arguments, "--text", "drop", "--missing", "drop")
    assert result.exit_code == 0, result.output
    found = storage.read(folder / "model.dm")
    assert found.columns == ("a", "b")
    assert found.provenance["rows"] == 119
    assert len(found.provenance["notes"]) == 2


WRONG_USE = {
    "unknown model": (["--model", "mixtrue"], "model has no variant 'mixtrue'", "did you mean 'mixture'?"),
    "unknown column": (["--columns", "c"], "there is no column 'c'", "choose from 'a', 'b'"),
    "wrong rule": (["--missing", "maybe"], "missing has no variant", "drop"),
    "wrong confidence": (["--confidence", "2"], "confidence is 2", "below 1"),
    "no folder": (["--out", "nowhere/m.dm"], "there is no folder", "make it first"),
    "the table itself": (["--out", "table.csv"], "is the table itself", "another file"),
    "a device": (["--out", "/dev/full"], "no ordinary file", "write to a file"),
}


@pytest.mark.parametrize("mistake", WRONG_USE)
def test_wrong_use_is_told_in_two_lines(refused_use, table, folder, mistake):
    options, reason, advice = WRONG_USE[mistake]
    before = (folder / table).read_bytes()
    # of an option that is given twice the last one counts
    told = refused_use("fit", table, "--model", "kernel", "--out", "model.dm", *options)
    assert reason in told[0]
    assert advice in told[1]
    assert (folder / table).read_bytes() == before
    assert names_in(folder) == [table]


def test_too_few_rows_are_refused(refused_use, folder):
    (folder / "few.csv").write_text("a,b\n" + "".join(f"{i / 7},{i * i / 3}\n" for i in range(8)))
    reason, _ = refused_use("fit", "few.csv", "--model", "kernel", "--out", "m.dm")
    assert "8 rows leave 6 for training" in reason


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left"), 1)])
def test_an_interrupt_or_a_full_disk_leaves_the_old_file(densimeter, table, folder, monkeypatch, error, code):
    def fail(content):
        raise error

    (folder / "model.dm").write_bytes(b"old")
    monkeypatch.setattr("densimeter.storage.files.pack", fail)
    result = densimeter("fit", table, "--model", "kernel", "--out", "model.dm")
    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 2
    assert (folder / "model.dm").read_bytes() == b"old"
    assert names_in(folder) == ["model.dm", "table.csv"]
