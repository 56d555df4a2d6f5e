import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv

from densimeter.tables.numerals import SPELLINGS_OF_MISSING, is_missing, number_in


@given(st.floats(allow_nan=False))
def test_every_number_is_read_back(number):
    assert number_in(f"  {number!r}\t") == number


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NaN", "null", "None", "?", ".", "-", "<NA>", "#N/A"])
def test_missing_cells_are_nan(text):
    assert is_missing(text)
    assert math.isnan(number_in(text))


@pytest.mark.parametrize(
    "text", ["1_000", "1,5", "12 000", "3.4.5", "oops", "2020-01-01", "0x1F", "1e", "$5", "5%"]
)
def test_what_is_no_number_is_none(text):
    assert number_in(text) is None


def test_spellings_for_arrow_are_all_missing():
    assert all(is_missing(spelling) for spelling in SPELLINGS_OF_MISSING)


def test_arrows_own_spellings_of_missing_are_among_ours():
    assert set(arrow_csv.ConvertOptions().null_values) <= set(SPELLINGS_OF_MISSING)


def test_arrow_agrees_on_missing_cells():
    text = "a,b\n" + "".join(f"{spelling},1\n" for spelling in SPELLINGS_OF_MISSING) + "2.5,1\n"
    options = arrow_csv.ConvertOptions(null_values=SPELLINGS_OF_MISSING, strings_can_be_null=True)
    table = arrow_csv.read_csv(pa.py_buffer(text.encode()), convert_options=options)
    assert np.isnan(table["a"].to_numpy()[:-1].astype(float)).all()
