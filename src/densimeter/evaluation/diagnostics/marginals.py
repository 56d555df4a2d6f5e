"""Each column by itself: how far the model's samples are from the rows, and the quantiles of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from densimeter.evaluation.diagnostics.cells import matched
from densimeter.evaluation.diagnostics.ranks import uniform_ranks, uniformity
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.tables.rounding import Rounding

PROBABILITIES = np.concatenate([[0.001, 0.005], np.linspace(0.01, 0.99, 99), [0.995, 0.999]])
"""At which quantiles are compared."""


@dataclass(frozen=True)
class MarginalFit:
    """One column of the rows against the same column of the model's samples.

    Attributes
    ----------
    name : str
    distance, p_value : float
        Kolmogorov-Smirnov distance of the two, and how often a right model is as far off.
    probabilities, row_quantiles, sample_quantiles : ndarray of shape (n_quantiles,)
        In the units of the column.
    edges, row_density, sample_density : ndarray of shape (n_bins + 1,), (n_bins,), (n_bins,)
        Histograms of both over the range of the rows, per unit of the column.
    rounding_step : float or None
        Width of the cells to which the samples were rounded for the test, because the rows are.
    """

    name: str
    distance: float
    p_value: float
    probabilities: np.ndarray
    row_quantiles: np.ndarray
    sample_quantiles: np.ndarray
    edges: np.ndarray
    row_density: np.ndarray
    sample_density: np.ndarray
    rounding_step: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        arrays = {
            name: getattr(self, name).tolist()
            for name in (
                "probabilities",
                "row_quantiles",
                "sample_quantiles",
                "edges",
                "row_density",
                "sample_density",
            )
        }
        return {
            "name": self.name,
            "distance": self.distance,
            "p_value": self.p_value,
            "rounding_step": self.rounding_step,
            **arrays,
        }


def marginal_fits(
    rows: ArrayLike,
    samples: ArrayLike,
    columns: Sequence[str] | None = None,
    *,
    random_state: RandomState = None,
) -> tuple[MarginalFit, ...]:
    """Compare each column of held-out rows with that of a model's samples.

    Where rows are rounded, the samples are rounded to the same cells for the test, and ties are broken at
    random; quantiles and histograms are of the samples as they are.

    Parameters
    ----------
    rows : array of shape (n_samples, n_features)
        Rows that the model has not seen.
    samples : array of shape (n_draws, n_features)
        Independent draws of the model.
    columns : sequence of str, optional
        Names.
    random_state : seed or generator

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 1000, 1))
    >>> same, shifted = (marginal_fits(x, y + shift, random_state=0)[0] for shift in (0, 1))
    >>> same.p_value > 0.01, shifted.p_value < 1e-6
    (True, True)
    """
    rows, samples = np.asarray(rows, np.float64), np.asarray(samples, np.float64)
    names = columns or [f"x{j}" for j in range(rows.shape[1])]
    generator = generator_from(random_state)
    return tuple(
        _fit(name, values, drawn, generator)
        for name, values, drawn in zip(names, rows.T, samples.T, strict=True)
    )


def _fit(name: str, values: np.ndarray, drawn: np.ndarray, generator: np.random.Generator) -> MarginalFit:
    pair = matched(values, drawn)
    rounding = pair.rounding
    distance, p_value = uniformity(uniform_ranks(pair.values, pair.drawn, generator), len(drawn))
    edges = _edges(values, rounding)
    densities = [
        np.histogram(column, edges)[0] / (len(column) * np.diff(edges)) for column in (values, drawn)
    ]
    return MarginalFit(
        name,
        distance,
        p_value,
        PROBABILITIES,
        np.quantile(values, PROBABILITIES),
        np.quantile(drawn, PROBABILITIES),
        edges,
        *densities,
        rounding_step=None if rounding is None else rounding.step,
    )


def _edges(values: np.ndarray, rounding: Rounding | None) -> np.ndarray:
    """Equal bins over the range of the rows; whole cells where they are rounded."""
    if values.min() == values.max():
        return values[0] + np.array([-0.5, 0.5]) * max(1.0, abs(values[0]) * 1e-6)
    edges = np.histogram_bin_edges(values, "auto" if len(values) < 10**6 else 100)
    if len(edges) > 101:
        edges = np.linspace(values.min(), values.max(), 101)
    if rounding is None or rounding.step is None:
        return edges
    width = max(1, round((edges[1] - edges[0]) / rounding.step)) * rounding.step
    n_bins = int(np.ceil((rounding.upper[-1] - rounding.lower[0]) / width - 1e-9))
    return rounding.lower[0] + width * np.arange(n_bins + 1)
