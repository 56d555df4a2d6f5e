"""What variational Bayes believes before it sees rows: priors of weights, means and precisions.

The weights' priors are objects with one behaviour. A concentration, prior or posterior, is an array
``(..., c, K)`` with c parameters for each component: c = 2 for sticks of a Dirichlet process, c = 1 for a
Dirichlet distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.special import betaln, digamma, gammaln

from densimeter.mixture.families import Family
from densimeter.mixture.frame import Frame


class WeightPrior(Protocol):
    """What the updates and the bound ask of a prior of the weights."""

    @property
    def concentration(self) -> float:
        """The positive number that the prior is known by: the larger, the more components are used."""
        ...

    def update(self, counts: np.ndarray) -> np.ndarray:
        """The posterior concentration ``(..., c, K)`` after expected counts ``(..., K)``."""
        ...

    def expected_log_weights(self, concentration: np.ndarray) -> np.ndarray:
        """``E_q[log pi_k]``, shape ``(..., K)``."""
        ...

    def mean_weights(self, concentration: np.ndarray) -> np.ndarray:
        """``E_q[pi_k]``, normalised, shape ``(..., K)``."""
        ...

    def divergence(self, concentration: np.ndarray) -> np.ndarray:
        """``KL(q || p)`` of the weights, nats, shape ``(...)``."""
        ...

    def to_attribute(self, concentration: np.ndarray) -> Any:
        """One posterior concentration ``(c, K)`` as scikit-learn stores it."""
        ...

    def from_attribute(self, stored: Any) -> np.ndarray:
        """The way back."""
        ...


@dataclass(frozen=True, slots=True)
class DirichletProcess:
    """Sticks broken one after the other: ``v_k ~ Beta(1, gamma)``, ``pi_k = v_k prod_{l<k} (1 - v_l)``.

    Only the first K components have rows; the sticks after them keep their prior, so that the bound is one
    on the evidence of the infinite mixture (Kurihara, Welling and Vlassis, 2007, sec. 3.1).
    """

    concentration: float

    def update(self, counts: np.ndarray) -> np.ndarray:
        """The sticks' two parameters: members of the component, and of all that come after it."""
        after = np.flip(np.cumsum(np.flip(counts, -1), -1), -1) - counts
        after[..., -1] = 0.0  # not what rounding leaves of it
        return np.stack([1 + counts, self.concentration + np.maximum(after, 0.0)], -2)

    def expected_log_weights(self, concentration: np.ndarray) -> np.ndarray:
        """``E[log v_k] + sum_{l<k} E[log(1 - v_l)]``."""
        own, rest = concentration[..., 0, :], concentration[..., 1, :]
        total = digamma(own + rest)
        passed = np.cumsum(digamma(rest) - total, -1)
        return digamma(own) - total + np.concatenate([np.zeros_like(own[..., :1]), passed[..., :-1]], -1)

    def mean_weights(self, concentration: np.ndarray) -> np.ndarray:
        """``E[v_k] prod_{l<k} (1 - E[v_l])``, divided by their sum."""
        own, rest = concentration[..., 0, :], concentration[..., 1, :]
        passed = np.cumprod(rest / (own + rest), -1)
        weights = own / (own + rest) * np.concatenate([np.ones_like(own[..., :1]), passed[..., :-1]], -1)
        return weights / weights.sum(-1, keepdims=True)

    def divergence(self, concentration: np.ndarray) -> np.ndarray:
        """The sum over K sticks of ``KL(Beta(a, b) || Beta(1, gamma))``."""
        own, rest = concentration[..., 0, :], concentration[..., 1, :]
        members, after = own - 1, rest - self.concentration
        moved = members * digamma(own) + after * digamma(rest) - (members + after) * digamma(own + rest)
        return (betaln(1, self.concentration) - betaln(own, rest) + moved).sum(-1)

    def to_attribute(self, concentration: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A pair of arrays ``(K,)``."""
        return concentration[0], concentration[1]

    def from_attribute(self, stored: Any) -> np.ndarray:
        """The pair, stacked."""
        return np.stack([np.asarray(part, np.float64) for part in stored])


@dataclass(frozen=True, slots=True)
class DirichletDistribution:
    """Weights of K components, ``pi ~ Dirichlet(alpha, ..., alpha)``."""

    concentration: float

    def update(self, counts: np.ndarray) -> np.ndarray:
        """``alpha + N_k``."""
        return (self.concentration + counts)[..., None, :]

    def expected_log_weights(self, concentration: np.ndarray) -> np.ndarray:
        """``psi(alpha_k) - psi(sum alpha)``."""
        alpha = concentration[..., 0, :]
        return digamma(alpha) - digamma(alpha.sum(-1, keepdims=True))

    def mean_weights(self, concentration: np.ndarray) -> np.ndarray:
        """``alpha_k / sum alpha``."""
        alpha = concentration[..., 0, :]
        return alpha / alpha.sum(-1, keepdims=True)

    def divergence(self, concentration: np.ndarray) -> np.ndarray:
        """``KL(Dirichlet(alpha_k) || Dirichlet(alpha))``."""
        alpha, prior = concentration[..., 0, :], self.concentration
        k, total = alpha.shape[-1], alpha.sum(-1)
        norms = gammaln(total) - gammaln(alpha).sum(-1) - gammaln(k * prior) + k * gammaln(prior)
        return norms + ((alpha - prior) * (digamma(alpha) - digamma(total)[..., None])).sum(-1)

    def to_attribute(self, concentration: np.ndarray) -> np.ndarray:
        """An array ``(K,)``."""
        return concentration[0]

    def from_attribute(self, stored: Any) -> np.ndarray:
        """The array with its axis of one parameter."""
        return np.asarray(stored, np.float64)[None]


WEIGHT_PRIORS: dict[str, Callable[[float], WeightPrior]] = {
    "dirichlet_process": DirichletProcess,
    "dirichlet_distribution": DirichletDistribution,
}
"""What the words of ``weight_concentration_prior_type`` stand for."""


@dataclass(frozen=True, slots=True)
class Prior:
    """The prior of weights, and of each component's mean and precision (Bishop, 2006, eq. 10.40).

    ``Lambda ~ Wishart(C^-1, nu)`` and ``mu ~ N(m, (beta Lambda)^-1)``, where C, shaped as one covariance of
    the family, is `covariance`. Each row is taken as blurred by independent noise with variances `blur`,
    ``(d,)``.
    """

    weights: WeightPrior
    mean: np.ndarray
    mean_precision: float
    degrees_of_freedom: float
    covariance: np.ndarray
    blur: np.ndarray

    def inward(self, family: Family, frame: Frame) -> Prior:
        """The prior, given in the user's coordinates, in the frame's; `blur` is in the frame's already."""
        return replace(
            self,
            mean=(self.mean - frame.location) / frame.scale,
            covariance=family.rescale(self.covariance, 1 / frame.scale),
        )
