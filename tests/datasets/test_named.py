import numpy as np
import pytest

from densimeter.datasets import NAMED_DATASETS, load_old_faithful, named_dataset
from densimeter.foundations.errors import SettingError


@pytest.mark.parametrize("dataset", NAMED_DATASETS.values(), ids=lambda d: d.name)
def test_rows_have_the_columns_that_are_named(dataset):
    rows = dataset.rows(test_fraction=0.5, random_state=0)
    assert rows.shape[1] == len(dataset.columns)
    assert np.isfinite(rows).all()


def test_synthetic_tables_leave_a_thousand_rows_for_training():
    ring = named_dataset("ring")
    rows = ring.rows(ring.default_test_fraction, random_state=0)
    assert len(rows) == 12_500


def test_old_faithful_is_the_published_table():
    data = load_old_faithful().data
    assert data.shape == (272, 2)
    np.testing.assert_allclose(data.mean(axis=0), [3.4878, 70.8971], atol=1e-4)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(SettingError, match="did you mean 'ring'"):
        named_dataset("rnig")
