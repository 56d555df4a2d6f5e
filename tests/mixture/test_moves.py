"""Merge and split moves lead out of the optima that EM cannot leave."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from densimeter.mixture import GaussianMixture
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.families import NO_FLOOR, Parameters
from densimeter.mixture.moves import moved

CENTRES = np.array([[-9.0, 0], [0, 0], [9, 0]])


def misplaced(name):
    """Three clouds; two components share the first, the third has to cover the others."""
    rng = np.random.default_rng(0)
    rows = CENTRES[rng.integers(3, size=600)] + rng.standard_normal((600, 2))
    means = np.array([[-9.5, 0], [-8.5, 0], [4.5, 0]])
    wide = {"full": np.diag([20.0, 1]), "tied": np.diag([5.0, 1]), "diag": np.array([20.0, 1])}
    small = {"full": np.eye(2), "diag": np.ones(2)}
    covariances = {
        "tied": wide["tied"],
        "spherical": np.array([1.0, 1, 10]),
    }.get(name)
    if covariances is None:
        covariances = np.stack([small[name], small[name], wide[name]])
    return rows, Parameters(np.array([1 / 6, 1 / 6, 2 / 3]), means, covariances)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_the_most_promising_move_puts_components_where_they_belong(name):
    rows, mixture = misplaced(name)
    made = moved(FAMILIES[name], rows, rows, np.ones(600), NO_FLOOR, mixture, 5)
    first = Parameters(*(part[0] for part in made))
    assert_allclose(first.weights.sum(), 1)
    assert_allclose(first.means[np.argsort(first.means[:, 0])], CENTRES, atol=0.7)


def test_moves_need_three_components_that_are_proper():
    rows, mixture = misplaced("full")
    family, ones = FAMILIES["full"], np.ones(600)
    pair = Parameters(np.array([0.5, 0.5]), mixture.means[:2], mixture.covariances[:2])
    flat = mixture._replace(covariances=0 * mixture.covariances)
    dead = Parameters(np.array([0.5, 0.5, 0.0]), mixture.means, mixture.covariances)
    for stuck in (pair, flat, dead):
        assert len(moved(family, rows, rows, ones, NO_FLOOR, stuck, 5).weights) == 0


@pytest.mark.parametrize("seed", range(6))
def test_thin_parallel_clouds_are_told_apart(seed):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0], [0, 3], [0, 6]])
    X = centres[rng.integers(3, size=1000)] + rng.standard_normal((1000, 2)) * [12, 0.4]
    model = GaussianMixture(3, random_state=seed).fit(X)
    assert_allclose(np.sort(model.means_[:, 1]), [0, 3, 6], atol=0.2)
