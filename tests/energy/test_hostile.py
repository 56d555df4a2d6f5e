"""Tables too small or too tied for a choice of base: a result, or an error in two lines."""

import numpy as np
import pandas as pd
import pytest

from densimeter import EnergyModel
from densimeter.energy.base import fit_gaussian
from densimeter.energy.stacked_base import choose_share
from densimeter.foundations.errors import DataError


@pytest.mark.parametrize("n_rows", [2, 3])
def test_too_few_rows_for_a_choice_are_told(n_rows):
    X = np.random.default_rng(0).normal(size=(n_rows, 2))
    with pytest.raises(DataError, match=f"{n_rows} rows are too few to choose a base on"):
        EnergyModel(random_state=0).fit(X)


def test_rows_tied_throughout_leave_the_kernel_no_share():
    Z = np.repeat([[0.0, 0.0], [1.0, 1.0]], 15, axis=0)
    order = np.random.default_rng(0).permutation(30)
    assert choose_share(Z[order], fit_gaussian)[0] == 0


@pytest.mark.parametrize("base", ["stacked", "mixture", "gaussian"])
def test_a_constant_column_is_told_by_its_name(base):
    X = np.random.default_rng(0).normal(size=(30, 3))
    X[:, 1] = 4
    model = EnergyModel(base=base, random_state=0)
    with pytest.raises(DataError, match=r"^column 'x' is constant: .*\nleave it out$"):
        model.fit(pd.DataFrame(X, columns=["a", "x", "b"]))
    with pytest.raises(DataError, match=r"^column 1 is constant"):
        model.fit(X)


def test_a_column_that_varies_in_rows_of_weight_zero_alone_is_constant():
    X = np.random.default_rng(0).normal(size=(30, 2))
    X[5:, 0] = 4
    with pytest.raises(DataError, match=r"^column 0 is constant"):
        EnergyModel(random_state=0).fit(X, sample_weight=np.arange(30) >= 5)


@pytest.mark.parametrize("d", [1, 3])
def test_rows_that_are_all_equal_are_told(d):
    with pytest.raises(DataError, match=r"^all 30 rows are equal"):
        EnergyModel(random_state=0).fit(np.ones((30, d)))


def test_fewer_rows_than_columns_give_a_density():
    """Of 20 rows of a unit Gaussian in 30 columns: finite, and no better on new rows than the truth."""
    rng = np.random.default_rng(0)
    model = EnergyModel(base="gaussian", hidden=(8,), max_steps=20, random_state=0)
    model.fit(rng.normal(size=(20, 30)))
    score = model.score(rng.normal(size=(500, 30)))
    assert np.isfinite(score)
    assert score < -15 * np.log(2 * np.pi * np.e)
