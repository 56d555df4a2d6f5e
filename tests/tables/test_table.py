import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from densimeter.tables import table as tables
from densimeter.tables.table import Note, NoteKind, Table, row_identities

ROWS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(1, 3)),
    elements=st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, 1e300]),
)


def assert_tells_rows_apart(identities, rows):
    same_row = (rows[:, None, :] == rows[None, :, :]).all(axis=2)
    np.testing.assert_array_equal(identities[:, None] == identities[None, :], same_row)


@given(ROWS)
def test_identities_are_equal_for_equal_rows_only(rows):
    assert_tells_rows_apart(row_identities(rows), rows)


@given(ROWS)
def test_rows_that_share_a_hash_are_told_apart(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_hashed", lambda bits: np.zeros(len(bits), np.uint64))
        assert_tells_rows_apart(row_identities(rows), rows)


def test_hashes_do_not_collide_in_practice():
    grid = np.stack(np.meshgrid(np.arange(300.0), np.arange(300.0)), axis=-1).reshape(-1, 2)
    assert len(np.unique(row_identities(grid))) == len(grid)


def test_the_order_of_columns_matters():
    first, second = row_identities(np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert first != second


def test_dequantised_rows_are_told_by_what_they_were():
    rows = np.array([[0.1], [0.2], [0.9]])
    table = Table(rows, ("a",), "here", originals=np.array([[0.0], [0.0], [1.0]]))
    first, second, third = table.identities
    assert first == second != third


def test_notes_print_as_their_text():
    assert str(Note(NoteKind.WARNING, "beware")) == "beware"
    assert Note(NoteKind.WARNING, "beware\nof this").text == "beware of this"


@pytest.mark.parametrize("text", [("of 1024 draws", "use more"), None, 3, "", " \n"])
def test_a_note_is_a_sentence_and_nothing_else(text):
    with pytest.raises(TypeError, match="a note is a sentence"):
        Note(NoteKind.WARNING, text)
