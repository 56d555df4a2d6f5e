"""The evidence lower bound of a mixture, exact for any distribution over its components."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, rel_entr

from densimeter.foundations.checks import choose
from densimeter.foundations.errors import SettingError

ROUNDING = 1e-8
"""How far a distribution over components may sum from one."""


class HasComponents(Protocol):
    """Anything that tells how the log-density of a row splits over components, as `GaussianMixture` does."""

    def log_joint(self, X: ArrayLike) -> np.ndarray:
        """``log weight_k + log N(x | mean_k, covariance_k)``, shape ``(n_samples, n_components)``."""
        ...


def elbo(mixture: HasComponents, X: ArrayLike, q: ArrayLike | str = "posterior") -> np.ndarray:
    r"""Evidence lower bound of each row for a distribution q over the components, in nats.

    .. math:: \mathrm{ELBO}(x, q) = \sum_k q_k \left(\log \pi_k N(x \mid \mu_k, \Sigma_k) - \log q_k\right)
              = \log p(x) - \mathrm{KL}(q \,\|\, p(k \mid x))

    Exact: a sum over components, nothing is sampled. Costs O(n K d^2).

    Parameters
    ----------
    mixture : GaussianMixture
        Fitted; or anything with `log_joint`.
    X : array-like of shape (n_samples, n_features)
    q : array-like of shape (n_components,) or (n_samples, n_components), or "uniform", or "posterior"
        For the posterior the bound is the log-density itself.

    Returns
    -------
    array of shape (n_samples,)

    Raises
    ------
    SettingError
        If q is no distribution over the components.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning" (2006), section 9.4, equation 9.70.

    Examples
    --------
    >>> from densimeter.mixture import GaussianMixture
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> mixture = GaussianMixture(2, random_state=0).fit(X)
    >>> bool(np.allclose(elbo(mixture, X), mixture.score_samples(X)))
    True
    >>> bool((elbo(mixture, X, "uniform") <= mixture.score_samples(X)).all())
    True
    """
    log_joint = mixture.log_joint(X)
    return elbo_of_joint(log_joint, _distribution(q, log_joint))


def elbo_of_joint(log_joint: np.ndarray, q: np.ndarray) -> np.ndarray:
    """``sum_k q_k (log_joint_k - log q_k)`` with ``0 log 0 = 0``, summed over the last axis."""
    energy = np.where(q > 0, q, 0.0) * np.where(q > 0, log_joint, 0.0)
    return energy.sum(axis=-1) - rel_entr(q, 1.0).sum(axis=-1)


def posterior(log_joint: np.ndarray) -> np.ndarray:
    """The distribution over components given the row: a softmax over the last axis."""
    return np.exp(log_joint - logsumexp(log_joint, axis=-1, keepdims=True))


def uniform(log_joint: np.ndarray) -> np.ndarray:
    """The same share for every component."""
    return np.full_like(log_joint, 1 / log_joint.shape[-1])


_NAMED = {"posterior": posterior, "uniform": uniform}


def _distribution(q: ArrayLike | str, log_joint: np.ndarray) -> np.ndarray:
    if isinstance(q, str):
        return choose("q", q, _NAMED)(log_joint)
    shares = np.asarray(q, np.float64)
    if shares.shape not in (log_joint.shape, log_joint.shape[1:]):
        raise SettingError(
            f"q has shape {shares.shape}, the rows and components {log_joint.shape}",
            "give a share for each component, for all rows or for each row",
        )
    if not np.isfinite(shares).all() or (shares < 0).any() or (abs(shares.sum(axis=-1) - 1) > ROUNDING).any():
        raise SettingError(
            "q is no distribution over the components", "give shares of at least 0 that sum to 1"
        )
    return shares
