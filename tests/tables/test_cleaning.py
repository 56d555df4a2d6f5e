import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from densimeter.foundations.errors import DataError, SettingError
from densimeter.tables import load_table
from densimeter.tables.cleaning import CleaningRules, clean
from densimeter.tables.table import NoteKind, RawTable, decision


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(200, 2))


def raw(**columns):
    return RawTable(pa.table(columns), "here")


def texts(table, kind):
    return [note.text for note in table.notes if note.kind is kind]


def refusal(source, rules=None):
    with pytest.raises(DataError) as caught:
        clean(source, rules or CleaningRules())
    return caught.value


def test_clean_rows_pass_unchanged(rows):
    table = clean(raw(a=rows[:, 0], b=rows[:, 1]), CleaningRules())
    np.testing.assert_array_equal(table.rows, rows)
    assert (table.columns, table.source, table.notes) == (("a", "b"), "here", ())


def test_notes_of_the_reader_come_first(rows):
    said = decision("the reader decided")
    table = clean(RawTable(pa.table({"a": np.round(rows[:, 0], 1)}), "here", (said,)), CleaningRules())
    assert table.notes[0] == said
    assert len(table.notes) == 2


@pytest.mark.parametrize("option", ["missing", "text"])
def test_unknown_rules_are_refused(option):
    with pytest.raises(SettingError, match=f"{option} has no variant 'maybe'"):
        CleaningRules(**{option: "maybe"})


def test_missing_and_infinite_cells_are_counted_by_column(rows):
    a, b = rows.T.copy()
    a[:3], b[2:4] = np.nan, [np.inf, -np.inf]
    error = refusal(raw(a=a, b=b, c=rows[:, 0]))
    assert error.reason == (
        "4 of 200 rows have cells without a finite number: 'a' has 3 missing; 'b' has 2 infinite"
    )
    assert error.advice == "leave these rows out with --missing drop, or choose with --columns c"
    table = clean(raw(a=a, b=b), CleaningRules(missing="drop"))
    np.testing.assert_array_equal(table.rows, rows[4:])
    assert texts(table, NoteKind.DECISION) == [
        "4 of 200 rows left out: 'a' has 3 missing; 'b' has 2 infinite"
    ]


def test_a_table_without_a_complete_row_is_refused_even_so(rows):
    error = refusal(raw(a=[None] * 200, b=rows[:, 0]), CleaningRules(missing="drop"))
    assert error.reason.startswith("every row has a cell without")
    assert error.advice == "choose with --columns b"


def test_text_is_named_and_left_out_when_told(rows):
    columns = {"a": rows[:, 0], "who": ["x"] * 200, "b": rows[:, 1]}
    error = refusal(raw(**columns))
    assert "'who' holds text, the first 'x' in row 1" in error.reason
    assert error.advice == "choose with --columns a,b, or leave them out with --text drop"
    table = clean(raw(**columns), CleaningRules(text="drop"))
    assert table.columns == ("a", "b")
    assert texts(table, NoteKind.DECISION) == ["column left out: 'who' (text, the first 'x' in row 1)"]
    assert clean(raw(**columns), CleaningRules(columns=["b"])).columns == ("b",)


def test_a_table_of_text_alone_is_refused_whatever_the_rules():
    for text in ("error", "drop"):
        assert "no column is numeric" in refusal(raw(a=["x", "y"]), CleaningRules(text=text)).reason


def test_many_text_columns_still_make_one_line(rows):
    error = refusal(raw(a=rows[:, 0], **{f"t{j}": ["x"] * 200 for j in range(50)}))
    assert error.reason.endswith("and 44 more")
    assert len(error.reason) < 500


def test_constant_columns_are_named(rows):
    error = refusal(raw(a=rows[:, 0], b=[3.0] * 200, c=[0.0, -0.0] * 100))
    assert error.reason.startswith("'b', 'c' are constant")
    assert error.advice == "choose with --columns a"


def test_a_column_that_dropping_rows_makes_constant_is_refused(rows):
    b = np.where(np.arange(200) < 3, 1.0, 2.0)
    a = np.where(np.arange(200) < 3, np.nan, rows[:, 0])
    assert "'b' is constant" in refusal(raw(a=a, b=b), CleaningRules(missing="drop")).reason


@pytest.mark.parametrize(
    ("change", "reason", "advice"),
    [
        (lambda x: x * 1e307, "values of size", "change its unit"),
        (lambda x: x * 1e-307, "values spread over", "change its unit"),
        (lambda x: x * 1e-15 + 3, "differ in their last digits only", "subtract a constant from it"),
        (lambda x: x * 1e200, "values of size", "change its unit"),
    ],
)
def test_values_that_float64_cannot_work_with_are_refused(rows, change, reason, advice):
    error = refusal(raw(a=rows[:, 0], b=change(rows[:, 1])))
    assert error.reason.startswith("'b' holds ")
    assert reason in error.reason
    assert error.advice == f"{advice}, or choose with --columns a"


@pytest.mark.parametrize("scale", [1e-140, 1e140])
def test_values_of_unusual_size_pass(rows, scale):
    table = clean(raw(a=rows[:, 0] * scale), CleaningRules())
    np.testing.assert_array_equal(table.rows[:, 0], rows[:, 0] * scale)


def test_one_row_is_no_sample():
    assert refusal(raw(a=[1.0], b=[2.0])).reason == "one row is no sample"


def test_whole_numbers_beyond_float64_are_warned_of():
    table = clean(raw(a=pa.array([i * 10**17 + i * i for i in range(90)])), CleaningRules())
    assert "beyond 2^53" in texts(table, NoteKind.WARNING)[0]


def test_names_that_are_hard_to_spell_are_not_spelt_out(rows):
    error = refusal(raw(**{"a, b": rows[:, 0], "t": ["x"] * 200}))
    assert error.advice.startswith("choose other columns with --columns")


def test_rounded_columns_are_warned_of_and_spread_when_told(rows):
    rounded = np.round(rows[:, 0], 1)
    source = raw(a=rounded, b=rows[:, 1])
    table = clean(source, CleaningRules())
    (text,) = texts(table, NoteKind.WARNING)
    assert text.startswith("rounded or tied: 'a' takes ")
    assert "0.1 apart" in text
    assert "--dequantize" in text
    spread = clean(source, CleaningRules(dequantize=True), random_state=0)
    assert texts(spread, NoteKind.WARNING) == []
    assert "Add -2.303 nats" in texts(spread, NoteKind.DECISION)[0]
    np.testing.assert_array_equal(spread.originals[:, 0], rounded)
    np.testing.assert_array_equal(spread.rows[:, 1], rows[:, 1])
    assert np.abs(spread.rows[:, 0] - rounded).max() <= 0.05 + 1e-12


def test_the_noise_is_seeded(rows):
    source = raw(a=np.round(rows[:, 0], 1))
    first, again, other = (clean(source, CleaningRules(dequantize=True), seed).rows for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_point_mass_is_warned_of_even_when_spread(rows):
    column = np.where(np.arange(200) < 60, 0.0, rows[:, 0])
    table = clean(raw(a=column), CleaningRules(dequantize=True), random_state=0)
    assert "not evenly spaced" in texts(table, NoteKind.WARNING)[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_repeated_rows_and_continuous_columns_raise_no_alarm(rows, dtype):
    repeated = np.tile(rows.astype(dtype), (5, 1))
    assert clean(raw(a=repeated[:, 0], b=repeated[:, 1]), CleaningRules()).notes == ()


def test_columns_that_others_determine_are_refused_or_left_out():
    a, b = np.random.default_rng(0).normal(size=(2, 50))
    frame = pd.DataFrame({"a": a, "b": b, "c": a + b})
    with pytest.raises(DataError, match=r"c = a \+ b in every row\n.*--redundant drop"):
        load_table(frame)
    table = load_table(frame, CleaningRules(redundant="drop"))
    assert table.columns == ("a", "b")
    assert "c = a + b in every row" in table.notes[0].text


@pytest.mark.parametrize(
    "numbers", [np.arange(40), np.arange(1, 41), np.random.default_rng(0).permutation(40)]
)
def test_columns_that_number_the_rows_are_left_out_unless_chosen(numbers):
    frame = pd.DataFrame({"rownames": numbers, "x": np.random.default_rng(0).normal(size=40), "word": "w"})
    table = load_table(frame, CleaningRules(text="drop"))
    assert table.columns == ("x",)
    assert "'rownames' numbers the rows" in table.notes[0].text
    assert load_table(frame, CleaningRules(columns=["rownames", "x"])).columns == ("rownames", "x")
    with pytest.raises(DataError, match="choose with --columns x, or"):
        load_table(frame)


@pytest.mark.parametrize(("value", "asked"), [(-999.0, True), (9999.0, True), (-1.0, True), (-998.0, False)])
def test_fill_values_are_asked_about(value, asked):
    x = np.random.default_rng(0).uniform(1, 2, size=60)
    x[[3, 9, 17]] = value
    notes = [note.text for note in load_table(pd.DataFrame({"x": x})).notes]
    assert any(f"'x' holds {value:g} in 3 rows" in note for note in notes) == asked
    assert any(f"--na-values {value:g}" in note for note in notes) == asked


def test_numbers_that_mark_missing_cells_are_missing():
    frame = pd.DataFrame({"x": np.linspace(0.1, 7.3, 60) ** 2, "n": [1, 2, 4] * 20})
    frame.loc[[3, 9], "x"], frame.loc[5, "n"] = -999, 9999
    with pytest.raises(DataError, match=r"3 of 60 rows have cells .* 'x' has 2 missing; 'n' has 1 missing"):
        load_table(frame, CleaningRules(na_values=[-999, 9999]))
    table = load_table(frame, CleaningRules(na_values=[-999, 9999], missing="drop"))
    np.testing.assert_array_equal(table.rows, frame.drop([3, 5, 9]))
    assert table.notes[0].text == "cells that hold -999, 9999 are missing: 2 of 'x'; 1 of 'n'"
    assert load_table(frame, CleaningRules(na_values=[-998])).rows.shape == (60, 2)


@pytest.mark.parametrize("na_values", ["-999", -999, [np.nan], ["x"]])
def test_what_is_no_number_marks_no_cell(na_values):
    with pytest.raises(SettingError, match="na_values"):
        CleaningRules(na_values=na_values)
