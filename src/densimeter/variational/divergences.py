"""Divergences of any two densities, each an `Estimate` in nats.

All take the same arguments and return the same thing. `p` and `q` are what
`densimeter.variational.densities.as_density` accepts: densities with ``log_prob`` (or ``score_samples``) and
``sample``, of the package or of scikit-learn, traced by JAX, or frozen distributions of scipy.
"""

from __future__ import annotations

import math
from typing import Any

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.variational.densities import as_density, check_same_width
from densimeter.variational.estimation import (
    Method,
    Pair,
    closed_form,
    endless_tail,
    estimate,
    infinite,
    monte_carlo,
    quadrature,
)
from densimeter.variational.measures import Divergence, JensenShannon, KullbackLeibler, Renyi

METHODS: dict[str, list[Method]] = {
    "auto": [infinite, closed_form, endless_tail, quadrature, monte_carlo],
    "closed form": [infinite, closed_form],
    "quadrature": [infinite, endless_tail, quadrature],
    "monte carlo": [infinite, endless_tail, monte_carlo],
}


def kl_divergence(
    p: Any,
    q: Any,
    *,
    method: str = "auto",
    n_samples: int = 2**16,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    r"""Kullback-Leibler divergence of p from q, ``KL(p || q)``, in nats.

    .. math:: \mathrm{KL}(p \| q) = \int p(x) \log \frac{p(x)}{q(x)} \, dx

    Not symmetric: an average over p, it punishes a q that is thin where p has mass (`reverse_kl_divergence`
    has them swapped). Infinite where p has mass and q is zero.

    Parameters
    ----------
    p, q : densities
        See the head of this file.
    method : {"auto", "closed form", "quadrature", "monte carlo"}
        "auto" takes the first that applies: the formula for two Gaussians; adaptive quadrature in one or two
        dimensions, if it converges; the mean over samples of p.
    n_samples : int
        Samples, if it comes to Monte Carlo.
    confidence : float
        Of a Monte Carlo interval.
    random_state : seed or generator

    Returns
    -------
    Estimate
        EXACT, BOUNDED by the error estimate of the quadrature, or ASYMPTOTIC; NONE if the terms of the mean
        are so heavy-tailed that it may be infinite.

    Raises
    ------
    SettingError
        If p or q is no density, or is found not to be normalised, or the method does not apply.
    DataError
        If they live on different spaces.
    NonFiniteError
        If a log-density is NaN or +inf.

    References
    ----------
    Kullback and Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22 (1951).

    Examples
    --------
    >>> from scipy import stats
    >>> print(kl_divergence(stats.norm(0, 1), stats.norm(1, 2)))
    0.443
    >>> kl_divergence(stats.norm(), stats.uniform()).value
    inf
    """
    return _estimate(KullbackLeibler(), p, q, method, n_samples, confidence, random_state)


def reverse_kl_divergence(
    p: Any,
    q: Any,
    *,
    method: str = "auto",
    n_samples: int = 2**16,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    """``KL(q || p)``: an average over q, it punishes a q with mass where p has none. See `kl_divergence`.

    Examples
    --------
    >>> from scipy import stats
    >>> print(reverse_kl_divergence(stats.norm(0, 1), stats.norm(1, 2)))
    1.307
    """
    return _estimate(KullbackLeibler(), q, p, method, n_samples, confidence, random_state, ("q", "p"))


def symmetrised_kl_divergence(
    p: Any,
    q: Any,
    *,
    method: str = "auto",
    n_samples: int = 2**16,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    """Jeffreys' divergence, ``KL(p || q) + KL(q || p)``. See `kl_divergence`.

    The failure probability of a Monte Carlo interval is shared by the two terms.

    Examples
    --------
    >>> from scipy import stats
    >>> print(symmetrised_kl_divergence(stats.norm(0, 1), stats.norm(1, 2)))
    1.750
    """
    check_number("confidence", confidence, above=0, below=1)
    generator = generator_from(random_state)
    each = (confidence + 1) / 2
    forward = _estimate(KullbackLeibler(), p, q, method, n_samples, each, generator)
    reverse = _estimate(KullbackLeibler(), q, p, method, n_samples, each, generator, ("q", "p"))
    return _sum(forward, reverse, confidence)


def jensen_shannon_divergence(
    p: Any,
    q: Any,
    *,
    method: str = "auto",
    n_samples: int = 2**16,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    """``(KL(p || m) + KL(q || m)) / 2``, ``m = (p + q) / 2``, between 0 and log 2. See `kl_divergence`.

    References
    ----------
    Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Information Theory 37 (1991).

    Examples
    --------
    >>> from scipy import stats
    >>> print(jensen_shannon_divergence(stats.uniform(0, 1), stats.uniform(5, 1)))
    0.693 [0.693, 0.693]
    """
    return _estimate(JensenShannon(), p, q, method, n_samples, confidence, random_state)


def renyi_divergence(
    p: Any,
    q: Any,
    alpha: float,
    *,
    method: str = "auto",
    n_samples: int = 2**16,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    r"""Renyi divergence of order alpha > 0; KL(p || q) at alpha = 1. See `kl_divergence`.

    .. math:: D_\alpha(p \| q) = \frac{1}{\alpha - 1} \log \int p(x)^\alpha q(x)^{1 - \alpha} \, dx

    References
    ----------
    Renyi, "On measures of entropy and information" (1961); van Erven and Harremoes, "Renyi divergence and
    Kullback-Leibler divergence", IEEE Transactions on Information Theory 60 (2014).

    Examples
    --------
    >>> from scipy import stats
    >>> print(renyi_divergence(stats.norm(0, 1), stats.norm(1, 1), alpha=0.5))
    0.250
    """
    alpha = check_number("alpha", alpha, above=0)
    measure: Divergence = KullbackLeibler() if alpha == 1 else Renyi(alpha)
    return _estimate(measure, p, q, method, n_samples, confidence, random_state)


def _estimate(
    measure: Divergence,
    p: Any,
    q: Any,
    method: str,
    n_samples: int,
    confidence: float,
    random_state: RandomState,
    names: tuple[str, str] = ("p", "q"),
) -> Estimate:
    n_samples = check_count("n_samples", n_samples, at_least=2)
    confidence = check_number("confidence", confidence, above=0, below=1)
    methods = choose("method", method, METHODS)
    pair = Pair(measure, as_density(p, names[0]), as_density(q, names[1]))
    check_same_width(pair.p, pair.q)
    return estimate(pair, methods, n_samples, confidence, random_state)


_WEAKEST_FIRST = [
    Guarantee.NONE,
    Guarantee.ASYMPTOTIC,
    Guarantee.CERTIFIED,
    Guarantee.BOUNDED,
    Guarantee.EXACT,
]


def _sum(a: Estimate, b: Estimate, confidence: float) -> Estimate:
    """Their sum, with the weaker promise of the two."""
    guarantee = min(a.guarantee, b.guarantee, key=_WEAKEST_FIRST.index)
    certain = a.confidence == b.confidence == 1
    value = a.value + b.value
    if math.isinf(value):
        return Estimate.exact(value, a.method if math.isinf(a.value) else b.method)
    return Estimate(
        value,
        a.lower + b.lower,
        a.upper + b.upper,
        1.0 if certain else confidence,
        a.method if a.method == b.method else f"{a.method}; {b.method}",
        guarantee,
    )
