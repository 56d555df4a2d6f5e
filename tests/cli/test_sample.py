import numpy as np
import pandas as pd
import pytest
from scipy import stats

import densimeter as dm
from densimeter.evaluation import streaming


def read(path):
    if path.suffix == ".npy":
        return pd.DataFrame(np.load(path), columns=["a", "b"])
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".npy"])
def test_rows_come_under_the_names_of_the_model(densimeter, model, folder, ending, monkeypatch):
    monkeypatch.setattr(streaming, "ROWS_AT_ONCE", 300)
    result = densimeter("sample", model, "-n", 1000, "--out", f"rows{ending}")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"1,000 rows: rows{ending}\n"
    frame = read(folder / f"rows{ending}")
    assert list(frame.columns) == ["a", "b"]
    assert frame.shape == (1000, 2)
    reference = dm.load(folder / model).sample(4000, random_state=5)[0]
    for column, values in zip(["a", "b"], reference.T, strict=True):
        assert stats.ks_2samp(frame[column], values).pvalue > 1e-3


def test_the_same_seed_gives_the_same_rows_to_the_last_digit(densimeter, model, folder):
    for out, seed in [("one.csv", 1), ("two.csv", 1), ("three.npy", 1), ("other.csv", 2)]:
        assert densimeter("sample", model, "--out", out, "--seed", seed, "-n", 50).exit_code == 0
    assert (folder / "one.csv").read_bytes() == (folder / "two.csv").read_bytes()
    assert (folder / "one.csv").read_bytes() != (folder / "other.csv").read_bytes()
    np.testing.assert_array_equal(read(folder / "one.csv").to_numpy(), np.load(folder / "three.npy"))


def test_names_with_commas_and_models_without_names(densimeter, folder, rows):
    dm.save(dm.KernelDensity(0.5).fit(rows), folder / "m.dm", columns=['a, "b"', "größe"])
    assert densimeter("sample", "m.dm", "-n", 3, "--out", "rows.csv").exit_code == 0
    assert list(pd.read_csv(folder / "rows.csv").columns) == ['a, "b"', "größe"]
    dm.save(dm.KernelDensity(0.5).fit(rows), folder / "m.dm")
    assert densimeter("sample", "m.dm", "-n", 3, "--out", "rows.csv").exit_code == 0
    assert list(pd.read_csv(folder / "rows.csv").columns) == ["x0", "x1"]


def test_wrong_use_is_told(refused_use, densimeter, model, folder, rows):
    assert "the ending '.txt'" in refused_use("sample", model, "--out", "rows.txt")[0]
    assert "is the model itself" in refused_use("sample", rename(folder, model), "--out", "model.csv")[0]
    assert "there is no folder" in refused_use("sample", "model.csv", "--out", "no/rows.csv")[0]
    assert densimeter("sample", model, "--out", "rows.csv", "-n", 0).exit_code == 2


def rename(folder, model):
    (folder / model).rename(folder / "model.csv")
    return "model.csv"


def test_a_model_that_keeps_no_rows_cannot_be_drawn_from(densimeter, folder, rows):
    dm.save(dm.KernelDensity(1.0).partial_fit(rows), folder / "m.dm")
    result = densimeter("sample", "m.dm", "--out", "rows.csv")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "densimeter: sampling needs the rows, which partial_fit does not keep",
        "use fit",
    ]
    assert not (folder / "rows.csv").exists()


def test_an_interrupt_leaves_nothing(densimeter, model, folder, monkeypatch):
    def interrupt(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(dm.GaussianMixture, "sample", interrupt)
    assert densimeter("sample", model, "--out", "rows.csv").exit_code == 130
    assert [path.name for path in folder.iterdir()] == [model]
