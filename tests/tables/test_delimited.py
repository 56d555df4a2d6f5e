import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from densimeter.foundations.errors import DataError
from densimeter.tables.delimited import read_delimited


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(50, 2))


def text_of(rows, delimiter=",", header="a,b", end="\n"):
    lines = [header.replace(",", delimiter)] if header else []
    return end.join([*lines, *(delimiter.join(map(repr, row)) for row in rows.tolist())]) + end


def read(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_delimited(path)


def assert_holds(raw, rows, names=("a", "b")):
    assert tuple(raw.cells.column_names) == names
    np.testing.assert_array_equal(np.column_stack([c.to_numpy() for c in raw.cells.columns]), rows)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_numbers_survive_to_the_last_bit(tmp_path, rows, delimiter, end):
    assert_holds(read(tmp_path, text_of(rows, delimiter, end=end)), rows)


def test_decimal_commas(tmp_path, rows):
    assert_holds(read(tmp_path, text_of(rows, ";").replace(".", ",")), rows)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings(tmp_path, rows, encoding):
    raw = read(tmp_path, text_of(rows, header="größe,b").encode(encoding))
    assert_holds(raw, rows, ("größe", "b"))


@pytest.mark.parametrize("name", ["table.csv.gz", "TABLE.CSV.GZ"])
def test_compressed(tmp_path, rows, name):
    assert_holds(read(tmp_path, gzip.compress(text_of(rows).encode()), name), rows)


def test_a_missing_header_is_noticed_and_said(tmp_path, rows):
    raw = read(tmp_path, text_of(rows, header=None))
    assert_holds(raw, rows, ("x0", "x1"))
    assert "x0 to x1" in raw.notes[0].text


def test_columns_parted_by_runs_of_blanks(tmp_path, rows):
    path = tmp_path / "table.txt"
    np.savetxt(path, rows, fmt="%25.17g", delimiter="   ")
    assert_holds(read_delimited(path), rows, ("x0", "x1"))


def test_trailing_delimiters_make_no_column(tmp_path, rows):
    raw = read(tmp_path, text_of(rows).replace("\n", ",\n"))
    assert_holds(raw, rows)
    assert "empty" in raw.notes[0].text


@pytest.mark.parametrize("start", [0, 1])
def test_the_index_of_a_frame_is_no_column(tmp_path, rows, start):
    frame = pd.DataFrame(rows, columns=["a", "b"], index=range(start, start + len(rows)))
    raw = read(tmp_path, frame.to_csv())
    assert_holds(raw, rows)
    assert "numbers the rows" in raw.notes[0].text


def test_a_nameless_column_of_data_is_kept(tmp_path, rows):
    assert_holds(read(tmp_path, text_of(rows, header=",b")), rows, ("x0", "b"))


def test_quoted_cells_may_hold_delimiters_and_line_ends(tmp_path):
    many = 60_000  # more than one block, so that a line end in quotes may fall anywhere
    content = 'n,"a, b"\n' + "".join(f'"line {i}\nnext; {i}",{i}.5\n' for i in range(many))
    raw = read(tmp_path, content)
    assert raw.cells.column_names == ["n", "a, b"]
    assert raw.cells.num_rows == many
    np.testing.assert_array_equal(raw.cells["a, b"].to_numpy(), np.arange(many) + 0.5)


@pytest.mark.parametrize(
    ("cell", "kind"), [("1.5", pa.float64()), ("", pa.int64()), ("NA", pa.int64()), ("oops", pa.string())]
)
def test_a_cell_after_megabytes_of_whole_numbers_is_not_lost(tmp_path, cell, kind):
    raw = read(tmp_path, "a,b\n" + "123456,7\n" * 300_000 + f"{cell},8\n")
    assert raw.cells["a"].type == kind
    assert raw.cells.num_rows == 300_001


def test_a_column_that_is_empty_for_megabytes_is_read(tmp_path):
    raw = read(tmp_path, "a,b\n" + ",1234567\n" * 300_000 + "2.5,8\n")
    assert raw.cells["a"].to_pylist()[-1] == 2.5


def test_a_stray_byte_spoils_only_its_cell(tmp_path):
    raw = read(tmp_path, b"a,b\n" + b"123456,7\n" * 200_000 + b"\xe4,8\n")
    assert raw.cells["b"].type == pa.int64()


def test_rows_of_unequal_length_are_refused_with_their_number(tmp_path, rows):
    with pytest.raises(DataError, match=r"line 52 of .* \(row 51\) has 3 cells where 2 are expected"):
        read(tmp_path, text_of(rows) + "1,2,3\n")


def test_two_columns_of_one_name_are_refused(tmp_path, rows):
    with pytest.raises(DataError, match="two columns called 'a'"):
        read(tmp_path, text_of(rows, header="a, a"))


def test_blank_lines_are_no_rows(tmp_path, rows):
    assert_holds(read(tmp_path, "\n\n" + text_of(rows).replace("\n", "\n\n")), rows)
