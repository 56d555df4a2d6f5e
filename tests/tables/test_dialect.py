import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.tables.dialect import dialect_of


def written(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "delimiter", "header", "decimal_point"),
    [
        ("a,b\n1.5,2\n", ",", ("a", "b"), "."),
        ("a;b\n1,5;2\n", ";", ("a", "b"), ","),
        ("a;b\n1.5;2\n", ";", ("a", "b"), "."),
        ("1,5;2,5;3,5\n4,5;5,5;6,5\n", ";", None, ","),
        ("a;b\n1;2\n3;4,5\n", ";", ("a", "b"), ","),
        ("a\tb\n1,25\t2\n", "\t", ("a", "b"), ","),
        ("a\tb\n1,250\t2\n", "\t", ("a", "b"), "."),  # a thousand or one and a quarter: left to be refused
        ("a;b\n1,250;2\n", ";", ("a", "b"), ","),
        ("a;b\n1,25;2.5\n", ";", ("a", "b"), "."),
        ("a|b\n1|2\n", "|", ("a", "b"), "."),
        ("time (s, UTC)\tvalue\n1\t2\n", "\t", ("time (s, UTC)", "value"), "."),
        ('"a,b,c";d\n1;2\n', ";", ("a,b,c", "d"), "."),
        ('"a\nx",b\n1,2\n', ",", ("a\nx", "b"), "."),
        (" a , b \n1,2\n", ",", ("a", "b"), "."),
        ("1 2  3\n 4 5 6\n", None, None, "."),
        ("x y\n1 2\n", None, ("x", "y"), "."),
        ("first name\nJohn Smith\n", ",", ("first name",), "."),
        ("a\n1\n2\n", ",", ("a",), "."),
        ("1.5\n2\n", ",", None, "."),
        ("NA,1\n2,3\n", ",", None, "."),
        ("NA,\n2,3\n", ",", ("NA", ""), "."),
        ("\n\na,b\n1,2\n", ",", ("a", "b"), "."),
    ],
)
def test_dialects_are_recognised(tmp_path, content, delimiter, header, decimal_point):
    dialect = dialect_of(written(tmp_path, content))
    assert (dialect.delimiter, dialect.header, dialect.decimal_point) == (delimiter, header, decimal_point)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"\xef\xbb\xbfa,b\n1,2\n", "utf-8"),
        ("größe,b\n1,2\n".encode("latin-1"), "latin-1"),
        ("größe,b\n1,2\n".encode(), "utf-8"),
        ("größe,b\n1,2\n".encode("utf-16"), "utf-16"),
    ],
)
def test_encodings_are_recognised(tmp_path, content, encoding):
    dialect = dialect_of(written(tmp_path, content))
    assert dialect.encoding == encoding
    assert dialect.header is not None
    assert dialect.header[0] in ("a", "größe")


def test_a_character_cut_by_the_sample_is_still_utf8(tmp_path):
    lead = b"a,b\n" + b"1,2\n" * ((1 << 18) - 1)
    assert len(lead) == 1 << 20
    content = lead[:-2] + "äöü,2\n".encode()
    assert dialect_of(written(tmp_path, content)).encoding == "utf-8"


def test_compressed_files_are_looked_into(tmp_path):
    path = written(tmp_path, gzip.compress(b"a;b\n1,5;2\n"), "table.CSV.GZ")
    assert dialect_of(path).delimiter == ";"


def test_a_file_of_blank_lines_has_no_columns(tmp_path):
    assert dialect_of(written(tmp_path, "\n\n  \n")).n_columns <= 1


@given(
    st.sampled_from(",;\t|"),
    st.lists(
        st.tuples(*[st.floats(-1e6, 1e6).map(lambda x: f"{x:.6f}")] * 3), min_size=2, max_size=10, unique=True
    ),
)
def test_tables_of_numbers_keep_their_delimiter_and_shape(tmp_path_factory, delimiter, rows):
    content = delimiter.join("abc") + "\n"
    content += "\n".join(delimiter.join(row) for row in rows)
    dialect = dialect_of(written(tmp_path_factory.mktemp("dialect"), content))
    assert dialect.delimiter == delimiter
    assert dialect.header == ("a", "b", "c")
