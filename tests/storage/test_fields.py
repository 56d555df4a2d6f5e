import numpy as np
import pytest

from densimeter.storage.fields import Array, Either, Group, maybe
from densimeter.storage.plain import Count, Number, Text
from densimeter.storage.record import Record, UnfitError


def there_and_back(field, value):
    record = Record()
    field.put(record, "name", value)
    again = Record(dict(record.values), dict(record.arrays))
    found = field.take(again, "name")
    again.check_empty()
    return found


TABLES = [[[1, 2]], np.ones((3, 2), np.float32), np.zeros((0, 2)), np.ones((1, 2), bool)]


@pytest.mark.parametrize("value", TABLES)
def test_arrays_come_back_in_double_precision(value):
    found = there_and_back(Array((None, 2)), value)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, value)


def test_single_precision_stays_where_it_may():
    assert there_and_back(Array(double=False), np.ones(2, np.float32)).dtype == np.float32


def test_arrays_that_may_be_single_are_all_of_one_type():
    record = Record()
    Array(double=False).put(record, "one", np.ones(2, np.float32))
    with pytest.raises(UnfitError, match="other is of type float64"):
        Array(double=False).put(record, "other", np.ones(2))


def test_a_length_with_a_name_is_the_same_everywhere():
    record = Record()
    Count(length="d").put(record, "d", 2)
    Array(("n", "d")).put(record, "one", np.ones((3, 2)))
    with pytest.raises(UnfitError, match=r"two has shape \(4,\)"):
        Array(("n",)).put(record, "two", np.ones(4))
    with pytest.raises(UnfitError, match=r"three has shape \(3, 3\)"):
        Array((None, "d")).put(record, "three", np.ones((3, 3)))


@pytest.mark.parametrize("value", ["text", [[1], [1, 2]], [None], np.ones(2, complex), object()])
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(UnfitError, match="name is no array"):
        Array().put(Record(), "name", value)


def test_not_finite_numbers_are_refused_unless_allowed():
    with pytest.raises(UnfitError, match="not finite"):
        Array().put(Record(), "name", [np.nan])
    np.testing.assert_array_equal(there_and_back(Array(finite=False), [np.nan, -np.inf]), [np.nan, -np.inf])


EITHER = Either({"number": Number(above=0), "word": Text(), "array": Array(("d",))})


@pytest.mark.parametrize("value", [0.5, "scott", np.array([1.0, 2.0])])
def test_the_first_field_that_allows_a_value_has_it(value):
    np.testing.assert_array_equal(there_and_back(EITHER, value), value)


def test_a_variant_that_does_not_fit_leaves_no_trace():
    record = Record()
    Either({"pair": Array(("d", "d")), "one": Array(("d",))}).put(record, "name", [1.0, 2.0, 3.0])
    assert record.lengths["d"] == 3
    with pytest.raises(UnfitError, match=r"name\.number is no number"):
        EITHER.put(Record(), "name", None)
    with pytest.raises(UnfitError, match="name is none of number"):
        EITHER.take(Record({"name": "code", "name.code": "import os"}), "name")


def test_nothing_and_groups():
    field = maybe(Group({"a": Count(), "b": Array()}))
    assert there_and_back(field, None) is None
    found = there_and_back(field, {"a": 1, "b": [1.0]})
    assert found["a"] == 1
    with pytest.raises(UnfitError, match="no group"):
        field.put(Record(), "name", [1])
