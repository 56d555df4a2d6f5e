"""A fitted density over its data, in scikit-learn's Display convention."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Self

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike

from densimeter.foundations.checks import check_count
from densimeter.foundations.errors import DataError, SettingError

MAX_PANELS = 36
"""More pairs of columns than this give pictures too small to read."""
ELLIPSE_SIGMAS = (1.0, 2.0)
"""Mahalanobis radii at which covariance ellipses are drawn."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: the columns it shows, the rows in them, and the density on a grid if there is one.

    `grid` has one array of coordinates per column, `density` a value per point of the grid, and `ellipses`
    the (mean, covariance) pairs of a mixture's components in these columns.
    """

    columns: tuple[int, ...]
    rows: np.ndarray
    grid: tuple[np.ndarray, ...]
    density: np.ndarray | None
    ellipses: tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(slots=True)
class DensityDisplay:
    """A curve over a histogram (one column), contours over points (two), or a panel for each pair (more).

    Make one with `from_estimator`; draw it again with `plot`.

    Attributes
    ----------
    panels : tuple of Panel
        What is drawn.
    names : tuple of str
        Names of the columns.
    figure_, axes_ : matplotlib Figure and array of Axes
        Where it was drawn last.
    """

    panels: tuple[Panel, ...]
    names: tuple[str, ...]
    figure_: Any = field(default=None, repr=False)
    axes_: Any = field(default=None, repr=False)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        feature_names: Any = None,
        grid_resolution: int = 100,
        ax: Any = None,
        **contour_options: Any,
    ) -> Self:
        """Draw the density of a fitted estimator over the rows `X`, shape ``(n_samples, n_features)``.

        Parameters
        ----------
        estimator : object
            Anything with ``score_samples``. ``means_`` and ``covariances_`` add ellipses at one and two
            standard deviations, and ``marginal(columns)`` adds the marginal density to the panels of tables
            with more than two columns.
        X : array-like
            The rows to show; they also set the limits.
        feature_names : sequence of str, optional
            Names of the columns; a data frame brings its own.
        grid_resolution : int
            Points of the grid along each axis.
        ax : matplotlib Axes, optional
            Where to draw one or two columns.
        **contour_options
            Passed to ``Axes.contour``.

        Raises
        ------
        DataError
            If `X` is not a table of finite numbers, or has so many columns that pairs cannot be read.
        """
        resolution = check_count("grid_resolution", grid_resolution, at_least=2)
        rows, names = _table(X, feature_names)
        panels = tuple(_panel(estimator, rows, columns, resolution) for columns in _panels_of(rows.shape[1]))
        return cls(panels, names).plot(ax=ax, **contour_options)

    def plot(self, ax: Any = None, **contour_options: Any) -> Self:
        """Draw, on `ax` or on a new figure; returns itself."""
        axes = self._axes(ax)
        for panel, one in zip(self.panels, axes, strict=True):
            draw = _draw_curve if len(panel.columns) == 1 else _draw_contours
            draw(one, panel, contour_options)
            one.set_xlabel(self.names[panel.columns[0]])
            one.set_ylabel("density" if len(panel.columns) == 1 else self.names[panel.columns[1]])
        self.axes_ = np.array(axes, dtype=object)
        self.figure_ = axes[0].figure
        return self

    def _axes(self, ax: Any) -> list[Any]:
        if len(self.panels) == 1:
            return [plt.subplots()[1] if ax is None else ax]
        if ax is not None:
            raise SettingError(
                f"one Axes cannot hold the {len(self.panels)} panels of {len(self.names)} columns",
                "leave ax out, or show two columns",
            )
        width = int(np.ceil(np.sqrt(len(self.panels))))
        height = -(-len(self.panels) // width)
        _, grid = plt.subplots(
            height, width, figsize=(3 * width, 2.6 * height), squeeze=False, layout="tight"
        )
        axes = list(grid.ravel())
        for spare in axes[len(self.panels) :]:
            spare.remove()
        return axes[: len(self.panels)]


def _table(X: ArrayLike, feature_names: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    rows = np.asarray(X, np.float64)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise DataError(
            f"a display needs a table of finite numbers, got shape {rows.shape}",
            "give rows and columns, no NaN",
        )
    if feature_names is None:
        feature_names = getattr(X, "columns", [f"x{j}" for j in range(rows.shape[1])])
    names = tuple(str(name) for name in feature_names)
    if len(names) != rows.shape[1]:
        raise SettingError(
            f"{len(names)} feature_names for {rows.shape[1]} columns", "give one name a column"
        )
    return rows, names


def _panels_of(n_features: int) -> list[tuple[int, ...]]:
    if n_features == 1:
        return [(0,)]
    pairs = list(combinations(range(n_features), 2))
    if len(pairs) > MAX_PANELS:
        raise DataError(
            f"{n_features} columns make {len(pairs)} pairs, more than can be read",
            "show at most nine columns",
        )
    return [tuple(pair) for pair in pairs]


def _panel(estimator: Any, rows: np.ndarray, columns: tuple[int, ...], resolution: int) -> Panel:
    shown = rows[:, columns]
    low, high = shown.min(axis=0), shown.max(axis=0)
    margin = np.where(high > low, 0.1 * (high - low), 1.0)
    grid = tuple(np.linspace(a, b, resolution) for a, b in zip(low - margin, high + margin, strict=True))
    model = _restricted(estimator, columns, rows.shape[1])
    density = None
    if model is not None:
        points = np.stack([axis.ravel() for axis in np.meshgrid(*grid, indexing="xy")], axis=1)
        density = np.exp(np.asarray(model.score_samples(points))).reshape((resolution,) * len(columns))
    return Panel(columns, shown, grid, density, _ellipses(estimator, columns))


def _restricted(estimator: Any, columns: tuple[int, ...], n_features: int) -> Any:
    """The estimator, its marginal over `columns` if it has more, or None if it cannot give one."""
    if len(columns) == n_features:
        return estimator
    marginal = getattr(estimator, "marginal", None)
    return None if marginal is None else marginal(list(columns))


def _ellipses(estimator: Any, columns: tuple[int, ...]) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    means = getattr(estimator, "means_", None)
    covariances = getattr(estimator, "covariances_", None)
    if means is None or covariances is None or len(columns) != 2:
        return ()
    full = as_matrices(np.asarray(covariances), *np.shape(means))
    return tuple(
        (mean[list(columns)], matrix[np.ix_(columns, columns)])
        for mean, matrix in zip(np.asarray(means), full, strict=True)
    )


def as_matrices(covariances: np.ndarray, n_components: int, n_features: int) -> np.ndarray:
    """Covariance matrices ``(K, d, d)`` from any of scikit-learn's four shapes.

    A square matrix ``(K, K)`` with K = d could be a shared matrix or variances by column; variances are never
    symmetric with a negative or zero entry off the diagonal, so it is read as shared only if it is symmetric.

    Examples
    --------
    >>> as_matrices(np.array([4.0, 9.0]), 2, 1).ravel()
    array([4., 9.])
    """
    eye = np.eye(n_features)
    if covariances.ndim == 3:
        return covariances
    if covariances.ndim == 1:
        return covariances[:, None, None] * eye
    shared = covariances.shape == (n_features, n_features) and np.array_equal(covariances, covariances.T)
    if shared:
        return np.broadcast_to(covariances, (n_components, n_features, n_features))
    return covariances[:, :, None] * eye


def _draw_curve(ax: Any, panel: Panel, options: dict[str, Any]) -> None:
    ax.hist(panel.rows[:, 0], bins="auto", density=True, color="0.85", edgecolor="none")
    ax.plot(panel.grid[0], panel.density)


def _draw_contours(ax: Any, panel: Panel, options: dict[str, Any]) -> None:
    ax.scatter(*panel.rows.T, s=4, color="0.6", linewidths=0, rasterized=True)
    if panel.density is not None and panel.density.max() > 0:
        ax.contour(*panel.grid, panel.density, **{"levels": 8, "linewidths": 1, **options})
    for mean, covariance in panel.ellipses:
        for sigmas in ELLIPSE_SIGMAS:
            ax.add_patch(covariance_ellipse(mean, covariance, sigmas))


def covariance_ellipse(mean: np.ndarray, covariance: np.ndarray, sigmas: float) -> Ellipse:
    """The points at Mahalanobis distance `sigmas` from the mean, for a ``(2, 2)`` covariance."""
    values, vectors = np.linalg.eigh(covariance)
    width, height = 2 * sigmas * np.sqrt(np.maximum(values, 0))
    angle = float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0])))
    return Ellipse((mean[0], mean[1]), width, height, angle=angle, fill=False, color="C3", linewidth=0.8)
