"""Draws that do not vary promise nothing, rare components are not missed, singular edges are told."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln, digamma

from densimeter import GaussianMixture, elbo, kl_divergence, partition, renyi_divergence
from densimeter.energy.scores import score_estimate
from densimeter.foundations.errors import NonFiniteError
from densimeter.foundations.estimates import Estimate, Guarantee, SampleMean
from densimeter.variational import Mixture


class TwoCubes:
    """Uniform, with its weight on the unit cube and the rest of it on another one far away."""

    def __init__(self, weight):
        self.weight = weight

    def log_prob(self, X):
        near = (np.abs(np.asarray(X)) <= 0.5).all(axis=1)
        return np.where(near, math.log(self.weight), np.log(1 - self.weight))

    def sample(self, n_samples, random_state=None):
        rng = np.random.default_rng(random_state.randint(2**31))
        far = rng.random((n_samples, 1)) >= self.weight
        return rng.uniform(-0.5, 0.5, (n_samples, 3)) + 1e3 * far


def test_equal_terms_of_a_divergence_have_no_interval():
    found = kl_divergence(TwoCubes(1 - 1e-9), TwoCubes(0.25), n_samples=500, random_state=0)
    assert found.value == pytest.approx(math.log(4))
    assert (found.guarantee, found.lower, found.upper) == (Guarantee.NONE, 0.0, math.inf)


def test_an_elbo_whose_samples_missed_a_mode_promises_nothing():
    """Uniform on [0, 1]; the joint is higher where no sample of q lies."""
    found = elbo(lambda z: jnp.where(z[0] < 2, 1.0, 5.0), stats.uniform(), random_state=0)
    assert found.value == pytest.approx(1.0)
    assert found.guarantee is Guarantee.NONE
    assert math.isinf(found.upper)


def test_equal_weights_that_missed_a_mode_promise_nothing():
    base = partition.Gaussian(jnp.zeros(1), jnp.eye(1))

    def energy(x):  # a second mode, as heavy as the first, farther away than any probe looks
        return -jnp.logaddexp(base.log_prob(x), base.log_prob(x - 1e6))

    found = partition.importance(energy, base, 1000, random_state=0)
    assert found.estimate.guarantee is Guarantee.NONE
    assert found.estimate.contains(math.log(2))


def test_equal_scores_promise_nothing():
    told = score_estimate(np.full(50, -1.0), Estimate.exact(0.0), 0.95)
    assert told.test_set.guarantee is Guarantee.NONE


def test_a_stratified_mean_has_the_textbooks_error():
    """Cochran, Sampling Techniques (1977), eq. 5.6; one stratum is Student's interval of scipy."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=40), rng.normal(3, 2, 60)
    found = SampleMean.of([(0.9, a), (0.1, b)], 0.95)
    variance = 0.81 * a.var(ddof=1) / 40 + 0.01 * b.var(ddof=1) / 60
    assert found.value == pytest.approx(0.9 * a.mean() + 0.1 * b.mean(), abs=1e-14)
    freedom = variance**2 / ((0.81 * a.var(ddof=1) / 40) ** 2 / 39 + (0.01 * b.var(ddof=1) / 60) ** 2 / 59)
    assert found.error == pytest.approx(stats.t(freedom).ppf(0.975) * math.sqrt(variance), rel=1e-10)
    low, high = stats.t.interval(0.95, 39, a.mean(), stats.sem(a))
    assert SampleMean.of([(1.0, a)], 0.95).error == pytest.approx((high - low) / 2, rel=1e-10)


RARE = 1e-4
CENTRES = np.array([[0.0, 0.0, 0.0], [60.0, 0.0, 0.0]])


def _rare_mixture(kind):
    weights, covariances = np.array([1 - RARE, RARE]), np.array([np.eye(3)] * 2)
    if kind == "family":
        return Mixture.of(weights, CENTRES, covariances)
    return GaussianMixture.from_parameters(weights, CENTRES, covariances)


@pytest.mark.parametrize("kind", ["family", "fitted"])
@pytest.mark.parametrize("seed", range(3))
def test_a_rare_component_far_away_is_not_missed(kind, seed):
    """At 60 standard deviations, q = N(0, I) gives the rare component 1e-4 (1800 + log 1e-4) nats."""
    expected = RARE * (60**2 / 2 + math.log(RARE)) + (1 - RARE) * math.log1p(-RARE)
    q = stats.multivariate_normal(np.zeros(3))
    found = kl_divergence(_rare_mixture(kind), q, n_samples=1000, random_state=seed)
    assert found.value == pytest.approx(expected, rel=0.02)  # 60 z / 1800 over 64 draws or more: 0.4 %


@pytest.mark.parametrize("seed", range(3))
def test_an_elbo_sees_the_rare_component_of_q(seed):
    found = elbo(lambda z: -0.5 * z @ z, _rare_mixture("family"), n_samples=1000, random_state=seed)
    entropy = 1.5 * (1 + math.log(2 * math.pi)) - RARE * math.log(RARE) - (1 - RARE) * math.log1p(-RARE)
    expected = entropy - 1.5 - RARE * 1800
    assert found.value == pytest.approx(expected, abs=0.15)  # sd of |z|^2 / 2 over 1000 draws: 0.04


@pytest.mark.slow
def test_stratified_intervals_cover():
    """Of 400 seeds 95 % within 2.5 of their 1.1 % standard error."""
    p = GaussianMixture.from_parameters(
        [0.9, 0.1], [[0.0, 0, 0], [4, 0, 0]], np.array([np.eye(3), 4 * np.eye(3)])
    )
    q = stats.multivariate_normal(np.zeros(3), 3 * np.eye(3))
    truth = kl_divergence(p, q, n_samples=2**20, random_state=0).value
    covered = sum(
        kl_divergence(p, q, n_samples=800, random_state=seed).contains(truth) for seed in range(400)
    )
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize("a", [0.01, 0.1, 0.5, 2.0])
def test_beta_distributions_by_the_digamma_formula(a):
    p, q = stats.beta(a, a), stats.uniform()
    expected = -betaln(a, a) + 2 * (a - 1) * (digamma(a) - digamma(2 * a))
    assert kl_divergence(p, q).value == pytest.approx(expected, rel=1e-12)
    backwards = betaln(a, a) + 2 * (a - 1)
    assert kl_divergence(q, p).value == pytest.approx(backwards, rel=1e-12)
    assert kl_divergence(stats.beta(a, a, 2, 3), stats.uniform(2, 3)).value == pytest.approx(expected)


def test_beta_distributions_by_quadrature_where_no_edge_is_singular():
    p, q = stats.beta(2, 3), stats.beta(a=4, b=1.5)
    for divergence in (kl_divergence, lambda *pair, **options: renyi_divergence(*pair, 0.5, **options)):
        closed = divergence(p, q).value
        assert closed == pytest.approx(divergence(p, q, method="quadrature").value, abs=1e-7)


def test_an_edge_that_rows_round_to_is_told():
    with pytest.raises(NonFiniteError, match="an end of its support"):
        kl_divergence(
            stats.beta(0.1, 0.1), stats.uniform(), method="monte carlo", n_samples=1000, random_state=0
        )
