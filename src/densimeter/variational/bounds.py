"""Lower bounds of a log evidence, and the gap they leave.

For a joint density with latent z and any normalised q,

    ELBO(q) = E_q[log joint(z) - log q(z)] = log evidence - KL(q || posterior),

and with K independent draws inside the logarithm the bound grows with K towards the evidence. For a discrete
latent variable, such as the component of a mixture, the expectation is a finite sum and the bound exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.batching import over_rows
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.diagnostics import GOOD_PARETO_K, tail_shape
from densimeter.foundations.errors import DataError, NonFiniteError
from densimeter.foundations.estimates import Estimate, Guarantee, SampleMean
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.foundations.tracing import check_point_function
from densimeter.variational.densities import RowDensity, as_density

LogJoint = Callable[[jax.Array], jax.Array]
"""One point ``(n_features,)`` to the log of an unnormalised density, nats; traceable by JAX."""


def elbo(
    log_joint: LogJoint,
    q: Any,
    *,
    n_samples: int = 2**14,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    r"""Evidence lower bound of q, nats: the mean of ``log joint(z) - log q(z)`` over samples of q.

    .. math:: \mathrm{ELBO}(q) = E_q[\log p(x, z) - \log q(z)] \le \log \int p(x, z) \, dz

    Parameters
    ----------
    log_joint : callable
        ``log p(x, z)`` at one point z ``(n_features,)``, x fixed; traceable by JAX.
    q : density
        Normalised; whatever `densimeter.kl_divergence` accepts.
    n_samples : int
    confidence : float
    random_state : seed or generator

    Returns
    -------
    Estimate
        Of the bound, ``ASYMPTOTIC``. ``-inf``, exactly, where a sample of q lies where the joint is zero;
        ``NONE`` where the terms are so heavy-tailed that their mean may be infinite, and, with infinite
        ends, where no term varies: so it is if q is the posterior, but also where all samples missed what
        the joint has elsewhere. Mixtures of known components are sampled component by component.

    Raises
    ------
    SettingError
        If JAX cannot trace the log-joint, or it does not return one number.
    NonFiniteError
        If the log-joint is NaN or +inf at a sample.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from scipy import stats
    >>> def log_joint(z):  # prior N(0, 1), one observation 2 with unit noise: evidence N(2 | 0, 2)
    ...     return -0.5 * (z @ z + (2 - z[0]) ** 2) - jnp.log(2 * jnp.pi)
    >>> posterior = stats.norm(1, np.sqrt(0.5))
    >>> bound = elbo(log_joint, posterior, random_state=0)
    >>> round(bound.value, 6), round(float(stats.norm(0, np.sqrt(2)).logpdf(2)), 6)
    (-2.265512, -2.265512)
    """
    return importance_weighted_bound(
        log_joint, q, 1, n_samples=n_samples, confidence=confidence, random_state=random_state
    )


def importance_weighted_bound(
    log_joint: LogJoint,
    q: Any,
    n_inside: int,
    *,
    n_samples: int = 2**14,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    r"""The bound with K = `n_inside` draws of q inside the logarithm, nats; `elbo` is K = 1.

    .. math:: E \log \frac1K \sum_{k=1}^K \frac{p(x, z_k)}{q(z_k)}, \qquad z_k \sim q

    It grows with K and reaches the log evidence in the limit. The mean is over `n_samples` groups of K, at a
    cost of their product. Parameters, results and errors as for `elbo`.

    References
    ----------
    Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders" (2016), theorem 1.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from scipy import stats
    >>> def log_joint(z):  # of total mass e
    ...     return 1 - 0.5 * z @ z - 0.5 * jnp.log(2 * jnp.pi)
    >>> bounds = [importance_weighted_bound(log_joint, stats.norm(0, 2), k, random_state=0) for k in (1, 30)]
    >>> bounds[0].upper < bounds[1].lower < 1
    True
    """
    n_inside, n_samples = check_count("n_inside", n_inside), check_count("n_samples", n_samples, at_least=2)
    confidence = check_number("confidence", confidence, above=0, below=1)
    density, generator = as_density(q, "q"), generator_from(random_state)
    strata = [
        (share, _terms(log_joint, density, rows, n_inside, generator))
        for share, rows in density.stratified_sample(n_samples, generator)
    ]
    method = (
        f"mean over {n_samples} samples" if n_inside == 1 else f"mean over {n_samples} groups of {n_inside}"
    )
    if any(np.isneginf(terms).any() for _, terms in strata):
        return Estimate.exact(-math.inf, f"{method}: q has mass where the joint is zero")
    return _mean(strata, confidence, method)


def _terms(
    log_joint: LogJoint, density: RowDensity, first: np.ndarray, n_inside: int, generator: np.random.Generator
) -> np.ndarray:
    """The log mean weight of each group of `n_inside` rows, whose first are given: they tell the stratum."""
    n_groups = len(first)
    others = density.sample(n_groups * (n_inside - 1), generator) if n_inside > 1 else first[:0]
    rows = np.concatenate([first, others])
    log_weights = log_joint_of_rows(log_joint, rows) - density.log_prob(rows)
    return _log_means(log_weights.reshape(n_inside, n_groups).T)


def evidence_gap(log_evidence: Estimate | float, bound: Estimate) -> Estimate:
    """``log evidence - bound``, nats: for the ELBO of q, ``KL(q || posterior)``. Never below zero.

    Both intervals go into that of the gap, each with its own confidence, so that it covers with what the
    union bound leaves. Where they contradict each other, the bound lying above the evidence, the gap is zero
    and its interval promises nothing.

    Examples
    --------
    >>> print(evidence_gap(-1.0, Estimate(-1.5, -1.6, -1.4, 0.95, "mean")))
    0.500 [0.400, 0.600]
    """
    evidence = log_evidence if isinstance(log_evidence, Estimate) else Estimate.exact(float(log_evidence))
    if bound.value == -math.inf:
        return Estimate.exact(math.inf, bound.method)
    lower, upper = evidence.lower - bound.upper, evidence.upper - bound.lower
    confidence = max(evidence.confidence + bound.confidence - 1, 1e-9)
    method = f"log evidence ({evidence.method}) less bound ({bound.method})"
    if upper < 0:
        return Estimate(0.0, 0.0, math.inf, confidence, f"{method}, which contradict", Guarantee.NONE)
    value = max(evidence.value - bound.value, 0.0)
    exact = evidence.guarantee is bound.guarantee is Guarantee.EXACT
    guarantee = Guarantee.EXACT if exact else Guarantee.ASYMPTOTIC
    if Guarantee.NONE in (evidence.guarantee, bound.guarantee):
        guarantee = Guarantee.NONE
    return Estimate(value, min(max(lower, 0.0), value), max(upper, value), confidence, method, guarantee)


def categorical_elbo(log_joint: ArrayLike, q: ArrayLike) -> np.ndarray:
    """The ELBO of each row for a latent category, exactly: ``sum_k q_k (log_joint_k - log q_k)``, nats.

    Parameters
    ----------
    log_joint : array of shape (n_samples, n_components)
        ``log(w_k N(x_i | mu_k, Sigma_k))`` for a mixture.
    q : array of shape (n_samples, n_components) or (n_components,)
        Probabilities; each row sums to one. `posterior` and `uniform` are the named cases.

    Returns
    -------
    array of shape (n_samples,)
        -inf where q puts mass on a category of joint zero.

    Raises
    ------
    DataError
        If q is no probability, or the shapes do not fit.

    Examples
    --------
    >>> log_joint = np.log([[0.1, 0.3], [0.2, 0.2]])
    >>> np.exp(categorical_elbo(log_joint, posterior(log_joint))).round(12)
    array([0.4, 0.4])
    """
    log_joint, q = np.atleast_2d(np.asarray(log_joint, np.float64)), np.asarray(q, np.float64)
    if (
        q.ndim not in (1, 2)
        or q.shape[-1] != log_joint.shape[1]
        or q[..., :1].size not in (1, len(log_joint))
    ):
        raise DataError(f"q has shape {q.shape} for a joint of {log_joint.shape}", "give one row for each")
    if not ((q >= 0).all() and np.allclose(q.sum(axis=-1), 1, atol=1e-6)):
        raise DataError("q is not a probability over the components", "give rows >= 0 that sum to 1")
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(q > 0, q * (log_joint - np.log(q)), 0.0)
    return terms.sum(axis=1)


def posterior(log_joint: ArrayLike) -> np.ndarray:
    """The q that leaves no gap: each row of the joint, normalised."""
    log_joint = np.atleast_2d(np.asarray(log_joint, np.float64))
    weights = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def uniform(n_components: int) -> np.ndarray:
    """The q that knows nothing."""
    return np.full(check_count("n_components", n_components), 1 / n_components)


def log_joint_of_rows(log_joint: LogJoint, rows: np.ndarray) -> np.ndarray:
    """`log_joint` at each of the rows ``(n, d)``, float64.

    Raises
    ------
    NonFiniteError
        If it is NaN or +inf.
    """
    check_point_function(log_joint, rows.shape[1], "the log-joint")
    values = over_rows(log_joint, rows)
    bad = np.isnan(values) | np.isposinf(values)
    if bad.any():
        raise NonFiniteError(
            f"the log-joint is {values[np.argmax(bad)]} at {rows[np.argmax(bad)]}",
            "give -inf outside the support, and nothing but finite numbers inside",
        )
    return values


def _log_means(log_weights: np.ndarray) -> np.ndarray:
    largest = log_weights.max(axis=1, keepdims=True)
    shift = np.where(np.isneginf(largest), 0.0, largest)
    with np.errstate(divide="ignore"):
        return shift[:, 0] + np.log(np.exp(log_weights - shift).mean(axis=1))


def _mean(strata: list[tuple[float, np.ndarray]], confidence: float, method: str) -> Estimate:
    mean = SampleMean.of(strata, confidence)
    n_terms = sum(len(terms) for _, terms in strata)
    weighted = np.concatenate(
        [(terms - mean.value) * (share * n_terms / len(terms)) for share, terms in strata]
    )
    shape = max(tail_shape(sign * weighted) for sign in (1, -1))
    if n_terms >= 100 and shape > GOOD_PARETO_K and not mean.all_equal:
        method += f", tail too heavy (Pareto k {shape:.2f}): the mean may be infinite"
        return mean.estimate(confidence, method, Guarantee.NONE)
    return mean.estimate(confidence, method)
