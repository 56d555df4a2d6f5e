"""Which engine answers: the one predicted to be fastest, or an exact one where its error is too large.

The predictions are the number of operations times a rate measured once on two ordinary cores; only their
ratios matter. What decides for the tree, the share of rows near a query, is measured on a small sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from densimeter.foundations.errors import SettingError
from densimeter.kernel_density.direct import DirectEngine
from densimeter.kernel_density.fourier import FourierBox, FourierEngine
from densimeter.kernel_density.kernel_sum import Engine, KernelSum, LogSums
from densimeter.kernel_density.profiles import Gaussian
from densimeter.kernel_density.tree import BLOCK, TreeEngine

MOST_GRID_BYTES = 2**30
"""A Fourier grid that would need more memory is not considered."""

SECONDS_PER_GAUSSIAN_PAIR = 0.6e-9
SECONDS_PER_PAIR = 3e-9
SECONDS_PER_POINT_AND_CELL = 0.8e-9
SECONDS_PER_GRID_NUMBER = 5e-8
SECONDS_PER_ROW_AND_CUT = 1.5e-8
SECONDS_PER_CALL = 2e-3
TRANSFORM_CELLS = 14
"""Cells per column that one point touches in the transform."""


def transform_seconds(box: FourierBox, n_points: float) -> float:
    """Predicted time of one transform of `n_points` points on `box`."""
    n_features = len(box.n_modes)
    cells = TRANSFORM_CELLS**n_features + 60  # 60: sorting and kernel values
    grid = box.n_coefficients * 2**n_features
    return 1e-3 + n_points * cells * SECONDS_PER_POINT_AND_CELL + grid * SECONDS_PER_GRID_NUMBER


@dataclass(frozen=True)
class Planner:
    """The engines of one kernel sum, each made when it is first used.

    Parameters
    ----------
    kernel_sum : KernelSum
    """

    kernel_sum: KernelSum

    @cached_property
    def direct(self) -> DirectEngine:
        """Every pair."""
        return DirectEngine(self.kernel_sum)

    @cached_property
    def tree(self) -> TreeEngine:
        """Near blocks of pairs."""
        return TreeEngine(self.kernel_sum)

    @cached_property
    def fourier(self) -> FourierEngine:
        """The Fourier series; rows are transformed once."""
        return FourierEngine(self.kernel_sum)

    @property
    def fourier_is_possible(self) -> bool:
        """Gaussian, at most three columns, and a grid that fits."""
        return (
            isinstance(self.kernel_sum.kernel, Gaussian)
            and self.kernel_sum.n_features <= 3
            and bool(np.all(self.kernel_sum.half_extent < 1e8))
            and self.fourier.box.memory <= MOST_GRID_BYTES
        )

    def fastest(self, queries: np.ndarray, log_tol: float) -> Engine:
        """The engine with the least predicted time."""
        exact, exact_seconds = self._fastest_exact(queries, log_tol)
        if self.fourier_is_possible and self._fourier_seconds(len(queries)) < exact_seconds:
            return self.fourier
        return exact

    def fastest_exact(self, queries: np.ndarray, log_tol: float) -> Engine:
        """The faster of the direct sum and the tree."""
        return self._fastest_exact(queries, log_tol)[0]

    def _fastest_exact(self, queries: np.ndarray, log_tol: float) -> tuple[Engine, float]:
        direct = self._pairs_seconds(len(queries) * len(self.kernel_sum.rows))
        if direct < 4 * SECONDS_PER_CALL:
            return self.direct, direct
        tree = self._tree_seconds(queries, log_tol)
        return (self.tree, tree) if tree < direct else (self.direct, direct)

    def _pairs_seconds(self, n_pairs: float) -> float:
        gaussian = isinstance(self.kernel_sum.kernel, Gaussian)
        each = SECONDS_PER_GAUSSIAN_PAIR if gaussian else SECONDS_PER_PAIR
        return SECONDS_PER_CALL + n_pairs * each * (1 + self.kernel_sum.n_features / 20)

    def _fourier_seconds(self, n_queries: int) -> float:
        rows = 0 if self.fourier.is_transformed else len(self.kernel_sum.rows)
        return transform_seconds(self.fourier.box, rows) + transform_seconds(self.fourier.box, n_queries)

    def _tree_seconds(self, queries: np.ndarray, log_tol: float) -> float:
        n_rows, n_queries = len(self.kernel_sum.rows), len(queries)
        cuts = n_rows * math.log2(max(2, n_rows / BLOCK)) + n_queries * math.log2(max(2, n_queries / BLOCK))
        share = min(1.0, self._near_share(queries, log_tol))
        # a job of pairs costs twice the direct sum's pairs: its blocks are gathered first
        pairs = self._pairs_seconds(2 * share * n_rows * max(n_queries, BLOCK))
        return 5 * SECONDS_PER_CALL + cuts * SECONDS_PER_ROW_AND_CUT + pairs

    def _near_share(self, queries: np.ndarray, log_tol: float) -> float:
        """Share of rows that blocks near a query hold, on at most 64 queries and 2,000 rows."""
        some_queries = self.kernel_sum.in_units(queries[:: max(1, len(queries) // 64)][:64])
        rows = self.kernel_sum.unit_points
        some_rows = rows[:: max(1, len(rows) // 2000)][:2000]
        with np.errstate(over="ignore", invalid="ignore"):
            distances = np.sqrt(((some_queries[:, None] - some_rows) ** 2).sum(axis=-1))
            spread = 2 * some_rows.std(axis=0).max()
        block_width = spread * (BLOCK / len(rows)) ** (1 / rows.shape[1]) if len(rows) > BLOCK else spread
        matters = self.kernel_sum.kernel.radius_of(len(rows) / log_tol)
        nearest = np.minimum(distances.min(axis=1, initial=np.inf), matters)
        reach = np.hypot(matters, nearest) + 2 * block_width
        return float(np.mean(distances < reach[:, None]))


@dataclass(frozen=True)
class Algorithm:
    """The first engine asked, and the engine for the queries it cannot answer within `log_tol`."""

    first: Callable[[Planner, np.ndarray, float], Engine]
    exact: Callable[[Planner, np.ndarray, float], Engine]

    def log_sums(self, planner: Planner, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums at `queries`, every one within `log_tol`."""
        found = self.first(planner, queries, log_tol).log_sums(queries, log_tol)
        left = np.flatnonzero(~(found.error <= log_tol))
        if len(left):
            again = self.exact(planner, queries[left], log_tol).log_sums(queries[left], log_tol)
            found.values[left], found.error[left] = again.values, again.error
        return found


def _fourier_or_error(planner: Planner, queries: np.ndarray, log_tol: float) -> Engine:
    if not planner.fourier_is_possible:
        raise SettingError(
            "algorithm 'fourier' needs the Gaussian kernel, at most 3 columns and a grid below "
            f"{MOST_GRID_BYTES / 2**30:.0f} GiB",
            "choose algorithm='auto'",
        )
    return planner.fourier


def _direct(planner: Planner, queries: np.ndarray, log_tol: float) -> Engine:
    return planner.direct


def _tree(planner: Planner, queries: np.ndarray, log_tol: float) -> Engine:
    return planner.tree


ALGORITHMS: Mapping[str, Algorithm] = {
    "auto": Algorithm(Planner.fastest, Planner.fastest_exact),
    "fourier": Algorithm(_fourier_or_error, Planner.fastest_exact),
    "direct": Algorithm(_direct, _direct),
    "tree": Algorithm(_tree, _tree),
}
"""The algorithms by name."""
