"""Text files as people and instruments write them; the numbers that made the text are the reference."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from densimeter.foundations.errors import DataError
from densimeter.tables import load_table
from densimeter.tables.batches import stream_rows

PRICES = np.arange(960.0, 1060.0)
ROWS = np.random.default_rng(0).normal(size=(20, 2))
BODY = "a,b\n" + "".join(f"{x!r},{y!r}\n" for x, y in ROWS.tolist())


def written(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def assert_read(path, rows, names):
    """All at once and in pieces."""
    table = load_table(path)
    assert table.columns == names
    np.testing.assert_allclose(table.rows, rows, rtol=1e-15)
    np.testing.assert_allclose(np.concatenate(list(stream_rows(path, names, len(names)))), rows, rtol=1e-15)
    return [note.text for note in table.notes]


@pytest.mark.parametrize("mark", [",", ".", " ", "'", "\u00a0", "\u202f", "\u2019", "\u2009"])
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_thousands_are_told_from_fractions_by_the_whole_column(tmp_path, mark, delimiter):
    lines = [f"{p:,}".replace(",", mark) + f"{delimiter}{p % 7}" for p in PRICES.astype(int)]
    path = written(tmp_path, "\n".join([f"price{delimiter}qty", *lines]) + "\n")
    notes = assert_read(path, np.column_stack([PRICES, PRICES % 7]), ("price", "qty"))
    assert any(note.startswith(f"'price': {mark!r} parts thousands") for note in notes)


def test_thousands_with_fractions_of_either_mark(tmp_path):
    numbers = np.round(np.geomspace(0.25, 4e6, 40), 2)
    english = [f"{x:,.2f}" for x in numbers]
    german = [x.translate(str.maketrans(",.", ".,")) for x in english]
    for words in (english, german):
        path = written(tmp_path, "x;i\n" + "".join(f"{x};{i}\n" for i, x in enumerate([*words])))
        np.testing.assert_array_equal(load_table(path, None).rows[:, 0], numbers)


def test_quoted_thousands_between_commas(tmp_path):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [("n", "x"), *((f"{n:,}", i * i / 8) for i, n in enumerate(PRICES.astype(int)))]
    )
    path = written(tmp_path, text.getvalue())
    expected = pd.read_csv(path, thousands=",").to_numpy(float)
    assert_read(path, expected, ("n", "x"))


def test_one_column_with_decimal_commas_makes_the_points_of_another_thousands(tmp_path):
    lines = [f"{p:,}".replace(",", ".") + f";{p % 7},5" for p in PRICES.astype(int)]
    path = written(tmp_path, "price;qty\n" + "\n".join(lines))
    assert_read(path, np.column_stack([PRICES, PRICES % 7 + 0.5]), ("price", "qty"))


def test_marks_that_cannot_part_thousands_part_fractions(tmp_path):
    lines = [f"{1000 + i},{i:03d}\t{i * i},250" for i in range(30)]
    path = written(tmp_path, "a\tb\n" + "\n".join(lines), "t.tsv")
    i = np.arange(30)
    assert_read(path, np.column_stack([1000 + i + i / 1000, i * i + 0.25]), ("a", "b"))


@pytest.mark.parametrize("decimals", [1, 2, 3, 4])
def test_ordinary_fractions_stay_fractions(tmp_path, decimals):
    rows = np.round(np.random.default_rng(1).uniform(1, 999, size=(50, 2)), decimals)
    path = written(tmp_path, "a,b\n" + "".join(f"{x!r},{y:.{decimals}f}\n" for x, y in rows.tolist()))
    assert_read(path, rows, ("a", "b"))


def test_a_fraction_of_three_digits_between_semicolons_is_told(tmp_path):
    path = written(tmp_path, "a;b\n" + "".join(f"{i},{i:03d};{i * i}\n" for i in range(100, 150)))
    table = load_table(path)
    np.testing.assert_allclose(table.rows[:, 0], [i + i / 1000 for i in range(100, 150)])
    assert any("three digits follow" in note.text and "'a'" in note.text for note in table.notes)


FRAMES = {
    "savetxt": ("# a,b\n" + BODY.split("\n", 1)[1], None),
    "comments above": ("# station 7\n# units: mm, s\n" + BODY, "2 comment lines"),
    "percent signs": ("% made by hand\n" + BODY, "1 comment line "),
    "slashes": (BODY + "// that was all\n", "1 comment line "),
    "comment between": (BODY.replace("\n", "\n# here\n", 3), "3 comment lines"),
    "separator": ("sep=;\n" + BODY.replace(",", ";"), "announces the delimiter ';'"),
    "quoted separator": ('"sep=|"\r\n' + BODY.replace(",", "|"), "announces the delimiter '|'"),
    "title": ("Monthly report\n\n" + BODY, "line 1 left out: a title, 'Monthly report'"),
    "two titles": ("Monthly report\nof May\n" + BODY, "line 2 left out: a title"),
    "units": (BODY.replace("\n", "\n[mm],[s]\n", 1), "line 2 left out: '[mm], [s]' are units"),
    "plain units": (BODY.replace("\n", "\nmm,s\n", 1), "line 2 left out: 'mm, s' are units"),
    "byte-order mark": ("\ufeff# x\n" + BODY, "1 comment line "),
    "carriage returns": ("# x\n" + BODY.replace("\n", "\r"), None),
    "blank lines": ("\n\n" + BODY.replace("\n", "\n\n"), None),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("case", FRAMES)
def test_lines_that_are_no_rows_are_left_out_and_told(tmp_path, case, end):
    text, told = FRAMES[case]
    text = text if "\r" in text else text.replace("\n", end)
    notes = assert_read(written(tmp_path, text), ROWS, ("a", "b"))
    assert told is None or any(told in note for note in notes)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_comments_in_other_encodings(tmp_path, encoding):
    path = written(tmp_path, ("# größe\n" + BODY + "# ende ü\n").encode(encoding))
    assert_read(path, ROWS, ("a", "b"))


def test_savetxt_with_blanks(tmp_path):
    path = tmp_path / "t.txt"
    np.savetxt(path, ROWS, header="a b", fmt="%.17g")
    assert_read(path, ROWS, ("a", "b"))


def test_a_comment_far_below_is_left_out(tmp_path):
    i = np.arange(40_000.0)
    path = written(tmp_path, "a,b\n" + "".join(f"{k!r},{k * k / 7!r}\n" for k in i.tolist()) + "# end\n")
    assert_read(path, np.column_stack([i, i * i / 7]), ("a", "b"))


def test_words_that_begin_with_a_mark_are_rows(tmp_path):
    from densimeter.tables.readers import read_file

    path = written(tmp_path, "colour,x\n#ff0000,1.5\n#N/A,2.5\n#00ff00,4\n")
    assert read_file(path).cells["x"].to_pylist() == [1.5, 2.5, 4.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n1.5\n\n2.5\n\n3.25\n", [1.5, None, 2.5, None, 3.25]),
        ('a\n1.5\n""\n2.5\n""\n3.25\n', [1.5, None, 2.5, None, 3.25]),
        ("a\n\n1.5\n2.5\n", [None, 1.5, 2.5]),
        ("a\n1.5\n\n2.5\n\n", [1.5, None, 2.5, None]),
        ("\n\na\n1.5\n2.5\n\n\n", [1.5, 2.5]),
        ("a\r\n1.5\r\n\r\n2.5\r\n", [1.5, None, 2.5]),
        ("1.5\n\n2.5\n", [1.5, None, 2.5]),
    ],
)
def test_empty_lines_of_a_single_column_keep_their_places(tmp_path, text, expected):
    from densimeter.tables.readers import read_file

    path = written(tmp_path, text)
    raw = read_file(path)
    assert raw.cells.column(0).to_pylist() == expected
    pieces = np.concatenate(list(stream_rows(path, raw.cells.column_names, 1)))[:, 0]
    np.testing.assert_array_equal(pieces, np.array(expected, float))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n2,x\n3,4\n", "'b' holds a cell that is no number, the first 'x' in row 2"),
        ("a;b\n" + "".join(f"{i},5;{i}\n" for i in range(20_000)) + "1.25;3\n", "'1.25' in row 20,001"),
        ("a,b\n1,2\n3,12%\n", "'12%' in row 2"),
        ("a,b\n1,2\n3,$5\n", "'\\$5' in row 2"),
        ("a,b\n1,2.5\n3,0x1F\n", "'0x1F' in row 2"),
        ("# c\na,b\n1,2\n\n2,x\n", "'x' in row 2"),
        ("# c\na,b\n1,2\n3,4\n5\n", "line 5 of .*row 3.* has 1 cell where 2 are expected: '5'"),
        ("a,b\n1,2\n3,4\nTotal\n", "line 4 of .*row 3.* has 1 cell"),
        ("a\n1,5\n2,5\n", "line 2 of .*row 1.* has 2 cells where 1"),
    ],
)
def test_errors_name_the_cell_and_the_row_all_at_once_and_in_pieces(tmp_path, text, told):
    path = written(tmp_path, text)
    with pytest.raises(DataError, match=told):
        load_table(path)
    with pytest.raises(DataError, match=told):
        list(stream_rows(path, None, 2))


def test_numbers_of_every_spelling(tmp_path):
    words = ["1e5", "+3", ".5", "-.25", "1E-3", "5.", "\u22122", " 7 ", "+1e+2"]
    path = written(tmp_path, "i,x\n" + "".join(f"{i * i},{word}\n" for i, word in enumerate(words)))
    np.testing.assert_array_equal(load_table(path).rows[:, 1], [1e5, 3, 0.5, -0.25, 1e-3, 5, -2, 7, 100])
