"""Tables too small or too tied for a choice of base: a result, or an error in two lines."""

import numpy as np
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
