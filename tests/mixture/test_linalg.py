"""Factors of stacked matrices, of which some have none."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from densimeter.foundations.precision import double_precision
from densimeter.mixture.linalg import cholesky, gram, inverse_cholesky


def stacked(d, n=3):
    factors = np.random.default_rng(d).standard_normal((2, n, d, 2 * d))
    return factors @ np.swapaxes(factors, -1, -2)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_factors_give_the_matrices_back(d):
    matrices = stacked(d)
    lower, inverse = cholesky(matrices), inverse_cholesky(matrices)
    assert_allclose(lower @ np.swapaxes(lower, -1, -2), matrices, rtol=1e-10)
    assert_allclose(gram(inverse), np.linalg.inv(matrices), rtol=1e-7)
    with double_precision():
        assert_allclose(np.asarray(inverse_cholesky(jnp.asarray(matrices))), inverse, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_only_the_matrix_without_a_factor_is_lost(d):
    matrices = stacked(d)
    matrices[1, 2] = -np.eye(d)
    whole = np.delete(np.arange(6), 5)
    for factor in (cholesky, inverse_cholesky):
        flat = factor(matrices).reshape(6, d, d)
        assert np.isnan(flat[5]).all()
        assert_allclose(flat[whole], factor(matrices.reshape(6, d, d)[whole]), rtol=1e-10)


def test_no_compiled_factorisation_is_a_batch():
    """XLA cuts a batch into tasks of the pool in whose threads it is called, and waits for them."""
    batch = jnp.broadcast_to(jnp.eye(30), (2, 10, 30, 30))
    text = jax.jit(inverse_cholesky).lower(batch).compile().as_text()
    called = re.findall(r"= \(?f\d+\[([\d,]*)\][^=]*custom-call", text)
    assert called == ["30,30", "30,30"]
