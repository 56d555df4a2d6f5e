"""The Fourier series of one kernel sum as an engine, patch by patch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from densimeter.kernel_density.accuracy import FINE, Accuracy
from densimeter.kernel_density.fourier import QUERY_MARGIN, FourierSummary, as_log_sums
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums
from densimeter.kernel_density.patches import Layout, Patch


class FourierEngine:
    """Sums for bandwidths that are `widths` times the kernel sum's; rows are transformed when first asked.

    Parameters
    ----------
    kernel_sum : KernelSum
        Gaussian, in at most three columns.
    widths : sequence of float
        From one up.
    accuracy : Accuracy
    query_margin : float
        How many bandwidths outside the rows' box queries may lie.
    """

    def __init__(
        self,
        kernel_sum: KernelSum,
        widths: Sequence[float] = (1.0,),
        accuracy: Accuracy = FINE,
        query_margin: float = QUERY_MARGIN,
    ):
        self.kernel_sum, self.widths = kernel_sum, widths
        self.accuracy, self.query_margin = accuracy, query_margin
        self.is_transformed = False

    @cached_property
    def layout(self) -> Layout:
        """The patches."""
        return Layout.of(self.kernel_sum, self.widths, self.accuracy, self.query_margin)

    @cached_property
    def summaries(self) -> list[tuple[FourierSummary, int]]:
        """The transformed rows of each patch, and how many they are."""
        self.is_transformed = True
        return [self._summary(patch) for patch in self.layout.patches]

    def _summary(self, patch: Patch) -> tuple[FourierSummary, int]:
        weights = self.kernel_sum.rows.weights
        if patch.is_whole:
            return FourierSummary.of(patch.box, self.kernel_sum.unit_points, weights), len(weights)
        near = patch.rows_among(self.kernel_sum.rows.points)
        unit_points = patch.in_units(self.kernel_sum.rows.points[near])
        return FourierSummary.of(patch.box, unit_points, weights[near]), len(near)

    def sums(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums for each width, ``(n_widths, n_queries)``, and their absolute error ``(n_queries,)``.

        The error is infinite outside the patches.
        """
        sums, errors = np.zeros((len(self.widths), len(queries))), np.full(len(queries), np.inf)
        for patch, (summary, n_rows) in zip(self.layout.patches, self.summaries, strict=True):
            inside = patch.queries_among(queries)
            if len(queries[inside]) == 0:
                continue
            found = summary.sums(patch.in_units(queries[inside]), self.widths)
            if isinstance(inside, slice):
                sums = found
            else:
                sums[:, inside] = found
            left_out = 0.0 if patch.is_whole else patch.box.accuracy.left_out
            errors[inside] = summary.weight * patch.box.absolute_error(n_rows) + left_out
        return sums, errors

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums of queries, and ``error / S`` for each; infinite outside the patches."""
        sums, errors = self.sums(queries)
        return as_log_sums(sums[0], errors)
