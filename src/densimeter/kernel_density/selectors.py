"""The bandwidth chosen on likelihood: of held-out rows, or of each row under the others.

A scan evaluates every candidate in one pass over the pairs: candidates that are multiples of one shape share
their distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.foundations.errors import DataError, FitError, SettingError
from densimeter.kernel_density.bandwidth import Bandwidth
from densimeter.kernel_density.direct import log_sums_by_differences
from densimeter.kernel_density.profiles import Kernel
from densimeter.kernel_density.rows import WeightedRows


@dataclass(frozen=True, slots=True)
class BandwidthScan:
    """Mean log-likelihood, nats per row, of every candidate bandwidth, and the best of them.

    Parameters
    ----------
    bandwidths : ndarray of shape (n_candidates,) or (n_candidates, n_features)
        The candidates, in the user's units, ascending.
    scores : ndarray of shape (n_candidates,)
    criterion : str
        What the scores are, in a few words.
    """

    bandwidths: np.ndarray
    scores: np.ndarray
    criterion: str

    @property
    def best(self) -> int:
        """Position of the best score."""
        return int(np.argmax(self.scores))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Bandwidths ``factors[k] * shape`` with ascending factors and one shape ``(n_features,)``."""

    shape: np.ndarray
    factors: np.ndarray
    isotropic: bool

    @classmethod
    def of(cls, grid: object, n_features: int) -> Candidates:
        """The grid of numbers a user gave.

        Raises
        ------
        SettingError
            If it is empty or holds anything but positive numbers.
        """
        try:
            numbers = np.asarray(grid, np.float64)
        except (TypeError, ValueError):
            raise SettingError(f"candidates {grid!r} are not numbers", "give a list of numbers") from None
        if numbers.ndim != 1 or numbers.size == 0 or not np.all((numbers > 0) & np.isfinite(numbers)):
            raise SettingError(
                "candidates must be a list of positive numbers", "for example np.geomspace(0.1, 5, 20)"
            )
        numbers = np.unique(numbers)
        unit = numbers[len(numbers) // 2]
        return cls(np.full(n_features, unit), numbers / unit, isotropic=True)

    @classmethod
    def around_rule_of_thumb(cls, rows: WeightedRows, n_candidates: int = 20) -> Candidates:
        """Multiples 0.05 to 2 of the normal reference rule, so that the grid follows each column's unit."""
        factors = np.geomspace(0.05, 2.0, n_candidates)
        return cls(normal_reference(rows), factors, isotropic=False)

    @property
    def bandwidths(self) -> np.ndarray:
        """The candidates in the user's units: numbers, or one row of column bandwidths each."""
        return self.factors * self.shape[0] if self.isotropic else self.factors[:, None] * self.shape


def normal_reference(rows: WeightedRows) -> np.ndarray:
    """Scott's rule per column: standard deviation × n_eff^(-1/(d+4)), shape ``(n_features,)``.

    ``n_eff = 1 / Σ w²`` is the effective number of distinct rows. Scott, Multivariate Density Estimation
    (1992), eq. 6.42.

    Raises
    ------
    DataError
        If a column is constant: no rule can give it a width.
    """
    rows = rows.distinct()
    weights = rows.weights
    mean = weights @ rows.points
    spread = np.sqrt(weights @ (rows.points - mean) ** 2)
    constant = np.flatnonzero(~(spread > 0))
    if len(constant):
        raise DataError(
            f"column {constant[0]} is constant, so n_samples={len(rows)} rows give it no bandwidth",
            "leave the column out, or give bandwidth as a number",
        )
    effective = 1 / np.sum(weights**2)
    return spread * effective ** (-1 / (rows.points.shape[1] + 4))


def scan_held_out(
    rows: WeightedRows, held_out: np.ndarray, candidates: Candidates, kernel: Kernel
) -> BandwidthScan:
    """The mean log-density of rows `held_out` under every candidate."""
    logs = log_sums_by_differences(held_out, rows, candidates.shape, candidates.factors, kernel)
    scores = logs.mean(axis=1) - _log_volumes(candidates, kernel)
    return _checked(BandwidthScan(candidates.bandwidths, scores, "validation log-likelihood"))


def scan_left_out(rows: WeightedRows, candidates: Candidates, kernel: Kernel) -> BandwidthScan:
    """The weighted mean over rows of the log-density of each row under all others.

    Tied rows count as one and are left out together; otherwise the likelihood would grow without bound as the
    bandwidth goes to zero.
    """
    rows = rows.distinct()
    if len(rows) == 1:
        raise DataError(
            "n_samples=1 distinct row cannot choose a bandwidth", "give bandwidth as a number, or more rows"
        )
    logs = log_sums_by_differences(
        rows.points, rows, candidates.shape, candidates.factors, kernel, leave_out=np.arange(len(rows))
    )
    remaining = np.log1p(-rows.weights)
    scores = (logs - remaining) @ rows.weights - _log_volumes(candidates, kernel)
    return _checked(BandwidthScan(candidates.bandwidths, scores, "leave-one-out log-likelihood"))


def _log_volumes(candidates: Candidates, kernel: Kernel) -> np.ndarray:
    n_features = len(candidates.shape)
    shape_volume = Bandwidth(candidates.shape).log_volume
    return kernel.log_normalizer(n_features) + shape_volume + n_features * np.log(candidates.factors)


def _checked(scan: BandwidthScan) -> BandwidthScan:
    if not np.isfinite(scan.scores).any():
        raise FitError(
            "every candidate bandwidth leaves some row without density",
            "give wider candidates, or a kernel without an edge such as 'gaussian'",
        )
    return scan
