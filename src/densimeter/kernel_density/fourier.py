"""The Gaussian sum in one to three dimensions through its Fourier series: linear in rows and in queries.

On a box of period P that is wider than the rows by enough for periodic images to be out of reach,

    S(q) = Σ_i w_i exp(-‖q - x_i‖²/2) = Σ_k φ_k F_k exp(-i ω_k·q),    F_k = Σ_i w_i exp(i ω_k·x_i),

with ``ω_k = 2πk/P`` and ``φ_k = Π_j √(2π)/P_j exp(-ω_kj²/2)``. F is a type-1 non-uniform fast Fourier
transform of the rows (their empirical characteristic function), S one of type 2 at the queries: Barnett,
Magland and af Klinteberg (2019), "A parallel nonuniform fast Fourier transform library".

**Error.** It is absolute, and linear in the weights, so no set of rows is worse than the worst single row:

- images beyond the box: ``4 d exp(-reach²/2)``;
- frequencies beyond Ω: ``2 d (1 - Φ(Ω))``, as ``φ`` falls and its sum is below that integral;
- rounding: proportional to the extent of the box, and to √n for the additions of n rows;
- the transforms: type 1 is wrong by at most ``c ε Σ|w|`` in each F_k, type 2 by ``c ε Σ_k |φ_k F_k|``, and
  ``Σ_k φ_k = 1`` up to the images, hence ``2 c ε`` in all. The bound is the worst of millions of single rows,
  with a factor to spare (tests/kernel_density/test_accuracy.py repeats the search).

An `Accuracy` says how far each of these is driven.

A log-sum is therefore known to ``error / S``; the planner gives queries where that is too much to an exact
engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from densimeter.kernel_density.accuracy import FINE, Accuracy
from densimeter.kernel_density.columns import within
from densimeter.kernel_density.kernel_sum import LogSums
from densimeter.kernel_density.transforms import Transform, transform_at

QUERY_MARGIN = 3.0
"""Queries this many bandwidths outside the rows' box are still answered."""
LARGEST_EXTENT = 1e8
"""In bandwidths; the grid of a larger box would not fit anywhere."""


@dataclass(frozen=True, slots=True)
class FourierBox:
    """The periodic box of a Fourier series, in bandwidths from a centre, and its frequencies ``-K..K``."""

    row_extent: np.ndarray
    query_extent: np.ndarray
    period: np.ndarray
    n_modes: tuple[int, ...]
    accuracy: Accuracy

    @classmethod
    def around(
        cls,
        half_extent: np.ndarray,
        widest: float = 1.0,
        accuracy: Accuracy = FINE,
        query_margin: float = QUERY_MARGIN,
    ) -> FourierBox:
        """The box of rows within ±`half_extent` bandwidths, for bandwidths from one to `widest` units."""
        return cls._of(half_extent, half_extent + query_margin * widest, widest, accuracy)

    @classmethod
    def within(cls, half_extent: np.ndarray, widest: float = 1.0, accuracy: Accuracy = FINE) -> FourierBox:
        """The box of queries within ±`half_extent` bandwidths, and of all rows that matter to them."""
        return cls._of(half_extent + accuracy.reach * widest, half_extent, widest, accuracy)

    @classmethod
    def _of(
        cls, row_extent: np.ndarray, query_extent: np.ndarray, widest: float, accuracy: Accuracy
    ) -> FourierBox:
        period = row_extent + query_extent + accuracy.reach * widest
        cutoffs = np.ceil(accuracy.highest_frequency * period / (2 * math.pi)).astype(int)
        return cls(row_extent, query_extent, period, tuple(int(2 * k + 1) for k in cutoffs), accuracy)

    @property
    def n_coefficients(self) -> float:
        """Number of Fourier coefficients, as a float that cannot overflow."""
        return math.prod(float(n) for n in self.n_modes)

    @property
    def memory(self) -> float:
        """Bytes: coefficients, and the transform's grid that is finer in each column, 16 bytes a number."""
        return 16.0 * self.n_coefficients * (2 + self.accuracy.upsampling ** len(self.n_modes))

    def holds(self, unit_points: np.ndarray) -> np.ndarray:
        """Which points may be rows."""
        return within(unit_points, self.row_extent)

    def answers(self, unit_points: np.ndarray) -> np.ndarray:
        """Which points may be queries."""
        return within(unit_points, self.query_extent)

    def angles(self, unit_points: np.ndarray) -> list[np.ndarray]:
        """Coordinates as angles in [-π, π], one contiguous array per column."""
        turn = 2 * math.pi / self.period
        return [np.ascontiguousarray(unit_points[:, j] * turn[j]) for j in range(len(turn))]

    def transform_at(self, unit_points: np.ndarray) -> Transform:
        """The transform between points and the frequencies."""
        return transform_at(self.angles(unit_points), self.n_modes, self.accuracy)

    def damping(self, width: float = 1.0) -> np.ndarray:
        """Fourier coefficients φ_k of the Gaussian of bandwidth `width`, shape `n_modes`."""
        product = np.ones(())
        for period, n in zip(self.period, self.n_modes, strict=True):
            omega = 2 * math.pi / period * np.arange(-(n // 2), n // 2 + 1)
            column = width * math.sqrt(2 * math.pi) / period * np.exp(-0.5 * (width * omega) ** 2)
            product = np.multiply.outer(product, column)
        return product

    def absolute_error(self, n_rows: int) -> float:
        """Bound on the error of S for `n_rows` rows in the box whose weights sum to one."""
        return self.accuracy.absolute_error(self.row_extent, n_rows)


@dataclass(frozen=True, slots=True)
class FourierSummary:
    """``F_k = Σ_i w_i exp(i ω_k·x_i)`` on a box: a sum over rows, so summaries of one box merge by adding."""

    box: FourierBox
    coefficients: np.ndarray
    weight: float

    @classmethod
    def zero(cls, box: FourierBox) -> FourierSummary:
        """The summary of no rows."""
        return cls(box, np.zeros(box.n_modes, np.complex128), 0.0)

    @classmethod
    def of(cls, box: FourierBox, unit_points: np.ndarray, weights: np.ndarray) -> FourierSummary:
        """The summary of rows inside the box, in bandwidths from its centre."""
        coefficients = box.transform_at(unit_points).coefficients(weights)
        return cls(box, coefficients, float(weights.sum()))

    def merge(self, other: FourierSummary) -> FourierSummary:
        """The summary of the rows of both."""
        return replace(
            self, coefficients=self.coefficients + other.coefficients, weight=self.weight + other.weight
        )

    def finish(self) -> np.ndarray:
        """The empirical characteristic function at the frequencies of the box."""
        return self.coefficients / self.weight

    def sums(self, unit_points: np.ndarray, widths: Sequence[float] = (1.0,)) -> np.ndarray:
        """S at points that the box answers, for the Gaussian of each width, ``(n_widths, n_points)``."""
        transform = self.box.transform_at(unit_points)
        return transform.sums(self.coefficients, [self.box.damping(width) for width in widths])


def as_log_sums(sums: np.ndarray, absolute_error: float | np.ndarray) -> LogSums:
    """Logs of sums known to `absolute_error`; where a sum may be zero nothing is known of its log."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(sums)
        # |log(S ± e) - log S| <= -log(1 - e/S) <= e / (S - e); few temporaries, as they cost more than sums
        error = np.subtract(sums, absolute_error)
        np.divide(absolute_error, error, out=error)
    unknown = ~(sums > absolute_error)
    if unknown.any():
        values[~(sums > 0)] = -np.inf
        error[unknown] = np.inf
    return LogSums(values, error)
