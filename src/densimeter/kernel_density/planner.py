"""Which engine answers: the one predicted to be fastest, or an exact one where its error is too large.

What the rows' number does not tell is measured: how empty the box of a Fourier series would be (patches), how
few neighbours a query needs (neighbours), and on a small sample the share of rows near a block of queries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from densimeter.foundations.errors import SettingError
from densimeter.kernel_density.costs import (
    MOST_GRID_BYTES,
    SECONDS_PER_CALL,
    SECONDS_PER_ROW_IN_TREE,
    pairs_seconds,
)
from densimeter.kernel_density.direct import DirectEngine
from densimeter.kernel_density.fourier_engine import FourierEngine
from densimeter.kernel_density.kernel_sum import Engine, KernelSum, LogSums
from densimeter.kernel_density.neighbours import NeighbourEngine
from densimeter.kernel_density.profiles import Gaussian
from densimeter.kernel_density.tree import BLOCK, TreeEngine

SECONDS_PER_ROW_AND_CUT = 1.5e-8
SMALL_WORK = 4 * SECONDS_PER_CALL
"""Seconds of the direct sum below which no plan is made."""


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
    def neighbours(self) -> NeighbourEngine:
        """The nearest rows of each query."""
        return NeighbourEngine(self.kernel_sum)

    @cached_property
    def fourier(self) -> FourierEngine:
        """The Fourier series; rows are transformed once."""
        return FourierEngine(self.kernel_sum)

    @property
    def fourier_is_possible(self) -> bool:
        """Gaussian, at most three columns, and grids that fit."""
        return (
            isinstance(self.kernel_sum.kernel, Gaussian)
            and self.kernel_sum.n_features <= 3
            and len(self.fourier.layout.patches) > 0
        )

    def fastest(self, queries: np.ndarray, log_tol: float) -> Engine | None:
        """The direct sum for little work, the Fourier series where it is fastest, else none."""
        direct = self._direct_seconds(len(queries))
        if direct < SMALL_WORK:
            return self.direct
        if self.fourier_is_possible and self._fourier_seconds(len(queries)) < direct:
            return self.fourier
        return None

    def nearest(self, queries: np.ndarray, log_tol: float) -> Engine | None:
        """The search for neighbours, if the direct sum takes longer than growing the tree."""
        growing = SECONDS_PER_CALL + len(self.kernel_sum.rows) * SECONDS_PER_ROW_IN_TREE
        return self.neighbours if growing < self._direct_seconds(len(queries)) else None

    def fastest_exact(self, queries: np.ndarray, log_tol: float) -> Engine:
        """The faster of the direct sum and the tree of blocks."""
        direct = self._direct_seconds(len(queries))
        return (
            self.tree
            if direct > SMALL_WORK and self._tree_seconds(queries, log_tol) < direct
            else self.direct
        )

    def _direct_seconds(self, n_queries: int) -> float:
        return self._pairs_seconds(n_queries * len(self.kernel_sum.rows))

    def _pairs_seconds(self, n_pairs: float) -> float:
        return pairs_seconds(self.kernel_sum.kernel, self.kernel_sum.n_features, n_pairs)

    def _fourier_seconds(self, n_queries: int) -> float:
        """The layout's prediction is for as many queries as rows, and half of it is the rows' transforms."""
        of_rows = 0.0 if self.fourier.is_transformed else 0.5
        return self.fourier.layout.seconds * (of_rows + 0.5 * n_queries / len(self.kernel_sum.rows))

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


Step = Callable[[Planner, np.ndarray, float], Engine | None]


@dataclass(frozen=True)
class Algorithm:
    """The engines asked one after the other, each for the queries that those before could not answer.

    A step may pass, which the last never does.
    """

    steps: tuple[Step, ...]

    def log_sums(self, planner: Planner, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums at `queries`, every one within `log_tol`."""
        found: LogSums | None = None
        left: slice | np.ndarray = slice(None)
        for step in self.steps:
            remaining = queries[left]
            engine = step(planner, remaining, log_tol)
            if engine is None:
                continue
            answer = engine.log_sums(remaining, log_tol)
            if found is None:
                found = answer
            else:
                found.values[left], found.error[left] = answer.values, answer.error
            left = np.flatnonzero(~(found.error <= log_tol))
            if len(left) == 0:
                break
        assert found is not None, "the last step never passes"
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


def _neighbours(planner: Planner, queries: np.ndarray, log_tol: float) -> Engine:
    return planner.neighbours


def _tree(planner: Planner, queries: np.ndarray, log_tol: float) -> Engine:
    return planner.tree


ALGORITHMS: Mapping[str, Algorithm] = {
    "auto": Algorithm((Planner.fastest, Planner.nearest, Planner.fastest_exact)),
    "fourier": Algorithm((_fourier_or_error, Planner.nearest, Planner.fastest_exact)),
    "direct": Algorithm((_direct,)),
    "tree": Algorithm((_neighbours, _tree)),
}
"""The algorithms by name."""
