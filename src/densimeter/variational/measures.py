"""What sets one divergence apart from another: its integrand, its closed form, when it is infinite.

A divergence of p and q is ``finish(integral of exp(log_scale) * factor)``. All else, quadrature or sampling,
intervals and checks, is the same for all of them (`densimeter.variational.estimation`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from densimeter.variational.closed_forms import beta_kl, beta_renyi, gaussian_kl, gaussian_renyi
from densimeter.variational.densities import Beta, Normal


class Divergence(Protocol):
    """A measure of how far p is from q, in nats; zero only for equals."""

    @property
    def most(self) -> float:
        """The largest value it can take."""
        ...

    @property
    def infinite_outside(self) -> bool:
        """Whether mass of p where q is zero makes it infinite."""
        ...

    @property
    def symmetric(self) -> bool:
        """Whether p and q play the same part, so that the integral runs over both."""
        ...

    def closed_form(self, p: Normal | Beta, q: Normal | Beta) -> float | None:
        """Its value for two of one family, None where no closed form is known."""
        ...

    def integrand(self, log_p: np.ndarray, log_q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``(log_scale, factor)`` of the integrand where the densities are these; -inf where it is zero."""
        ...

    def finish(self, log_scale: float, value: float) -> float:
        """The divergence from the integral ``exp(log_scale) * value``; increasing in the value."""
        ...


@dataclass(frozen=True, slots=True)
class KullbackLeibler:
    """``∫ p log(p / q)``."""

    most: float = math.inf
    infinite_outside: bool = True
    symmetric: bool = False

    def closed_form(self, p: Normal | Beta, q: Normal | Beta) -> float | None:
        """Known for Gaussians and beta distributions."""
        if isinstance(p, Normal) and isinstance(q, Normal):
            return gaussian_kl(p, q)
        return beta_kl(p, q) if isinstance(p, Beta) and isinstance(q, Beta) else None

    def integrand(self, log_p: np.ndarray, log_q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``p`` and ``log p - log q``."""
        return log_p, _difference(log_p, log_q)

    def finish(self, log_scale: float, value: float) -> float:
        """The integral."""
        return _scaled(log_scale, value)


@dataclass(frozen=True, slots=True)
class JensenShannon:
    """``KL(p || m) / 2 + KL(q || m) / 2`` with ``m = (p + q) / 2``; log 2 for disjoint supports."""

    most: float = math.log(2)
    infinite_outside: bool = False
    symmetric: bool = True

    def closed_form(self, p: Normal | Beta, q: Normal | Beta) -> float | None:
        """None is known."""
        return None

    def integrand(self, log_p: np.ndarray, log_q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``m``, and the log ratios of p and q to it, each weighted by its share of m."""
        log_m = np.logaddexp(log_p, log_q) - math.log(2)
        above_p, above_q = _difference(log_p, log_m), _difference(log_q, log_m)
        return log_m, (np.exp(above_p) * above_p + np.exp(above_q) * above_q) / 2

    def finish(self, log_scale: float, value: float) -> float:
        """The integral."""
        return _scaled(log_scale, value)


@dataclass(frozen=True, slots=True)
class Renyi:
    """``log(∫ p^alpha q^(1 - alpha)) / (alpha - 1)``, alpha > 0 and not 1."""

    alpha: float
    most: float = math.inf
    symmetric: bool = False

    @property
    def infinite_outside(self) -> bool:
        """Above order 1."""
        return self.alpha > 1

    def closed_form(self, p: Normal | Beta, q: Normal | Beta) -> float | None:
        """Known for Gaussians and beta distributions."""
        if isinstance(p, Normal) and isinstance(q, Normal):
            return gaussian_renyi(p, q, self.alpha)
        return beta_renyi(p, q, self.alpha) if isinstance(p, Beta) and isinstance(q, Beta) else None

    def integrand(self, log_p: np.ndarray, log_q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``± p^alpha q^(1 - alpha)``, negative below order 1 so that `finish` increases."""
        zero = np.isneginf(log_p) | np.isneginf(log_q)
        with np.errstate(invalid="ignore"):
            log_scale = np.where(zero, -math.inf, self.alpha * log_p + (1 - self.alpha) * log_q)
        return log_scale, np.full(log_p.shape, math.copysign(1.0, self.alpha - 1))

    def finish(self, log_scale: float, value: float) -> float:
        """``log |integral| / (alpha - 1)``; infinite where nothing overlaps."""
        mass = math.copysign(value, value * (self.alpha - 1))
        if mass <= 0:
            return math.inf if self.alpha < 1 else -math.inf
        return (log_scale + math.log(mass)) / (self.alpha - 1)


def _difference(log_a: np.ndarray, log_b: np.ndarray) -> np.ndarray:
    """``log a - log b``, zero where a is."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(log_a), 0.0, log_a - log_b)


def _scaled(log_scale: float, value: float) -> float:
    return value * math.exp(log_scale) if value else 0.0
