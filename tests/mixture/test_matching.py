"""Matching components: against SciPy's matrix square root and a permuted truth."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import sqrtm

from densimeter.foundations.errors import DataError
from densimeter.mixture import GaussianMixture, match_components
from densimeter.mixture.matching import squared_wasserstein


def test_wasserstein_distance_by_matrix_square_roots():
    rng = np.random.default_rng(0)
    a, b = (m @ m.T + 0.1 * np.eye(3) for m in rng.standard_normal((2, 3, 3)))
    mu, nu = rng.standard_normal((2, 3))
    root = sqrtm(a).real
    expected = ((mu - nu) ** 2).sum() + np.trace(a + b - 2 * sqrtm(root @ b @ root).real)
    assert_allclose(squared_wasserstein(mu, a, nu, b), expected, rtol=1e-8)


def test_a_permutation_is_undone():
    rng = np.random.default_rng(1)
    weights, means, variances = np.array([0.2, 0.3, 0.5]), rng.standard_normal((3, 2)) * 5, rng.random(3) + 1
    order = np.array([2, 0, 1])
    true = GaussianMixture.from_parameters(weights, means, variances, covariance_type="spherical")
    fitted = GaussianMixture.from_parameters(
        weights[order], means[order], variances[order, None, None] * np.eye(2)
    )
    match = match_components(true, fitted)
    assert list(order[match.fitted]) == [0, 1, 2]
    assert_allclose(match.weight_deviation, 0)
    assert_allclose(match.covariance_deviation, 0)
    assert_allclose(match.distance, 0, atol=1e-6)
    assert len(str(match).splitlines()) == 4


def test_the_smaller_is_matched_completely_and_columns_must_agree():
    small = GaussianMixture.from_parameters([1.0], [[4.0]], [[[1.0]]])
    large = GaussianMixture.from_parameters([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
    match = match_components(small, large)
    assert list(match.fitted) == [1]
    assert_allclose(match.mean_deviation, [[1.0]])
    with pytest.raises(DataError, match="1 and 2 columns"):
        match_components(small, GaussianMixture.from_parameters([1.0], [[0.0, 0.0]], [np.eye(2)]))
