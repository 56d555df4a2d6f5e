"""The evidence lower bound of a mixture, exact for any distribution over its components."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.checks import choose
from densimeter.foundations.errors import warn_renamed
from densimeter.variational.bounds import categorical_elbo, posterior, uniform


class HasComponents(Protocol):
    """Anything that tells how the log-density of a row splits over components, as `GaussianMixture` does."""

    def log_joint(self, X: ArrayLike) -> np.ndarray:
        """``log weight_k + log N(x | mean_k, covariance_k)``, shape ``(n_samples, n_components)``."""
        ...


def component_elbo(mixture: HasComponents, X: ArrayLike, q: ArrayLike | str = "posterior") -> np.ndarray:
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
    DataError
        If q is no distribution over the components.
    SettingError
        If q is a word that is not known.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning" (2006), section 9.4, equation 9.70.

    Examples
    --------
    >>> from densimeter.mixture import GaussianMixture
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> mixture = GaussianMixture(2, random_state=0).fit(X)
    >>> bool(np.allclose(component_elbo(mixture, X), mixture.score_samples(X)))
    True
    >>> bool((component_elbo(mixture, X, "uniform") <= mixture.score_samples(X)).all())
    True
    """
    log_joint = mixture.log_joint(X)
    shares = choose("q", q, _NAMED)(log_joint) if isinstance(q, str) else q
    return categorical_elbo(log_joint, shares)


def elbo(mixture: HasComponents, X: ArrayLike, q: ArrayLike | str = "posterior") -> np.ndarray:
    """The old name of `component_elbo`."""
    warn_renamed("densimeter.mixture.elbo", "densimeter.mixture.component_elbo")
    return component_elbo(mixture, X, q)


_NAMED = {"posterior": posterior, "uniform": lambda log_joint: uniform(log_joint.shape[1])}
