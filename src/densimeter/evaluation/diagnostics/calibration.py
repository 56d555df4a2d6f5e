"""Is the model spread as the rows are: each column's ranks, and the coverage of highest-density regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from densimeter.evaluation.diagnostics.cells import matched
from densimeter.evaluation.diagnostics.ranks import band_half_width, uniform_ranks, uniformity
from densimeter.foundations.randomness import RandomState, generator_from

LEVELS = np.linspace(0, 1, 101)
"""Nominal levels at which the curve is given."""


@dataclass(frozen=True)
class Calibration:
    """Nominal levels against the share of rows found there.

    Attributes
    ----------
    name : str
        The column, or what else is ranked.
    ranks : ndarray of shape (n_samples,)
        Uniform on (0, 1) if the model is right.
    nominal, actual : ndarray of shape (n_levels,)
        For a column, the share of rows whose rank is at most the level; for highest-density regions, the
        share of rows inside the region of that probability.
    band : float
        Half-width around ``actual = nominal`` of the band that holds the whole curve with `confidence`.
    distance, p_value : float
        Kolmogorov-Smirnov distance of the ranks from uniform, and how often a right model is as far off.
    """

    name: str
    ranks: np.ndarray
    nominal: np.ndarray
    actual: np.ndarray
    band: float
    distance: float
    p_value: float
    confidence: float

    @property
    def within_band(self) -> bool:
        """Whether the whole curve lies in the band."""
        return bool((np.abs(self.actual - self.nominal) <= self.band).all())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them; the ranks stay behind."""
        return {
            "name": self.name,
            "nominal": self.nominal.tolist(),
            "actual": self.actual.tolist(),
            "band": self.band,
            "confidence": self.confidence,
            "distance": self.distance,
            "p_value": self.p_value,
        }


def probability_integral_transform(
    rows: ArrayLike,
    samples: ArrayLike,
    columns: Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> tuple[Calibration, ...]:
    """For each column, the ranks of the rows' values among those of the model's samples.

    Under the model they are uniform. Ranks crowded at both ends tell of a model that is too narrow, crowded
    in the middle of one that is too wide, at one end of one that is shifted. Where rows are rounded, the
    samples are rounded alike.

    Parameters
    ----------
    rows : array of shape (n_samples, n_features)
        Rows that the model has not seen.
    samples : array of shape (n_draws, n_features)
        Independent draws of the model.
    columns : sequence of str, optional
        Names.
    confidence : float
        Of the band, for each column by itself.
    random_state : seed or generator
        By which ties are broken.

    References
    ----------
    Dawid, "Statistical theory: the prequential approach", JRSS A 147 (1984); Diebold, Gunther and Tay,
    "Evaluating density forecasts", International Economic Review 39 (1998).
    """
    rows, samples = np.asarray(rows, np.float64), np.asarray(samples, np.float64)
    names = columns or [f"x{j}" for j in range(rows.shape[1])]
    generator = generator_from(random_state)
    return tuple(
        _calibration(name, uniform_ranks(pair.values, pair.drawn, generator), len(samples), confidence)
        for name, pair in zip(names, map(matched, rows.T, samples.T), strict=True)
    )


def highest_density_coverage(
    row_scores: ArrayLike,
    sample_scores: ArrayLike,
    *,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Calibration:
    """The share of rows inside the model's highest-density region of each probability.

    A row lies in the region of probability c if at most a share c of the model's own samples is denser. So
    the share ``v`` of samples that are denser is uniform if the model is right, in any number of columns. A
    curve below the diagonal tells of a model that is too sure of itself.

    Parameters
    ----------
    row_scores : array of shape (n_samples,)
        Log-densities of rows that the model has not seen; -inf is allowed.
    sample_scores : array of shape (n_draws,)
        Log-densities under the model of its own independent draws.
    confidence : float
        Of the band.
    random_state : seed or generator
        By which ties are broken.

    References
    ----------
    Hyndman, "Computing and graphing highest density regions", The American Statistician 50 (1996).

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 2000))
    >>> found = highest_density_coverage(-0.5 * x**2, -0.5 * y**2, random_state=0)
    >>> found.within_band, found.p_value > 0.01
    (True, True)
    """
    denser = 1 - uniform_ranks(
        np.asarray(row_scores, np.float64), np.asarray(sample_scores, np.float64), random_state
    )
    return _calibration("highest-density regions", denser, np.size(sample_scores), confidence)


def _calibration(name: str, ranks: np.ndarray, n_draws: int, confidence: float) -> Calibration:
    distance, p_value = uniformity(ranks, n_draws)
    actual = np.searchsorted(np.sort(ranks), LEVELS, side="right") / len(ranks)
    band = band_half_width(len(ranks), n_draws, confidence)
    return Calibration(name, ranks, LEVELS, actual, band, distance, p_value, confidence)
