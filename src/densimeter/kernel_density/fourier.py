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
  ``Σ_k φ_k = 1`` up to the images, hence ``2 c ε`` in all. c is taken from the worst of millions of single
  rows, with a factor to spare (tests/kernel_density/test_fourier.py repeats the search).

A log-sum is therefore known to ``error / S``; the planner gives queries where that is too much to an exact
engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import finufft
import numpy as np
from scipy.special import ndtr

from densimeter.kernel_density.kernel_sum import KernelSum, LogSums

REACH = 8.3
"""Distance in bandwidths at which a periodic image is forgotten: 4 exp(-8.3²/2) = 4e-15."""
HIGHEST_FREQUENCY = 7.8
"""In radians per bandwidth: 2 (1 - Φ(7.8)) = 6e-15."""
QUERY_MARGIN = 3.0
"""Queries this many bandwidths outside the rows' box are still answered."""
TRANSFORM_TOLERANCE = 1e-13
TRANSFORM_ERROR = 3e-13
"""Bound on the error of both transforms together at `TRANSFORM_TOLERANCE`; the worst seen is 6e-14."""
ROUNDING_PER_BANDWIDTH = 1e-15
"""Coordinates far from the centre are rounded; the worst seen is 3e-16 for each bandwidth of extent."""


SMALL_TRANSFORM = 1e8
"""Operations below which a transform runs on one thread."""


@dataclass(frozen=True, slots=True)
class FourierBox:
    """The periodic box of a Fourier series, in bandwidths from a centre, and its frequencies ``-K..K``."""

    half_extent: np.ndarray
    period: np.ndarray
    n_modes: tuple[int, ...]

    @classmethod
    def around(cls, half_extent: np.ndarray, widest: float = 1.0) -> FourierBox:
        """The box of rows within ±`half_extent` bandwidths, for bandwidths from one to `widest` units."""
        period = 2 * half_extent + (REACH + QUERY_MARGIN) * widest
        cutoffs = np.ceil(HIGHEST_FREQUENCY * period / (2 * math.pi)).astype(int)
        return cls(half_extent, period, tuple(int(2 * k + 1) for k in cutoffs))

    @property
    def n_coefficients(self) -> float:
        """Number of Fourier coefficients, as a float that cannot overflow."""
        return math.prod(float(n) for n in self.n_modes)

    @property
    def memory(self) -> float:
        """Bytes: coefficients and the transform's grid, twice finer in each column, 16 bytes a number."""
        return 16.0 * self.n_coefficients * (2 + 2 ** len(self.n_modes))

    def covers(self, unit_points: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Which points lie in the rows' box widened by `margin` bandwidths."""
        return np.all(np.abs(unit_points) <= self.half_extent + margin, axis=1)

    def angles(self, unit_points: np.ndarray) -> list[np.ndarray]:
        """Coordinates as angles in [-π, π], one contiguous array per column."""
        turn = 2 * math.pi / self.period
        return [np.ascontiguousarray(unit_points[:, j] * turn[j]) for j in range(len(turn))]

    def damping(self, width: float = 1.0) -> np.ndarray:
        """Fourier coefficients φ_k of the Gaussian of bandwidth `width`, shape `n_modes`."""
        product = np.ones(())
        for period, n in zip(self.period, self.n_modes, strict=True):
            omega = 2 * math.pi / period * np.arange(-(n // 2), n // 2 + 1)
            column = width * math.sqrt(2 * math.pi) / period * np.exp(-0.5 * (width * omega) ** 2)
            product = np.multiply.outer(product, column)
        return product

    def absolute_error(self, n_rows: int) -> float:
        """Bound on the error of S for `n_rows` rows whose weights sum to one."""
        d = len(self.n_modes)
        images = 4 * d * math.exp(-0.5 * REACH**2)
        truncation = 2 * d * float(ndtr(-HIGHEST_FREQUENCY))
        rounding = ROUNDING_PER_BANDWIDTH * self.half_extent.max() + np.finfo(float).eps * math.sqrt(n_rows)
        return images + truncation + TRANSFORM_ERROR + float(rounding)


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
        coefficients = _Transform(1, box, unit_points)(weights.astype(np.complex128))
        return cls(box, coefficients, float(weights.sum()))

    def merge(self, other: FourierSummary) -> FourierSummary:
        """The summary of the rows of both."""
        return replace(
            self, coefficients=self.coefficients + other.coefficients, weight=self.weight + other.weight
        )

    def finish(self) -> np.ndarray:
        """The empirical characteristic function at the frequencies of the box."""
        return self.coefficients / self.weight

    def sums(self, unit_points: np.ndarray, width: float = 1.0) -> np.ndarray:
        """S at points within the box and its margin, for the Gaussian of bandwidth `width`."""
        return np.real(_Transform(2, self.box, unit_points)(self.coefficients * self.box.damping(width)))

    def sums_of_widths(self, unit_points: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """S for each bandwidth, ``(n_widths, n_points)``.

        Sums are real, so one transform answers two bandwidths: one is carried as the imaginary part.
        """
        sums = np.empty((len(widths), len(unit_points)))
        transform = _Transform(2, self.box, unit_points)
        for first in range(0, len(widths), 2):
            damping = self.box.damping(widths[first]).astype(np.complex128)
            if first + 1 < len(widths):
                damping += 1j * self.box.damping(widths[first + 1])
            both = transform(self.coefficients * damping)
            sums[first] = np.real(both)
            if first + 1 < len(widths):
                sums[first + 1] = np.imag(both)
        return sums


def _threads(box: FourierBox, n_points: int) -> dict[str, Any]:
    """One thread for a small transform, where waking the others costs more than they give; else all."""
    operations = n_points * 14.0 ** len(box.n_modes) + 20 * box.n_coefficients * 2 ** len(box.n_modes)
    return {"nthreads": 1} if operations < SMALL_TRANSFORM else {}


class _Transform:
    """A non-uniform transform of type 1 or 2 at given points; the points are sorted once."""

    def __init__(self, kind: int, box: FourierBox, unit_points: np.ndarray):
        self.plan = finufft.Plan(
            kind,
            box.n_modes,
            eps=TRANSFORM_TOLERANCE,
            isign=1 if kind == 1 else -1,
            **_threads(box, len(unit_points)),
        )
        self.angles = box.angles(unit_points)  # the plan refers to them
        self.plan.setpts(*self.angles)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(self.plan.execute(np.ascontiguousarray(values)))


class FourierEngine:
    """The Fourier series of one kernel sum; the rows are transformed once, when first asked."""

    def __init__(self, kernel_sum: KernelSum):
        self.kernel_sum = kernel_sum
        self.box = FourierBox.around(kernel_sum.half_extent)
        self._summary: FourierSummary | None = None

    @property
    def summary(self) -> FourierSummary:
        """The transformed rows."""
        if self._summary is None:
            self._summary = FourierSummary.of(
                self.box, self.kernel_sum.unit_points, self.kernel_sum.rows.weights
            )
        return self._summary

    @property
    def is_transformed(self) -> bool:
        """Whether the rows have been transformed already."""
        return self._summary is not None

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums of queries, and ``error / S`` for each; -inf with infinite error outside the box."""
        unit_queries = self.kernel_sum.in_units(queries)
        inside = self.box.covers(unit_queries, QUERY_MARGIN)
        sums = np.zeros(len(queries))
        if inside.all():
            sums = self.summary.sums(unit_queries)
        elif inside.any():
            sums[inside] = self.summary.sums(unit_queries[inside])
        return as_log_sums(sums, self.box.absolute_error(len(self.kernel_sum.rows)))


def as_log_sums(sums: np.ndarray, absolute_error: float) -> LogSums:
    """Logs of sums known to `absolute_error`; where a sum may be zero nothing is known of its log."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(sums > 0, np.log(sums), -np.inf)
        # |log(S ± e) - log S| <= -log(1 - e/S)
        error = np.where(sums > absolute_error, -np.log1p(-absolute_error / sums), np.inf)
    return LogSums(values, error)
