"""The lower bound on the log evidence, every constant included.

    log p(X) >= L(q) = sum_i w_i log sum_k exp E_q[log pi_k N(x_i | mu_k, Lambda_k^-1)]
                       - KL(q(pi) || p(pi)) - sum_k KL(q(mu_k, Lambda_k) || p(mu_k, Lambda_k))

(Bishop, 2006, sec. 10.2.2, with q(Z) at its optimum.) The first term is what the E-step adds up, so the
bound costs one sum over components. It is a number in nats about the rows, in the units of their columns:
bounds of different covariance types, priors and numbers of components can be compared. scikit-learn leaves
out the terms that do not change during a fit, so its bound differs by a constant of the prior and the
number of rows, and is a bound on nothing.

For K = 1, full covariances and a Dirichlet distribution, the posterior is exact and the bound is the
evidence. For restricted covariances it bounds two models at once: the one with full precisions and a prior
with the restricted C_0, and the one with diagonal or spherical precisions and gamma priors,
``Gamma(nu_0 / 2, C_0 / 2)`` for each column or ``Gamma(d nu_0 / 2, d C_0 / 2)`` for all. Its evidence, given
which rows belong together, is above the bound because ``digamma(x)`` and ``digamma(x) - log(x)`` increase.

A positive `reg_covar` takes the expected cost of blurring the rows off the bound, so it still is one.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from densimeter.mixture.bayesian_updates import Posterior, features, noise_features
from densimeter.mixture.families import LOG_TWO_PI, Family
from densimeter.mixture.priors import Prior


def divergence(family: Family, prior: Prior, posterior: Posterior) -> np.ndarray:
    """``KL(q || p)`` of weights, means and precisions, nats, shape ``(...)``; zero where q is the prior."""
    components = _wishart_divergence(family, prior, posterior) + _mean_divergence(family, prior, posterior)
    return prior.weights.divergence(posterior.concentration) + components.sum(-1)


def _wishart_divergence(family: Family, prior: Prior, posterior: Posterior) -> np.ndarray:
    """``KL(Wishart(C_k^-1, nu_k) || Wishart(C_0^-1, nu_0))``, shape ``(..., K)``."""
    d = posterior.means.shape[-1]
    nu, nu_0 = posterior.degrees_by_component, prior.degrees_of_freedom
    theta = family.natural(posterior.centred_gaussians())
    prior_matrix = _matrix(family, prior)
    trace = -2 * theta @ noise_features(family, np.linalg.cholesky(prior_matrix))
    log_det = d * np.log(nu) - 2 * theta[..., 0] - d * LOG_TWO_PI
    halves, prior_halves = (nu[..., None] - np.arange(d)) / 2, (nu_0 - np.arange(d)) / 2
    normalisers = (gammaln(prior_halves) - gammaln(halves)).sum(-1)
    return (
        nu_0 / 2 * (log_det - np.linalg.slogdet(prior_matrix)[1])
        + (trace - nu * d) / 2
        + normalisers
        + (nu - nu_0) / 2 * digamma(halves).sum(-1)
    )


def _mean_divergence(family: Family, prior: Prior, posterior: Posterior) -> np.ndarray:
    """``E KL(N(m_k, (beta_k Lambda)^-1) || N(m_0, (beta_0 Lambda)^-1))``, shape ``(..., K)``."""
    d = posterior.means.shape[-1]
    ratio = prior.mean_precision / posterior.mean_precision
    at_mean = family.natural(posterior.centred_gaussians())[..., 0]
    distance = -2 * (family.natural(posterior.gaussians()) @ features(family, prior.mean) - at_mean)
    return (d * (ratio - 1 - np.log(ratio)) + prior.mean_precision * distance) / 2


def _matrix(family: Family, prior: Prior) -> np.ndarray:
    """The prior's C as a matrix ``(d, d)``."""
    stacked = prior.covariance if family.shared else prior.covariance[None]
    return family.as_full(stacked, len(prior.mean), 1)[0]
