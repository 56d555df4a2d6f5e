import gzip
import os
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet

from densimeter.foundations.errors import DataError
from densimeter.tables.readers import read_file, table_of_array


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(60, 2))


def write(rows, path):
    table = pa.table({"a": rows[:, 0], "b": rows[:, 1]})
    match path.suffix:
        case ".csv":
            pd.DataFrame(rows, columns=["a", "b"]).to_csv(path, index=False)
        case ".parquet":
            parquet.write_table(table, path)
        case ".arrow":
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        case ".feather":
            feather.write_feather(table, str(path))
        case ".npy":
            np.save(path, rows)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "feather", "npy"])
def test_every_kind_of_file_gives_the_same_numbers(tmp_path, rows, ending):
    cells = read_file(write(rows, tmp_path / f"table.{ending}")).cells
    np.testing.assert_array_equal(np.column_stack([c.to_numpy() for c in cells.columns]), rows)


def test_an_arrow_stream_is_read_too(tmp_path, rows):
    table = pa.table({"a": rows[:, 0]})
    with pa.OSFile(str(tmp_path / "s.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert read_file(tmp_path / "s.arrow").cells.equals(table)


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "feather", "npy", "csv.gz"])
@pytest.mark.parametrize("content", [b"\x00" * 100, b"PK\x03\x04" * 30, b"\xff\xfe" * 50, bytes(range(256))])
def test_a_file_that_is_not_what_its_ending_says(tmp_path, ending, content):
    path = tmp_path / f"table.{ending}"
    path.write_bytes(content)
    with suppress(DataError):  # any other error is a defect
        read_file(path)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather", "npy", "csv.gz"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_and_corrupt_files_are_refused_or_read(tmp_path, rows, ending, data):
    path = tmp_path / f"table.{ending}"
    if ending == "csv.gz":
        path.write_bytes(gzip.compress(b"a,b\n" + b"1.5,2.25\n" * 50))
    else:
        write(rows, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(DataError):  # any other error is a defect
        read_file(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("table.xlsx", "'.xlsx'"),
        ("table", "''"),
        ("table.parquet.gz", "'.parquet.gz'"),
    ],
)
def test_unknown_endings_are_refused(tmp_path, name, reason):
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=f"ending {reason}"):
        read_file(tmp_path / name)


def test_a_missing_file_is_answered_with_its_nearest_neighbour(tmp_path):
    (tmp_path / "measurements.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"did you mean 'measurements\.csv'"):
        read_file(tmp_path / "mesurements.csv")


def test_folders_devices_and_pipes_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for path, reason in [
        (tmp_path, "is a folder"),
        (tmp_path / "pipe.csv", "no ordinary file"),
        (type(tmp_path)("/dev/zero"), "no ordinary file"),
        (type(tmp_path)("/dev/stdin"), "no ordinary file"),
    ]:
        with pytest.raises(DataError, match=reason):
            read_file(path)


@pytest.mark.parametrize("name", ["x" * 5000 + ".csv", "a\0b.csv"])
def test_impossible_names_are_refused(tmp_path, name):
    with pytest.raises(DataError):
        read_file(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n")
    path.chmod(0)
    with pytest.raises(DataError, match="permission"):
        read_file(path)


def test_failing_disks_are_told_as_data_errors(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n")
    monkeypatch.setattr(
        "densimeter.tables.dialect.open_bytes", lambda _: (_ for _ in ()).throw(PermissionError("no"))
    )
    with pytest.raises(DataError, match="cannot be read") as caught:
        read_file(path)
    assert caught.value.advice == "check its permissions"


@pytest.mark.parametrize("content", ["", "\n\n\n", "a,b\n"])
def test_files_without_rows_are_refused(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=r"is empty|holds no rows"):
        read_file(path)


def test_folder_names_are_no_columns(tmp_path, rows):
    folder = tmp_path / "year=2020"
    folder.mkdir()
    assert read_file(write(rows, folder / "table.parquet")).cells.column_names == ["a", "b"]


def test_a_stored_index_is_no_column(tmp_path, rows):
    frame = pd.DataFrame(rows, columns=["a", "b"], index=np.arange(60) * 7)
    frame.to_parquet(tmp_path / "table.parquet")
    raw = read_file(tmp_path / "table.parquet")
    assert raw.cells.column_names == ["a", "b"]
    assert "index" in raw.notes[0].text


class Explosive:
    """Opening a file must not run what is in it."""

    def __reduce__(self):
        return (os.mkdir, ("exploded",))


def test_pickled_objects_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("table.npy", np.array([Explosive()], object), allow_pickle=True)
    with pytest.raises(DataError, match="objects"):
        read_file(type(tmp_path)("table.npy"))
    assert not (tmp_path / "exploded").exists()


def test_a_header_that_promises_too_much_allocates_nothing(tmp_path, rows):
    path = write(rows, tmp_path / "table.npy")
    content = path.read_bytes()
    promise = content[:127].replace(b"(60, 2)", b"(6000000000000, 2)").rstrip().ljust(127) + b"\n"
    assert len(promise) == 128
    path.write_bytes(promise + content[128:])
    with pytest.raises(DataError):
        read_file(path)


@pytest.mark.parametrize("shape", [(), (3, 3, 3), (0, 3), (3, 0), (0,)])
def test_arrays_that_are_no_table(tmp_path, shape):
    np.save(tmp_path / "table.npy", np.zeros(shape))
    with pytest.raises(DataError, match="no table"):
        read_file(tmp_path / "table.npy")


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "f2", "i1", "u2", ">i4", "<i8", ">u8"])
def test_arrays_of_every_real_type(dtype):
    numbers = np.array([[1, 2], [3, 4], [5, 6]], dtype)
    table = table_of_array(np.asfortranarray(numbers))
    assert table.column_names == ["x0", "x1"]
    np.testing.assert_array_equal(np.column_stack([c.to_numpy() for c in table.columns]), numbers)


@pytest.mark.parametrize(
    "array", [np.array([1j]), np.array(["a"]), np.array([True]), np.zeros(3, "f8,i4"), np.array([{}])]
)
def test_arrays_that_are_no_real_numbers(array):
    with pytest.raises(DataError, match="real numbers"):
        table_of_array(array)


def test_objects_that_are_numbers_and_masked_cells():
    assert table_of_array(np.array([[1, 2.5]], object))["x1"].to_pylist() == [2.5]
    masked = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    assert table_of_array(masked)["x1"].to_pylist() == [None, 4.0]


HOSTILE = ["height\n(cm)", "a\x1b[31m", "b\t\u202ec"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
def test_control_characters_in_names_are_repaired_and_said(tmp_path, ending):
    """And the same in pieces, as `score` reads, so that a model finds its columns again."""
    from densimeter.tables.batches import stream_rows

    path = tmp_path / f"t.{ending}"
    rows = np.random.default_rng(0).normal(size=(5, 3))
    frame = pd.DataFrame(rows, columns=HOSTILE)
    {"csv": lambda: frame.to_csv(path, index=False), "parquet": lambda: frame.to_parquet(path),
     "arrow": lambda: frame.to_feather(path)}[ending]()  # fmt: skip
    raw = read_file(path)
    names = ["height (cm)", "a\ufffd[31m", "b \ufffdc"]
    assert raw.cells.column_names == names
    assert sum("holds no control characters" in note.text for note in raw.notes) == 3
    assert all(note.text.isprintable() for note in raw.notes)
    np.testing.assert_allclose(np.concatenate(list(stream_rows(path, names, 3))), rows, rtol=1e-15)
