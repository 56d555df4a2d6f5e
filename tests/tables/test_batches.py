import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from densimeter.foundations.errors import DataError
from densimeter.tables import batches, load_table
from densimeter.tables.batches import stream_rows

ROWS = np.random.default_rng(0).normal(size=(1000, 3))
NAMES = ["a", "b", "c"]


def write(path, frame):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        np.save(path, frame.to_numpy())
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.npy"])
def test_the_blocks_together_are_the_table(name, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MOST_CELLS", 300)
    path = tmp_path / name
    frame = pd.DataFrame(ROWS, columns=NAMES)
    if name.endswith("gz"):
        frame.to_csv(path, index=False)
    else:
        write(path, frame)
    blocks = list(stream_rows(path, None, 3))
    assert [len(block) for block in blocks] == [100] * 10
    np.testing.assert_array_equal(np.concatenate(blocks), load_table(path).rows)


def text(delimiter=",", header="a,b,c", point="."):
    lines = [header.replace(",", delimiter)] if header else []
    lines += [delimiter.join(repr(x).replace(".", point) for x in row) for row in ROWS[:50].tolist()]
    return "\n".join(lines) + "\n"


SPELLINGS = {
    "bom": b"\xef\xbb\xbf" + text().encode(),
    "crlf": text().replace("\n", "\r\n").encode(),
    "utf-16": text().encode("utf-16"),
    "latin-1": text(header="a,b,größe").encode("latin-1"),
    "decimal commas": text(";", point=",").encode(),
    "decimal commas without header": text(";", header=None, point=",").encode(),
    "tabs": text("\t").encode(),
    "blanks": text("   ").encode(),
    "no header": text(header=None).encode(),
    "blank lines": b"\n\n" + text().replace("\n", "\n\n").encode(),
    "blanks about names": text(header=" a , b,c ").encode(),
    "nameless": text(header="a,,c").encode(),
    "quotes": pd.DataFrame(ROWS[:50], columns=NAMES).to_csv(index=False, quoting=1).encode(),
    "line ends in names": text(header='"a\nfirst",b,c').encode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_file_is_read_as_when_it_is_read_at_once(spelling, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(SPELLINGS[spelling])
    whole = load_table(path)
    np.testing.assert_array_equal(np.concatenate(list(stream_rows(path, whole.columns, 3))), whole.rows)


def test_row_numbers_without_a_name_are_no_hindrance(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame(ROWS, columns=NAMES).to_csv(path)
    np.testing.assert_array_equal(np.concatenate(list(stream_rows(path, NAMES, 3))), ROWS)


def test_columns_come_in_the_order_wanted_whatever_stands_beside_them(tmp_path):
    frame = pd.DataFrame(ROWS, columns=NAMES).assign(text="x", date=pd.Timestamp("2024-01-01"))
    for path in (write(tmp_path / "t.csv", frame), write(tmp_path / "t.parquet", frame)):
        np.testing.assert_array_equal(np.concatenate(list(stream_rows(path, ["c", "a"], 2))), ROWS[:, [2, 0]])
    table = pa.Table.from_pandas(frame)
    np.testing.assert_array_equal(np.concatenate(list(stream_rows(table, ["c", "a"], 2))), ROWS[:, [2, 0]])


def test_every_spelling_of_a_missing_cell_is_one_also_beyond_the_first_block(tmp_path):
    cells = [*["1.5"] * 200_000, "NA", "", "nan", "?", "inf", "7"]
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{cell},0.5\n" for cell in cells))
    found = np.concatenate(list(stream_rows(path, ["a"], 1)))[-6:, 0]
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, np.nan, np.inf, 7.0])


def test_whole_numbers_that_turn_into_fractions_later_are_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "1\n" * 1_000_000 + "2.5\n")
    assert np.concatenate(list(stream_rows(path, None, 1)))[-1, 0] == 2.5


def test_a_long_file_is_never_in_memory(tmp_path):
    path = tmp_path / "t.parquet"
    schema = pa.schema([("a", pa.float64()), ("b", pa.float64())])
    with parquet.ParquetWriter(path, schema) as writer:
        for _ in range(40):
            columns = np.random.default_rng(0).normal(size=(2, 100_000))
            writer.write_table(pa.table(list(columns), schema=schema))
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    n_rows, arrow = 0, 0
    for block in stream_rows(path, ["a", "b"], 2):
        n_rows += len(block)
        arrow = max(arrow, pa.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_rows == 4_000_000
    assert arrow < 2**24  # of 64 MB
    assert peak < 6 * 8 * batches.MOST_CELLS


BAD = {
    "text": ("a\n1\nx\n", "'x'"),
    "ragged": ("a,b\n1,2\n3\n", "line 3 of .*row 2.* has 1 cell where 2"),
    "no rows": ("a\n", "holds no rows"),
    "blank": ("\n\n", "holds no rows"),
    "repeated": ("a,a\n1,2\n", "two columns called 'a'"),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_hold_no_such_rows_are_refused(case, tmp_path):
    text, reason = BAD[case]
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=reason):
        list(stream_rows(path, None, 1))


def test_columns_of_another_kind_are_named(tmp_path):
    path = write(tmp_path / "t.parquet", pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]}))
    with pytest.raises(DataError, match="'a' holds text"):
        list(stream_rows(path, ["a", "b"], 2))
    with pytest.raises(DataError, match="the model has 3 columns"):
        list(stream_rows(path, None, 3))


@pytest.mark.parametrize("name", ["t.parquet", "t.npy", "t.arrow"])
def test_damaged_files_are_refused(name, tmp_path):
    path = tmp_path / name
    if name == "t.arrow":
        table = pa.table(dict(zip(NAMES, ROWS.T, strict=True)))
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    else:
        write(path, pd.DataFrame(ROWS, columns=NAMES))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="cannot be read"):
        list(stream_rows(path, None, 3))


def test_a_file_that_grows_meanwhile_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MOST_CELLS", 300)
    path = write(tmp_path / "t.csv", pd.DataFrame(ROWS, columns=NAMES))
    blocks = stream_rows(path, NAMES, 3)
    next(blocks)
    with path.open("a") as file:
        file.write("1,2,3\n")
    with pytest.raises(DataError, match="changed while it was read"):
        list(blocks)
