import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from densimeter.foundations.densities import Gaussian, StudentT
from densimeter.foundations.precision import double_precision

MEAN = np.array([1.0, -2.0, 0.5])
CHOLESKY = np.array([[2.0, 0.0, 0.0], [0.5, 0.3, 0.0], [-1.0, 0.2, 1.5]])
PAIRS = [
    (Gaussian(MEAN, CHOLESKY), stats.multivariate_normal(MEAN, CHOLESKY @ CHOLESKY.T)),
    (StudentT(MEAN, CHOLESKY, 3), stats.multivariate_t(MEAN, CHOLESKY @ CHOLESKY.T, df=3)),
]


@pytest.mark.parametrize(("density", "reference"), PAIRS)
def test_log_prob_agrees_with_scipy(density, reference):
    rows = np.random.default_rng(0).normal(size=(50, 3)) * 4
    with double_precision():
        found = jax.vmap(density.log_prob)(jnp.asarray(rows))
    np.testing.assert_allclose(found, reference.logpdf(rows), rtol=1e-12)


@pytest.mark.parametrize(("density", "reference"), PAIRS)
def test_samples_have_the_distribution_of_scipys(density, reference):
    with double_precision():
        rows = np.asarray(density.sample(jax.random.key(1), 4000))
    theirs = reference.rvs(4000, random_state=np.random.default_rng(2))
    for direction in np.vstack([np.eye(3), [[1.0, 1.0, 1.0]]]):
        assert stats.ks_2samp(rows @ direction, theirs @ direction).pvalue > 1e-3
