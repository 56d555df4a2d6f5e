import numpy as np
import pytest

from densimeter.storage.plain import Count, Flag, Forgotten, Listing, Number, Seed, Text, Word
from densimeter.storage.record import Record, UnfitError

ALLOWED = [
    (Number(), 0.1, 0.1),
    (Number(), np.float32(0.5), 0.5),
    (Number(), 7, 7),
    (Number(at_least=0, at_most=1), 1, 1),
    (Count(), np.int64(3), 3),
    (Flag(), np.bool_(True), True),
    (Seed(), 3, 3),
    (Seed(), None, None),
    (Seed(), np.random.default_rng(0), None),
    (Seed(), np.random.RandomState(0), None),
    (Forgotten(), "/home/me/run", None),
    (Text(), "größe", "größe"),
    (Word(["a", "b"]), np.str_("a"), "a"),
    (Listing(Count()), [1, 2], (1, 2)),
    (Listing(Text()), np.array(["a", "b"], object), ("a", "b")),
]


@pytest.mark.parametrize(("field", "value", "expected"), ALLOWED)
def test_what_is_allowed_comes_back_in_plain_types(field, value, expected):
    record = Record()
    field.put(record, "name", value)
    found = field.take(record, "name")
    assert found == expected
    assert type(found) is type(expected)
    record.check_empty()


REFUSED = [
    *[(Number(), value) for value in (True, "1", None, np.nan, np.inf, 1j, 2**63)],
    (Number(above=0), 0),
    (Number(below=1), 1),
    (Number(at_most=1), 1.1),
    *[(Count(), value) for value in (1.0, True, -1, 2**63, "1")],
    *[(Flag(), value) for value in (0, 1, None, "true")],
    *[(Seed(), value) for value in (0.5, -1, "0")],
    *[(Text(), value) for value in (1, None, "\ud800", "x" * 10_001)],
    *[(Word(["a"]), value) for value in ("b", "", None, ["a"])],
    *[(Listing(Count()), value) for value in ([1, "2"], "12", 1, {1: 2}, [0] * 100_001)],
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_what_is_not_is_refused_both_ways(field, value):
    with pytest.raises(UnfitError, match="name"):
        field.put(Record(), "name", value)
    with pytest.raises(UnfitError, match="name"):
        field.take(Record({"name": value}), "name")


def test_a_record_tells_what_is_missing_and_what_is_left():
    with pytest.raises(UnfitError, match="name is missing"):
        Count().take(Record(), "name")
    with pytest.raises(UnfitError, match="'more' is not known"):
        Record({"more": 1}).check_empty()


def test_what_is_forgotten_may_not_stand_in_a_file():
    with pytest.raises(UnfitError, match="not kept"):
        Forgotten().take(Record({"name": "/somewhere"}), "name")
