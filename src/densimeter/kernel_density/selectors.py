"""The bandwidth chosen from candidates: on likelihood or squared error, of held-out or of left-out rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from densimeter.foundations.checks import check_number
from densimeter.foundations.errors import DataError, DensimeterWarning, FitError, SettingError
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.metrics import MetricSum
from densimeter.kernel_density.profiles import Gaussian, Kernel
from densimeter.kernel_density.rules import reference_widths
from densimeter.kernel_density.scans import log_sums_over

N_CANDIDATES = 20
WIDEST, NARROWEST = 2.0, 0.05
"""The default candidates, as multiples of Scott's rule."""
FLOOR, CEILING = 1e-6, 1e9
"""The default search goes no further down or up, in multiples of Scott's rule."""


@dataclass(frozen=True, slots=True)
class BandwidthScan:
    """The score of every candidate bandwidth, and the best of them.

    Parameters
    ----------
    bandwidths : ndarray of shape (n_candidates,) or (n_candidates, n_features)
        The candidates, in the user's units, ascending.
    scores : ndarray of shape (n_candidates,)
        Larger is better; -inf where a row has no density.
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

    def extended(self, wider: BandwidthScan) -> BandwidthScan:
        """The scan followed by one of wider candidates."""
        return BandwidthScan(
            np.concatenate([self.bandwidths, wider.bandwidths]),
            np.concatenate([self.scores, wider.scores]),
            self.criterion,
        )

    def plot(self, ax: object = None) -> object:
        """The scores over bandwidth, the best marked, on matplotlib axes."""
        from densimeter.plotting.bandwidth_scan import plot_bandwidth_scan

        return plot_bandwidth_scan(self, ax)  # pyright: ignore[reportArgumentType]


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
            If it is empty, holds anything but positive numbers, or spans over 100 orders of magnitude.
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
        if not (numbers[-1] / 1e100 < numbers[0] and 1e-290 < unit < 1e290):
            raise SettingError("candidates span too wide a range", "keep them within 100 orders of magnitude")
        return cls(np.full(n_features, unit), numbers / unit, isotropic=True)

    @classmethod
    def around_rule_of_thumb(cls, rows: WeightedRows) -> Candidates:
        """Multiples of Scott's rule, so that the grid follows each column's unit."""
        return cls(reference_widths(rows), np.geomspace(NARROWEST, WIDEST, N_CANDIDATES), isotropic=False)

    @property
    def bandwidths(self) -> np.ndarray:
        """The candidates in the user's units: numbers, or one row of column bandwidths each."""
        return self.factors * self.shape[0] if self.isotropic else self.factors[:, None] * self.shape

    def log_volumes(self, kernel: Kernel) -> np.ndarray:
        """What log-sums lose to become log-densities, for each candidate."""
        n_features = len(self.shape)
        shape_volume = float(np.log(self.shape).sum())
        return kernel.log_normalizer(n_features) + shape_volume + n_features * np.log(self.factors)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What candidates are judged on: training rows, tied ones made one, and perhaps held-out rows."""

    rows: WeightedRows
    held_out: np.ndarray | None
    kernel: Kernel
    log_tol: float

    def log_densities(self, candidates: Candidates) -> np.ndarray:
        """Of each held-out row, or of each row under all others, ``(n_candidates, n_rows)``."""
        kernel_sum = KernelSum(self.rows, candidates.shape, self.kernel)
        logs = log_sums_over(kernel_sum, self.held_out, candidates.factors, self.log_tol)
        if self.held_out is None:
            logs = logs - np.log1p(-self.rows.weights)
        return logs - candidates.log_volumes(self.kernel)[:, None]

    @property
    def weights(self) -> np.ndarray:
        """Of the rows in `log_densities`, summing to one."""
        if self.held_out is None:
            return self.rows.weights
        return np.full(len(self.held_out), 1 / len(self.held_out))

    @property
    def source(self) -> str:
        """Whose densities they are, in a word."""
        return "leave-one-out" if self.held_out is None else "validation"


class Criterion(Protocol):
    """A score of candidates, larger is better."""

    name: str

    def scores(self, evidence: Evidence, candidates: Candidates) -> np.ndarray:
        """The score of each candidate."""
        ...


class Likelihood:
    """The mean log-density, nats per row."""

    name = "log-likelihood"

    def scores(self, evidence: Evidence, candidates: Candidates) -> np.ndarray:
        """Weighted means of log-densities; -inf where a row has none."""
        return evidence.log_densities(candidates) @ evidence.weights


class SquaredError:
    """Minus the integrated squared error up to a constant: ``2 mean p(x) - ∫ p²``.

    For the Gaussian ``∫ p² = Σ_i w_i S(x_i)`` with S the sum at bandwidth √2 h. Bowman (1984); Rudemo (1982).
    """

    name = "negative squared error"

    def scores(self, evidence: Evidence, candidates: Candidates) -> np.ndarray:
        """The score of each candidate, in density units."""
        if not isinstance(evidence.kernel, Gaussian):
            raise SettingError("bandwidth='lscv' needs the Gaussian kernel", "choose bandwidth='likelihood'")
        wider = replace(candidates, factors=candidates.factors * math.sqrt(2))
        kernel_sum = KernelSum(evidence.rows, candidates.shape, evidence.kernel)
        overlaps = log_sums_over(kernel_sum, evidence.rows.points, wider.factors, evidence.log_tol)
        overlaps -= wider.log_volumes(evidence.kernel)[:, None]
        integral = np.exp(overlaps) @ evidence.rows.weights
        return 2 * np.exp(evidence.log_densities(candidates)) @ evidence.weights - integral


CRITERIA: Mapping[str, Criterion] = {"likelihood": Likelihood(), "lscv": SquaredError()}
"""The criteria by name."""


def scan(
    criterion: Criterion,
    rows: WeightedRows,
    held_out: np.ndarray | None,
    grid: object,
    kernel: Kernel,
    log_tol: float,
) -> BandwidthScan:
    """Score the candidates of `grid`, or without one multiples of Scott's rule, outwards as far as need be.

    Tied rows count as one and are left out together; otherwise the leave-one-out likelihood would grow
    without bound as the bandwidth goes to zero.

    Raises
    ------
    DataError
        If there is only one distinct row, or a constant column and no grid.
    FitError
        If no candidate gives every row a density.
    """
    distinct = rows.distinct()
    if held_out is None and len(distinct) == 1:
        raise DataError(
            "n_samples=1 distinct row cannot choose a bandwidth", "give bandwidth as a number, or more rows"
        )
    evidence = Evidence(distinct, held_out, kernel, log_tol)
    if grid is None:
        found = _search(criterion, evidence, Candidates.around_rule_of_thumb(rows))
    else:
        found = _scored(criterion, evidence, Candidates.of(grid, rows.points.shape[1]))
    if not np.isfinite(found.scores).any():
        raise FitError(
            "every candidate bandwidth leaves some row without density",
            "give wider candidates, or a kernel without an edge such as 'gaussian'",
        )
    return found


def _scored(criterion: Criterion, evidence: Evidence, candidates: Candidates) -> BandwidthScan:
    scores = criterion.scores(evidence, candidates)
    return BandwidthScan(candidates.bandwidths, scores, f"{evidence.source} {criterion.name}")


def _search(criterion: Criterion, evidence: Evidence, candidates: Candidates) -> BandwidthScan:
    """The default grid, and further candidates beyond it as long as need be."""

    def scored(factors: np.ndarray) -> BandwidthScan:
        return _scored(criterion, evidence, replace(candidates, factors=factors))

    return _outwards(candidates.factors, scored, CEILING)


def _outwards(
    factors: np.ndarray, scored: Callable[[np.ndarray], BandwidthScan], highest: float
) -> BandwidthScan:
    """The scan of a geometric grid, and as long as its best is at an end, as many candidates again beyond it.

    So also while every candidate leaves some row without density, as kernels with an edge do to rows by
    themselves.
    """
    found, ratio = scored(factors), factors[1] / factors[0]
    narrowest, widest = factors[0], factors[-1]
    while found.best == len(found.scores) - 1 or not np.isfinite(found.scores).any():
        further = widest * ratio ** np.arange(1, N_CANDIDATES + 1)
        further = further[further <= highest]
        if not len(further):
            _warn_of_limit("widest", "rows that lie far from all others, or evenly everywhere")
            break
        found, widest = found.extended(scored(further)), further[-1]
    while found.best == 0 and np.isfinite(found.scores[0]):
        further = narrowest * ratio ** np.arange(-N_CANDIDATES, 0)
        further = further[further >= FLOOR]
        if len(further) < 2:
            _warn_of_limit("narrowest", "rows that are rounded or nearly tied")
            break
        found, narrowest = scored(further).extended(found), further[0]
    return found


def _warn_of_limit(end: str, cause: str) -> None:
    warnings.warn(
        f"the {end} bandwidth searched is the best\nlook for {cause}; give candidates or a bandwidth",
        DensimeterWarning,
        stacklevel=5,
    )


def chosen_width(
    metric_sum: MetricSum,
    rows: WeightedRows,
    bandwidth: object,
    grid: object,
    held_out: np.ndarray | None,
) -> tuple[float, BandwidthScan | None]:
    """The one width of a sum under another metric: given, by scikit-learn's formulas, or the likeliest.

    The formulas are ``n^(-1/(d+4))`` for "scott" and ``(n (d + 2) / 4)^(-1/(d+4))`` for "silverman", whatever
    the unit of the distances. Candidates are judged on the validation rows, or each row under all others.

    Raises
    ------
    SettingError
        If the bandwidth is neither a positive number nor one of the words.
    """
    n, d = rows.points.shape
    if bandwidth in ("scott", "silverman"):
        return float((n if bandwidth == "scott" else n * (d + 2) / 4) ** (-1 / (d + 4))), None
    if bandwidth != "likelihood":
        return check_number("bandwidth", bandwidth, above=0), None
    distinct = rows.distinct()
    if held_out is None and len(distinct) == 1:
        raise DataError(
            "n_samples=1 distinct row cannot choose a bandwidth", "give bandwidth as a number, or more rows"
        )
    metric_sum = metric_sum.over(distinct)
    source = "leave-one-out" if held_out is None else "validation"

    def scored(widths: np.ndarray) -> BandwidthScan:
        scores = [_mean_score(metric_sum, distinct, held_out, width) for width in widths]
        return BandwidthScan(widths, np.array(scores), f"{source} log-likelihood")

    if grid is not None:
        found = scored(Candidates.of(grid, 1).bandwidths)
    else:
        unit = metric_sum.typical_distance() * n ** (-1 / (d + 4))
        factors = np.geomspace(NARROWEST, WIDEST, N_CANDIDATES)
        found = _outwards(factors, lambda f: scored(unit * f), min(CEILING, metric_sum.widest / unit))
    if not np.isfinite(found.scores).any():
        raise FitError(
            "every candidate bandwidth leaves some row without density",
            "give wider candidates, or a kernel without an edge such as 'gaussian'",
        )
    return float(found.bandwidths[found.best]), found


def _mean_score(
    metric_sum: MetricSum, rows: WeightedRows, held_out: np.ndarray | None, width: float
) -> float:
    if held_out is not None:
        return float(np.mean(metric_sum.log_densities(held_out, width)))
    return float(rows.weights @ metric_sum.log_densities_of_others(width))
