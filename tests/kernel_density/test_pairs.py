import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from densimeter import KernelDensity
from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.gradients import _gradient_block
from densimeter.kernel_density.pairs import squared_distances


@pytest.mark.parametrize("d", [1, 2, 8, 9, 16, 21])
def test_squared_distances_are_those_of_scipy(d):
    rng = np.random.default_rng(d)
    queries, points, scales = rng.normal(size=(5, d)), rng.normal(size=(7, d)), rng.uniform(1, 2, d)
    with double_precision():
        squared = squared_distances(*map(jax.numpy.asarray, (queries, points, scales)))
    np.testing.assert_allclose(squared, cdist(queries / scales, points / scales) ** 2, rtol=1e-13)


def _n_lines(function, d):
    queries, points, scales = np.ones((3, d)), np.ones((1, 4, d)), np.ones(d)
    arguments = (queries, points, np.zeros((1, 4)), 1, scales)
    if function is squared_distances:
        arguments = (queries, points[0], scales)
    with double_precision():
        return str(jax.make_jaxpr(function)(*arguments)).count("\n")


@pytest.mark.parametrize("function", [squared_distances, _gradient_block])
def test_a_program_is_no_longer_for_more_columns(function):
    assert _n_lines(function, 2000) == _n_lines(function, 160)


def test_a_wide_table_is_fitted_without_a_warning():
    X = np.random.default_rng(0).normal(size=(20, 300))
    model = KernelDensity().fit(X)
    width = np.broadcast_to(model.bandwidth_, 300)
    exponents = -0.5 * cdist(X[:3] / width, X / width) ** 2
    want = logsumexp(exponents, axis=1) - np.log(20) - 150 * np.log(2 * np.pi) - np.log(width).sum()
    np.testing.assert_allclose(model.score_samples(X[:3]), want, rtol=1e-12)
    assert model.gradient(X[:3]).shape == (3, 300)
