"""Each model's density in one or two columns, on a grid around the rows that a picture shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

MOST_POINTS = 500
"""Rows drawn as points; more hide one another and make the page heavy."""
N_DRAWS = 10_000
"""Of a model that cannot tell its marginals."""
CURVE_POINTS, CONTOUR_POINTS = 240, 72
"""Of the grid, along each axis."""
OUTSIDE = 0.001
"""Share of the rows on either side that a view may leave out, so that one outlier does not rule it."""
UNDERSMOOTHING = 0.5
"""Of Scott's rule, which is for a single hill and blurs several."""
N_RANK_BINS, MOST_RANKED = 8, 4000
"""Bins of ranks, and rows that are ranked, to tell which columns depend on one another."""


@dataclass
class Drawer:
    """A fitted model that a view can ask for its density in some of its columns.

    Parameters
    ----------
    name : str
    estimator : object
        With ``score_samples``; with ``marginal(columns)`` or ``sample(n)`` for tables of more columns than a
        picture has.
    n_features : int
    """

    name: str
    estimator: Any
    n_features: int

    def density(self, columns: tuple[int, ...], axes: Sequence[np.ndarray]) -> np.ndarray | None:
        """On the grid of `axes`, the last column first; None where the model cannot tell."""
        if len(columns) < self.n_features and not hasattr(self.estimator, "marginal"):
            return None if self.draws is None else _smoothed(self.draws[:, columns], axes)
        try:
            density = self._on_grid(columns, axes)
        except Exception:  # a foreign model may raise anything where it has seen no rows
            return None
        return density if np.isfinite(density).all() else None

    def _on_grid(self, columns: tuple[int, ...], axes: Sequence[np.ndarray]) -> np.ndarray:
        model = self.estimator
        if len(columns) < self.n_features:
            model = model.marginal(list(columns))
        points = np.stack([axis.ravel() for axis in np.meshgrid(*axes)], axis=1)
        with np.errstate(over="ignore"):
            values = np.exp(np.asarray(model.score_samples(points), np.float64))
        return values.reshape([len(axis) for axis in reversed(axes)])

    @cached_property
    def draws(self) -> np.ndarray | None:
        """Rows of the model, ``(N_DRAWS, n_features)``; None if it gives none."""
        try:
            drawn = _sample(self.estimator)
        except Exception:  # a foreign model may raise anything; its densities are then left out
            return None
        rows = np.asarray(drawn, np.float64)
        is_table = rows.ndim == 2 and rows.shape[1] == self.n_features
        return rows if is_table and np.isfinite(rows).all() else None


def _sample(estimator: Any) -> Any:
    try:
        drawn = estimator.sample(N_DRAWS, random_state=0)
    except TypeError:  # scikit-learn's mixtures are seeded when they are made
        drawn = estimator.sample(N_DRAWS)
    return drawn[0] if isinstance(drawn, tuple) else drawn


def _smoothed(draws: np.ndarray, axes: Sequence[np.ndarray]) -> np.ndarray:
    """The density of draws: counts in the grid's cells, smoothed; draws outside of it count for the total."""
    n, d = draws.shape
    steps = np.array([axis[1] - axis[0] for axis in axes])
    edges = [np.append(axis - step / 2, axis[-1] + step / 2) for axis, step in zip(axes, steps, strict=True)]
    counts, _ = np.histogramdd(draws, bins=edges)
    low, high = np.quantile(draws, [0.16, 0.84], axis=0)
    widths = UNDERSMOOTHING * (high - low) / 2 * n ** (-1 / (d + 4))
    return gaussian_filter(counts / (n * steps.prod()), widths / steps).T


@dataclass(frozen=True)
class View:
    """Some rows in one or two columns, and what each model thinks of the place.

    `densities` lie on the grid of `axes`, with shape ``(len(y), len(x))`` for two columns.
    """

    columns: tuple[int, ...]
    names: tuple[str, ...]
    rows: np.ndarray
    axes: tuple[np.ndarray, ...]
    densities: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(
        cls, rows: np.ndarray, names: Sequence[str], columns: tuple[int, ...], drawers: Sequence[Drawer]
    ) -> View:
        """Of the rows ``(n, n_features)`` in `columns`, with every model that can tell its density there."""
        shown = rows[:, columns]
        n_points = CURVE_POINTS if len(columns) == 1 else CONTOUR_POINTS
        axes = tuple(np.linspace(*_reach(column), n_points) for column in shown.T)
        found = {drawer.name: drawer.density(columns, axes) for drawer in drawers}
        densities = {name: density for name, density in found.items() if density is not None}
        return cls(columns, tuple(names[column] for column in columns), shown, axes, densities)

    @property
    def points(self) -> np.ndarray:
        """At most `MOST_POINTS` of the rows, those that lie within the axes; the rows are in random order."""
        inside = np.all(
            [
                (axis[0] <= column) & (column <= axis[-1])
                for axis, column in zip(self.axes, self.rows.T, strict=True)
            ],
            axis=0,
        )
        return self.rows[inside][:MOST_POINTS]


def _reach(column: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(column, [OUTSIDE, 1 - OUTSIDE])
    room = 0.12 * (high - low) or 1.0
    return float(low - room), float(high + room)


def pairs_by_dependence(rows: np.ndarray, n_columns: int) -> list[tuple[int, int]]:
    """The pairs among the `n_columns` columns that depend most on others, most dependent pair first.

    Dependence is the mutual information of ranks in `N_RANK_BINS` bins, which no monotone change of a column
    alters.
    """
    told = _mutual_information(rows[:MOST_RANKED])
    most = told.max(axis=0)
    kept = np.sort(np.argsort(-most, kind="stable")[:n_columns]).tolist()
    return sorted(combinations(kept, 2), key=lambda pair: -told[pair])


def _mutual_information(rows: np.ndarray) -> np.ndarray:
    """Of each pair of columns, nats, ``(n_features, n_features)`` with a diagonal of zero."""
    (n, d), m = rows.shape, N_RANK_BINS
    bins = rows.argsort(axis=0).argsort(axis=0) * m // n
    indicators = (bins[:, :, None] == np.arange(m)).reshape(n, d * m).astype(np.float32)
    joint = (indicators.T @ indicators / n).reshape(d, m, d, m)
    share = indicators.mean(axis=0)
    apart = np.outer(share, share).reshape(d, m, d, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(joint > 0, joint * np.log(joint / apart), 0)
    found = terms.sum(axis=(1, 3))
    np.fill_diagonal(found, 0)
    return found
