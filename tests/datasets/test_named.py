import numpy as np
import pytest

from densimeter.datasets import NAMED_DATASETS, load_old_faithful, named_dataset
from densimeter.foundations.errors import SettingError


@pytest.mark.parametrize("dataset", NAMED_DATASETS.values(), ids=lambda d: d.name)
def test_rows_have_the_columns_that_are_named(dataset):
    table = dataset.table(test_fraction=0.5, seed=0)
    assert tuple(table.column_names) == dataset.columns
    assert all(np.isfinite(column.to_numpy()).all() for column in table.columns)


def test_synthetic_tables_leave_a_thousand_rows_for_training():
    ring = named_dataset("ring")
    assert ring.table(ring.default_test_fraction, seed=0).num_rows == 12_500


def test_the_same_seed_draws_the_same_table():
    moons = named_dataset("moons")
    assert moons.table(0.5, seed=3).equals(moons.table(0.5, seed=3))
    assert not moons.table(0.5, seed=3).equals(moons.table(0.5, seed=4))


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, float("nan")])
def test_a_test_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(SettingError, match="test_fraction"):
        named_dataset("ring").table(fraction, seed=0)


def test_old_faithful_is_the_published_table():
    data = load_old_faithful().data
    assert data.shape == (272, 2)
    np.testing.assert_allclose(data.mean(axis=0), [3.4878, 70.8971], atol=1e-4)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(SettingError, match="did you mean 'ring'"):
        named_dataset("rnig")
