"""Families of whole rows: the normal and the t distribution with full covariance, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from densimeter.foundations.errors import FitError

MOST_FREEDOM = 1000.0
"""Degrees of freedom from which a t distribution is a normal one for any table."""
_TOLERANCE, _MOST_STEPS = 1e-9, 1000


class RowFamily(Protocol):
    """A parametric family of densities of rows."""

    def fit(self, rows: np.ndarray, weights: np.ndarray | None = None) -> RowDensity:
        """The member that makes the rows ``(n, d)``, standardised by the caller, most likely."""
        ...


class RowDensity(Protocol):
    """A member of such a family."""

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        """Log-density of each row, nats, ``(n,)``."""
        ...

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Independent rows ``(n_samples, d)``."""
        ...

    def parameters(self, location: np.ndarray, scale: np.ndarray) -> Mapping[str, Any]:
        """In the units of ``location + scale * row``."""
        ...


@dataclass(frozen=True, slots=True)
class FrozenRows:
    """One of scipy's frozen multivariate distributions with a place, a shape matrix and perhaps more."""

    distribution: Any
    place: tuple[str, np.ndarray]
    matrix: tuple[str, np.ndarray]
    others: Mapping[str, float]

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        """Log-density of each row, nats, ``(n,)``."""
        return np.atleast_1d(self.distribution.logpdf(rows))

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Independent rows ``(n_samples, d)``."""
        drawn = self.distribution.rvs(size=n_samples, random_state=generator)
        return np.asarray(drawn).reshape(n_samples, len(self.place[1]))

    def parameters(self, location: np.ndarray, scale: np.ndarray) -> Mapping[str, Any]:
        """In the units of ``location + scale * row``."""
        with np.errstate(over="ignore", under="ignore"):  # variances of rows beyond 1e154 are no float64
            matrix = self.matrix[1] * np.outer(scale, scale)
        return {self.place[0]: location + scale * self.place[1], self.matrix[0]: matrix, **self.others}


@dataclass(frozen=True, slots=True)
class MultivariateNormal:
    """Mean and covariance of the rows."""

    def fit(self, rows: np.ndarray, weights: np.ndarray | None = None) -> RowDensity:
        """The normal density with the mean and the covariance (divided by n) of the rows."""
        mean, covariance = _moments(rows, weights)
        _refuse_singular(covariance)
        family: Any = stats.multivariate_normal  # its annotations claim that parameters are int
        normal = family(mean, covariance)
        return FrozenRows(normal, ("mean", mean), ("cov", covariance), {})


@dataclass(frozen=True, slots=True)
class MultivariateT:
    """The t distribution: a common scale mixture makes far rows less surprising.

    The ECME algorithm: location and shape by the weighted moments of EM, the degrees of freedom by a line
    search of the likelihood itself. Source: Liu and Rubin, "ML estimation of the t distribution using EM and
    its extensions, ECM and ECME", Statistica Sinica 5 (1995).
    """

    def fit(self, rows: np.ndarray, weights: np.ndarray | None = None) -> RowDensity:
        """The t density that makes the rows most likely."""
        n, d = rows.shape
        shares = np.full(n, 1 / n) if weights is None else weights / weights.sum()
        location, shape = _moments(rows, weights)
        freedom, before = 10.0, -np.inf
        for _ in range(_MOST_STEPS):
            _refuse_singular(shape)
            distances = _squared_distances(rows - location, shape)
            pulls = shares * (freedom + d) / (freedom + distances)
            location = pulls @ rows / pulls.sum()
            centred = rows - location
            shape = (centred.T * pulls) @ centred
            distances = _squared_distances(centred, shape)
            freedom, likelihood = _best_freedom(distances, shares, np.linalg.slogdet(shape)[1], d)
            if likelihood - before <= _TOLERANCE:
                break
            before = likelihood
        family: Any = stats.multivariate_t  # as above
        t = family(location, shape, freedom)
        return FrozenRows(t, ("loc", location), ("shape", shape), {"df": freedom})


ROW_FAMILIES: Mapping[str, RowFamily] = {
    "multivariate_normal": MultivariateNormal(),
    "multivariate_t": MultivariateT(),
}
"""What a user's word for a family of whole rows stands for."""


def _moments(rows: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    covariance = np.cov(rows, rowvar=False, ddof=0, aweights=weights)
    return np.average(rows, axis=0, weights=weights), covariance.reshape(rows.shape[1], -1)


def _best_freedom(
    distances: np.ndarray, shares: np.ndarray, log_determinant: float, d: int
) -> tuple[float, float]:
    """Degrees of freedom of the highest mean log-likelihood, given squared distances and shares ``(n,)``."""

    def mean_loss(log_freedom: float) -> float:
        nu = np.exp(log_freedom)
        constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - 0.5 * (d * np.log(nu * np.pi) + log_determinant)
        return float(0.5 * (nu + d) * (shares @ np.log1p(distances / nu)) - constant)

    found: Any = minimize_scalar(
        mean_loss, bounds=(np.log(0.05), np.log(MOST_FREEDOM)), method="bounded", options={"xatol": 1e-9}
    )
    return float(np.exp(found.x)), -float(found.fun)


def _squared_distances(centred: np.ndarray, shape: np.ndarray) -> np.ndarray:
    z = np.linalg.solve(np.linalg.cholesky(shape), centred.T)
    return (z * z).sum(axis=0)


def _refuse_singular(covariance: np.ndarray) -> None:
    smallest = np.linalg.eigvalsh(covariance)[0]
    if not smallest > 1e-10 * len(covariance):
        raise FitError(
            "the columns are linearly dependent: their covariance is singular", "leave one of them out"
        )
