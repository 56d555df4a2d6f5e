"""The expected sufficient statistics of a mixture: sums over rows, mergeable in any order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.mixture.families import Family, Floor, Parameters


@dataclass(frozen=True, slots=True)
class ExpectedSums:
    """What one E-step knows of its rows, for R restarts at once.

    `sums` ``(R, K, n_terms)`` are ``sum_i w_i r_ik phi(x_i)``, `log_likelihood` ``(R,)`` is
    ``sum_i w_i log p(x_i)`` in nats, `weight` is ``sum_i w_i``. Sums of different rows add up if they were
    taken in the same frame with the same parameters.
    """

    sums: np.ndarray
    log_likelihood: np.ndarray
    weight: float

    @classmethod
    def zero(cls, n_restarts: int, n_components: int, n_terms: int) -> ExpectedSums:
        """The statistics of no rows."""
        return cls(np.zeros((n_restarts, n_components, n_terms)), np.zeros(n_restarts), 0.0)

    def merge(self, other: ExpectedSums) -> ExpectedSums:
        """The statistics of the rows of both."""
        return ExpectedSums(
            self.sums + other.sums, self.log_likelihood + other.log_likelihood, self.weight + other.weight
        )

    def scaled(self, factor: float) -> ExpectedSums:
        """The statistics of the same rows with every weight multiplied by `factor`."""
        return ExpectedSums(self.sums * factor, self.log_likelihood * factor, self.weight * factor)

    @property
    def mean_log_likelihood(self) -> np.ndarray:
        """Nats per unit of weight, ``(R,)``."""
        return self.log_likelihood / self.weight

    def finish(self, family: Family, n_features: int, floor: Floor) -> Parameters:
        """The M-step."""
        return family.maximise(self.sums, n_features, floor)
