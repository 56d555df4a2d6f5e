"""Stepwise EM: a mixture that follows batches of rows, each seen once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from densimeter.foundations.errors import DataError
from densimeter.mixture.estep import natural_step
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitting import Recipe, batches_of
from densimeter.mixture.frame import Frame, column_moments
from densimeter.mixture.sources import Layout, Streamed
from densimeter.mixture.statistics import ExpectedSums

FORGETTING = 0.6
"""The t-th batch counts ``(t + 1)^-0.6``: more than 1/2 for convergence, less than 1 to outgrow the start."""


@dataclass(frozen=True, slots=True)
class Online:
    """The running statistics, per unit of weight, in the frame of the first batch."""

    recipe: Recipe
    frame: Frame
    inner: Parameters
    statistics: ExpectedSums | None
    n_batches: int

    @classmethod
    def begin(cls, rows: np.ndarray, weights: np.ndarray, recipe: Recipe, fitted: Parameters) -> Online:
        """After the first batch, to which `fitted` was fitted."""
        frame = Frame.of(column_moments(batches_of(rows, weights)), recipe.family, np.dtype(np.float64))
        inner = frame.inward(recipe.family, Parameters(*(part.astype(np.float64)[None] for part in fitted)))
        begun = cls(recipe, frame, inner, None, 0)
        return replace(begun, statistics=begun._expected(rows, weights), n_batches=1)

    def _expected(self, rows: np.ndarray, weights: np.ndarray) -> ExpectedSums:
        """The batch's statistics per unit of weight."""
        dtype, family = rows.dtype, self.recipe.family
        layout = Layout.of(family, rows.shape[1], self.recipe.n_components, dtype)
        source = Streamed(layout, batches_of(rows, weights), complete=False)
        sums = natural_step(family, self.frame, source, dtype, self.inner)
        if not sums.weight > 0:
            raise DataError("no row of the batch has a cell with a positive weight", "leave the batch out")
        return sums.scaled(1 / sums.weight)

    def step(self, rows: np.ndarray, weights: np.ndarray) -> Online:
        """After one more batch."""
        new = self._expected(rows, weights)
        share = (self.n_batches + 1) ** -FORGETTING
        merged = (
            new if self.statistics is None else self.statistics.scaled(1 - share).merge(new.scaled(share))
        )
        floor = self.frame.floor(self.recipe.reg_covar)
        inner = merged.finish(self.recipe.family, rows.shape[1], floor)
        return replace(self, inner=inner, statistics=merged, n_batches=self.n_batches + 1)

    @property
    def parameters(self) -> Parameters:
        """The mixture in the user's coordinates."""
        first = Parameters(*(part[0] for part in self.inner))
        return self.frame.outward(self.recipe.family, first)

    @property
    def lower_bound(self) -> float:
        """The running mean of the batches' log-likelihoods, nats per unit of weight."""
        return float("nan") if self.statistics is None else float(self.statistics.mean_log_likelihood[0])
