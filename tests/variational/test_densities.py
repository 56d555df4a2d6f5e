import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture as TheirMixture
from sklearn.neighbors import KernelDensity as TheirKernel

from densimeter.datasets import Checkerboard, RingOfGaussians, TwoMoons
from densimeter.foundations.densities import Gaussian
from densimeter.foundations.errors import DataError, NonFiniteError, SettingError
from densimeter.foundations.estimates import Guarantee
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.mixture.estimator import GaussianMixture
from densimeter.variational import FullRank, MeanField, Mixture, kl_divergence
from densimeter.variational.densities import as_density

ROWS = RingOfGaussians().sample(300, random_state=0)


def test_a_gaussian_is_the_same_in_every_dress():
    mean, covariance = np.array([1.0, -1.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    ours = Gaussian(mean, np.linalg.cholesky(covariance))
    mixture = Mixture.of([1.0], mean[None], covariance[None])
    theirs = stats.multivariate_normal(mean, covariance)
    rows = np.random.default_rng(0).normal(size=(50, 2)) * 3
    for density in (ours, mixture, theirs):
        seen = as_density(density, "p")
        assert seen.n_features == 2
        np.testing.assert_allclose(seen.log_prob(rows), theirs.logpdf(rows), rtol=1e-10)


@pytest.mark.parametrize(
    "density",
    [
        RingOfGaussians(),
        TwoMoons(),
        Checkerboard(),
        GaussianMixture(2, random_state=0).fit(ROWS),
        KernelDensity(bandwidth=1.0).fit(ROWS),
        TheirMixture(2, random_state=0).fit(ROWS),
        TheirKernel(bandwidth=1.0).fit(ROWS),
        Gaussian(jnp.zeros(2), jnp.eye(2)),
        Mixture.of([0.5, 0.5], np.eye(2), [np.eye(2)] * 2),
        stats.multivariate_normal(np.zeros(2)),
        stats.multivariate_t(np.zeros(2)),
        stats.norm(1, 2),
        stats.gamma(2),
        stats.uniform(3, 1),
    ],
    ids=lambda density: type(density).__name__,
)
def test_every_kind_of_density_is_seen_as_rows(density):
    seen = as_density(density, "p")
    rows = seen.sample(20, np.random.default_rng(0))
    assert rows.shape == (20, seen.n_features)
    assert seen.log_prob(rows).shape == (20,)
    assert np.isfinite(seen.log_prob(rows)).all()


@pytest.mark.parametrize("density", [RingOfGaussians(), stats.gamma(2), Gaussian(jnp.zeros(2), jnp.eye(2))])
def test_samples_repeat_with_the_generator(density):
    seen = as_density(density, "p")
    first, again, other = (seen.sample(5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("stranger", [3, "normal", stats.poisson(2), np.zeros(3), stats.norm, lambda x: x])
def test_what_is_no_density_is_refused_by_name(stranger):
    with pytest.raises(SettingError, match="q is no density"):
        kl_divergence(stats.norm(), stranger)


def test_spaces_must_agree():
    with pytest.raises(DataError, match="1 features and q has 2"):
        kl_divergence(stats.norm(), stats.multivariate_normal([0, 0]))


class Broken:
    def log_prob(self, X):
        return np.full(len(X), np.nan)

    def sample(self, n_samples, random_state=None):
        return np.zeros((n_samples, 1))


def test_nan_is_refused_with_the_place():
    with pytest.raises(NonFiniteError, match="log-density of p is not finite at"):
        kl_divergence(Broken(), stats.norm())


def test_gaussian_families_have_the_closed_form():
    mean, log_scale = np.array([1.0, 2.0]), np.log([0.5, 2.0])
    below = np.array([[0.0, 0.0], [0.7, 0.0]])
    factor = np.array([[0.5, 0.0], [0.7, 2.0]])
    for density, covariance in (
        (MeanField(mean, log_scale), np.diag([0.25, 4.0])),
        (FullRank(mean, log_scale, below), factor @ factor.T),
    ):
        found = kl_divergence(density, stats.multivariate_normal(mean, covariance))
        assert found.guarantee is Guarantee.EXACT
        assert found.value == pytest.approx(0, abs=1e-12)
