"""Component selection against direct computation and known truths."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from densimeter.foundations.errors import SettingError
from densimeter.mixture import GaussianMixture, select_components


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    return np.array([[-6.0, 0], [6, 0], [0, 9]])[rng.integers(3, size=600)] + rng.standard_normal((600, 2))


@pytest.mark.parametrize("criterion", ["bic", "icl", "held-out"])
def test_finds_three_separated_components(blobs, criterion):
    selection = select_components(blobs, 6, criterion, random_state=0)
    assert selection.n_components == 3
    assert [c.n_components for c in selection.candidates] == [1, 2, 3, 4, 5, 6]
    assert selection.best.criterion == min(c.criterion for c in selection.candidates)


def test_padding_changes_nothing(blobs):
    plain = GaussianMixture(3, random_state=5, n_init=2).fit(blobs)
    padded = GaussianMixture(3, random_state=5, n_init=2)._fit(blobs, None, capacity=7)
    assert_allclose(padded.means_, plain.means_, rtol=1e-10)
    assert_allclose(padded.covariances_, plain.covariances_, rtol=1e-10)
    assert padded.n_iter_ == plain.n_iter_


def test_chooses_between_families(blobs):
    selection = select_components(blobs, [2, 3], covariance_type=["full", "spherical"], random_state=0)
    assert selection.best.covariance_type == "spherical"
    assert len(selection.to_frame()) == 4


def test_wrong_words_are_told(blobs):
    with pytest.raises(SettingError, match="did you mean 'bic'"):
        select_components(blobs, 3, "bicc")
    with pytest.raises(SettingError):
        select_components(blobs, [])
