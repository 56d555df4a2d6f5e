"""The base is the density that scipy says it is, and its draws follow it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from densimeter.energy.base import MixtureBase, fit_gaussian
from densimeter.energy.mixture_base import ChooseMixture, base_of
from densimeter.foundations.precision import double_precision
from densimeter.foundations.scaling import ColumnScaling
from densimeter.mixture import GaussianMixture


def random_mixture(seed=0, n_components=3, n_features=2):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(n_components, n_features, n_features))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(n_features)
    return rng.dirichlet(np.ones(n_components)), 3 * rng.normal(size=(n_components, n_features)), covariances


def log_prob(base, rows):
    with double_precision():
        return np.asarray(jax.vmap(jax.tree.map(jnp.asarray, base).log_prob)(jnp.asarray(rows)))


@pytest.mark.parametrize("n_features", [1, 2, 5])
def test_log_prob_is_scipys(n_features):
    weights, means, covariances = random_mixture(n_features=n_features)
    rows = np.random.default_rng(1).normal(size=(50, n_features)) * 4
    each = [multivariate_normal(m, c).logpdf(rows) for m, c in zip(means, covariances, strict=True)]
    expected = logsumexp(np.array(each) + np.log(weights)[:, None], axis=0)
    np.testing.assert_allclose(log_prob(MixtureBase.of(weights, means, covariances), rows), expected)


def test_a_component_of_weight_zero_counts_for_nothing():
    _, means, covariances = random_mixture()
    rows = np.random.default_rng(1).normal(size=(5, 2))
    with_dead = MixtureBase.of(np.array([0.5, 0.5, 0]), means, covariances)
    without = MixtureBase.of(np.array([0.5, 0.5]), means[:2], covariances[:2])
    np.testing.assert_allclose(log_prob(with_dead, rows), log_prob(without, rows))


def test_draws_have_the_moments_of_the_mixture():
    weights, means, covariances = random_mixture()
    base = MixtureBase.of(weights, means, covariances)
    with double_precision():
        drawn = np.asarray(jax.tree.map(jnp.asarray, base).sample(jax.random.key(0), 200_000))
    mean = weights @ means
    spread = covariances + np.einsum("ki,kj->kij", means - mean, means - mean)
    covariance = np.einsum("k,kij->ij", weights, spread)
    error = 5 * np.sqrt(np.diag(covariance) / len(drawn))
    np.testing.assert_array_less(abs(drawn.mean(axis=0) - mean), error)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, rtol=0.05, atol=0.05)


def test_scaled_mixture_is_the_mixture_of_scaled_rows():
    base = MixtureBase.of(*random_mixture())
    scaling = ColumnScaling(np.array([1.0, -2]), np.array([3.0, 0.5]))
    rows = np.random.default_rng(0).normal(size=(20, 2))
    found = log_prob(base.scaled(scaling), scaling.apply(rows)) + scaling.log_jacobian
    np.testing.assert_allclose(found, log_prob(base, rows))


@pytest.mark.parametrize("family", ["full", "tied", "diag", "spherical"])
def test_base_of_a_fitted_mixture_has_its_density(family):
    rows = np.random.default_rng(0).normal(size=(300, 3)) * [1, 2, 3]
    model = GaussianMixture(2, covariance_type=family, random_state=0).fit(rows)
    np.testing.assert_allclose(log_prob(base_of(model), rows), model.score_samples(rows), rtol=1e-9)


def test_fit_gaussian_survives_a_constant_and_a_repeated_column():
    column = np.random.default_rng(0).normal(size=100)
    base = fit_gaussian(np.c_[column, column, np.zeros(100)])
    assert np.isfinite(log_prob(base, np.zeros((1, 3)))).all()


@pytest.mark.slow
def test_chosen_mixture_comes_near_the_truth_on_fresh_rows():
    """AIC may take a component too many, never one too few, and pays little for it."""
    rng = np.random.default_rng(0)
    centres = np.array([[-6.0, 0], [0, 6], [6, 0]])
    rows, fresh = (centres[rng.integers(3, size=n)] + rng.normal(size=(n, 2)) for n in (900, 10_000))
    fit = ChooseMixture()(rows, ColumnScaling(np.zeros(2), np.ones(2)), rng)
    truth = MixtureBase.of(np.full(3, 1 / 3), centres, np.array([np.eye(2)] * 3))
    assert fit.chosen.n_components >= 3
    assert (log_prob(truth, fresh) - log_prob(fit(rows), fresh)).mean() < 0.03
