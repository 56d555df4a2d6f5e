"""The two priors of weights against scipy's distributions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from densimeter.mixture.priors import WEIGHT_PRIORS, DirichletDistribution, DirichletProcess

COUNTS = np.array([[12.5, 0.0, 3.0, 40.0], [0.0, 0.0, 1e5, 1e-9]])


def test_sticks_are_the_ones_of_scipy():
    prior = DirichletProcess(0.3)
    own, rest = prior.update(COUNTS)[0]
    assert_allclose(rest, [0.3 + 43, 0.3 + 43, 0.3 + 40, 0.3])
    expected, log_left = [], 0.0
    for a, b in zip(own, rest, strict=True):
        draws, left = (stats.beta(*pair).rvs(100_000, random_state=0) for pair in ((a, b), (b, a)))
        expected.append(np.log(draws).mean() + log_left)
        log_left += np.log(left).mean()
    assert_allclose(prior.expected_log_weights(prior.update(COUNTS))[0], expected, atol=0.03)


def test_divergence_of_sticks_is_the_integral():
    prior = DirichletProcess(1.7)
    posterior = prior.update(np.array([3.0, 0.4, 2.0]))
    total = 0.0
    for a, b in posterior.T:
        q, p = stats.beta(a, b), stats.beta(1, 1.7)
        total += integrate.quad(lambda v, q=q, p=p: q.pdf(v) * (q.logpdf(v) - p.logpdf(v)), 0, 1)[0]
    assert_allclose(prior.divergence(posterior), total, rtol=1e-7)


def test_divergence_of_dirichlets_is_entropy_and_cross_entropy():
    prior = DirichletDistribution(0.7)
    posterior = prior.update(np.array([3.0, 0.4, 2.0]))
    p, q = stats.dirichlet(np.full(3, 0.7)), stats.dirichlet(posterior[0])
    log_weights = prior.expected_log_weights(posterior)
    cross = p.logpdf(np.full(3, 1 / 3)) + (-0.3) * (log_weights - np.log(1 / 3)).sum()
    assert_allclose(prior.divergence(posterior), -q.entropy() - cross, rtol=1e-10)
    draws = q.rvs(200_000, random_state=0)
    assert_allclose(np.log(draws).mean(0), log_weights, atol=0.02)


@pytest.mark.parametrize("kind", WEIGHT_PRIORS.values())
def test_the_posterior_of_no_rows_is_the_prior(kind):
    prior = kind(0.25)
    posterior = prior.update(np.zeros((2, 5)))
    assert_allclose(prior.divergence(posterior), 0, atol=1e-12)
    assert (prior.divergence(prior.update(np.ones((2, 5)))) > 0).all()


@pytest.mark.parametrize("kind", WEIGHT_PRIORS.values())
def test_mean_weights_are_a_distribution_that_follows_the_counts(kind):
    prior = kind(0.25)
    weights = prior.mean_weights(prior.update(COUNTS))
    assert_allclose(weights.sum(-1), 1)
    assert_allclose(weights[1], [0, 0, 1, 0], atol=1e-4)
    stored = prior.to_attribute(prior.update(COUNTS)[0])
    assert_allclose(prior.from_attribute(stored), prior.update(COUNTS)[0])
