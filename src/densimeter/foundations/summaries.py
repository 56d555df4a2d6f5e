"""Mergeable summaries: sums over rows, so that serial, streamed and distributed fits are one mathematics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np

Finished = TypeVar("Finished", covariant=True)


class Summary(Protocol[Finished]):
    """A small immutable sum over rows.

    ``merge`` is associative and commutative up to rounding, and an empty summary is its neutral element.
    """

    def merge(self, other: Self) -> Self:
        """The summary of the rows of both."""
        ...

    def finish(self) -> Finished:
        """What the rows amount to."""
        ...


@dataclass(frozen=True, slots=True)
class Moments:
    """Weight, mean and scatter of rows, merged without loss of digits.

    The scatter is the sum of ``w (x - mean)(x - mean)^T``, shape ``(n_features, n_features)``. Merging uses
    the pairwise update of Chan, Golub and LeVeque (1983, eq. 1.5), whose error does not grow with the
    distance of the data from the origin.

    Examples
    --------
    >>> rows = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 8.0]])
    >>> whole = Moments.of(rows)
    >>> parts = Moments.of(rows[:1]).merge(Moments.of(rows[1:]))
    >>> bool(np.allclose(whole.scatter, parts.scatter))
    True
    """

    weight: float
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def zero(cls, n_features: int) -> Moments:
        """The summary of no rows."""
        return cls(0.0, np.zeros(n_features), np.zeros((n_features, n_features)))

    @classmethod
    def of(cls, X: np.ndarray, weights: np.ndarray | None = None) -> Moments:
        """The summary of `X`, shape ``(n_samples, n_features)``, with weights ``(n_samples,)`` or all one."""
        X = np.asarray(X, np.float64)
        weights = np.ones(len(X)) if weights is None else np.asarray(weights, np.float64)
        total = float(weights.sum())
        if total == 0:
            return cls.zero(X.shape[1])
        mean = weights @ X / total
        centred = X - mean
        correction = weights @ centred / total  # second pass: rounding of the first mean
        centred -= correction
        return cls(total, mean + correction, (centred * weights[:, None]).T @ centred)

    def merge(self, other: Moments) -> Moments:
        """The summary of the rows of both."""
        weight = self.weight + other.weight
        if weight == 0:
            return self
        step = other.mean - self.mean
        mean = self.mean + step * (other.weight / weight)
        between = np.outer(step, step) * (self.weight * other.weight / weight)
        return Moments(weight, mean, self.scatter + other.scatter + between)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean and the maximum-likelihood covariance (divided by the weight)."""
        return self.mean, self.scatter / self.weight
