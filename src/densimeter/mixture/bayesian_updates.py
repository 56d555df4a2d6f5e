"""The two steps of variational Bayes, written so that the E-step of EM and the M-step of EM do the work.

The posterior is ``q(pi) prod_k N(mu_k | m_k, (beta_k Lambda_k)^-1) Wishart(Lambda_k | C_k^-1, nu_k)``.

E-step. ``E_q[log pi_k N(x | mu_k, Lambda_k^-1)]`` is ``log N(x | m_k, C_k / nu_k)`` plus a constant for
each component (Bishop, 2006, eqs. 10.64-10.66). So it is EM's E-step with ``m_k``, ``C_k / nu_k`` and, for
weights, the exponentials of those constants: numbers that sum to less than one.

M-step. The prior of a mean is ``beta_0`` rows at ``m_0``; with those added, EM's M-step gives ``m_k``, and
``beta_k`` times its covariance is what is added to ``C_0`` (Bishop, 2006, eqs. 10.60-10.63).

Covariance types. The model always is the one with full precisions. ``"diag"`` and ``"spherical"`` restrict
the posterior's C_k to a diagonal or a multiple of the identity, ``"tied"`` has one C and nu for all
components. In each case the divergence from the unrestricted optimum is least where C takes the diagonal,
the mean of the diagonal, or the mean over components, and nu keeps its value or is its mean: those are
scikit-learn's updates, and this is why they climb one bound, that of `bayesian_bound`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import digamma

from densimeter.mixture.families import NO_FLOOR, Family, Parameters
from densimeter.mixture.priors import Prior


class Posterior(NamedTuple):
    """The parameters of q, with any leading axes (restarts); `covariances` are ``C_k / nu_k``.

    `concentration` ``(..., c, K)``, `means` ``(..., K, d)``, `mean_precision` ``(..., K)``,
    `degrees_of_freedom` ``(..., K)``, or ``(...)`` for a family that shares its covariance.
    """

    concentration: np.ndarray
    means: np.ndarray
    mean_precision: np.ndarray
    degrees_of_freedom: np.ndarray
    covariances: np.ndarray

    @property
    def degrees_by_component(self) -> np.ndarray:
        """Degrees of freedom, ``(..., K)`` for every family."""
        degrees = self.degrees_of_freedom
        if degrees.ndim < self.mean_precision.ndim:
            degrees = degrees[..., None]
        return np.broadcast_to(degrees, self.mean_precision.shape)

    def gaussians(self) -> Parameters:
        """The components at the posterior means, without their weights."""
        return Parameters(np.ones_like(self.mean_precision), self.means, self.covariances)

    def centred_gaussians(self) -> Parameters:
        """The same about the origin."""
        return self.gaussians()._replace(means=np.zeros_like(self.means))


def features(family: Family, points: np.ndarray) -> np.ndarray:
    """``phi`` of points ``(..., d)``, shape ``(..., n_terms)``."""
    flat = points.reshape(-1, points.shape[-1])
    return family.expand(flat.T).T.reshape(*points.shape[:-1], -1)


def noise_features(family: Family, factors: np.ndarray) -> np.ndarray:
    """``E[phi(e)] - phi(0)`` for ``e ~ N(0, F F^T)``, from factors F ``(..., d, m)``."""
    columns = np.swapaxes(factors, -1, -2)
    even = (features(family, columns) + features(family, -columns)) / 2
    return (even - features(family, np.zeros(columns.shape[-1]))).sum(-2)


def restricted(family: Family, covariance: np.ndarray) -> np.ndarray:
    """The covariance that the family makes of a matrix ``(d, d)``, shaped as one component's."""
    values, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(values, 0))
    sums = features(family, np.zeros(len(values))) + noise_features(family, factor)
    fitted = family.maximise(sums[None], len(values), NO_FLOOR).covariances
    return fitted if family.shared else fitted[0]


def expected_parameters(family: Family, prior: Prior, posterior: Posterior) -> Parameters:
    """The mixture whose E-step is that of the posterior; its weights sum to less than one."""
    d = posterior.means.shape[-1]
    degrees = posterior.degrees_by_component
    halves = (degrees[..., None] - np.arange(d)) / 2
    blur = noise_features(family, np.diag(np.sqrt(prior.blur)))
    with np.errstate(over="ignore", divide="ignore"):
        log_det = digamma(halves).sum(-1) + d * np.log(2 / degrees)
        unsure = (log_det - d / posterior.mean_precision) / 2
    penalty = family.natural(posterior.centred_gaussians()) @ blur
    log_weights = prior.weights.expected_log_weights(posterior.concentration) + unsure + penalty
    return Parameters(np.exp(log_weights), posterior.means, posterior.covariances)


def updated(family: Family, prior: Prior, sums: np.ndarray) -> Posterior:
    """The M-step from expected sums ``(..., K, n_terms)``."""
    d = len(prior.mean)
    noise = noise_features(family, np.diag(np.sqrt(prior.blur)))
    everything = _with_prior(sums, noise, features(family, prior.mean), prior)
    return _conclude(family, prior, sums[..., 0], family.maximise(everything, d, NO_FLOOR))


def updated_locally(family: Family, prior: Prior, sums: np.ndarray, current: Parameters) -> Posterior:
    """The M-step from sums in each component's own coordinates (`estep.local_step`)."""
    k, d = current.means.shape[-2:]
    maps = family.local_maps(current.covariances, k, d)
    noise = noise_features(family, maps * np.sqrt(prior.blur))
    centre = np.einsum("...kij,...kj->...ki", maps, prior.mean - current.means)
    everything = _with_prior(sums, noise, features(family, centre), prior)
    local = family.maximise(everything, d, NO_FLOOR)
    return _conclude(family, prior, sums[..., 0], family.from_local(local, current, NO_FLOOR))


def _with_prior(sums: np.ndarray, noise: np.ndarray, centre: np.ndarray, prior: Prior) -> np.ndarray:
    """The sums of the rows, blurred, and of the prior's own rows."""
    return sums + sums[..., :1] * noise + prior.mean_precision * centre


def _conclude(family: Family, prior: Prior, counts: np.ndarray, pooled: Parameters) -> Posterior:
    """The posterior, from the M-step over rows and prior rows together."""
    mean_precision = prior.mean_precision + counts
    degrees = prior.degrees_of_freedom + _per_covariance(family, counts)
    mass = _per_covariance(family, mean_precision)
    scatter = prior.covariance + _reach(mass, pooled.covariances) * pooled.covariances
    covariances = scatter / _reach(degrees, scatter)
    return Posterior(prior.weights.update(counts), pooled.means, mean_precision, degrees, covariances)


def _per_covariance(family: Family, counts: np.ndarray) -> np.ndarray:
    """What each covariance gets of the counts: a shared one their mean."""
    return counts.mean(-1) if family.shared else counts


def _reach(numbers: np.ndarray, covariances: Any) -> np.ndarray:
    """Numbers, one for each covariance, with the trailing axes of covariances."""
    return numbers.reshape(*numbers.shape, *[1] * (covariances.ndim - numbers.ndim))
