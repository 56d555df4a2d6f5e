"""Kernel sums under other metrics than Euclid's, by scikit-learn's trees, and the sphere's own kernel.

The sum ``Σ_i w_i K(dist(x, x_i) / h)`` takes any metric; what makes it a density does not. The constant is
that of Euclid's metric, as scikit-learn has it: the result integrates to one under the Euclidean metric only,
and to another number, the same at every x, under a metric that measures alike everywhere, as "manhattan". On
the sphere a normalised density is that of von Mises and Fisher: ``K(x) ∝ exp(κ cos angle)``, ``κ = 1 / h²``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.special import logsumexp
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import BallTree, KDTree

from densimeter.foundations.errors import DataError, SettingError, did_you_mean
from densimeter.kernel_density.kernel_sum import WeightedRows

TREES: dict[str, Any] = {"ball_tree": BallTree, "kd_tree": KDTree}
EUCLIDEAN = ("euclidean", "l2", "minkowski", "p")
SPHERE = "von_mises_fisher"
BLOCK = 1 << 22
"""Distances that are held together."""


class MetricSum(Protocol):
    """A kernel sum over rows, as a log-density under its own constant."""

    def log_densities(self, queries: np.ndarray, bandwidth: float) -> np.ndarray:
        """Of each query, nats."""
        ...

    @property
    def widest(self) -> float:
        """A bandwidth above which nothing changes any more."""
        ...

    def over(self, rows: WeightedRows) -> MetricSum:
        """The same sum over other rows."""
        ...

    def typical_distance(self) -> float:
        """Of rows from the middle of them, above zero."""
        ...

    def log_densities_of_others(self, bandwidth: float) -> np.ndarray:
        """Of each row under all others, nats."""
        ...


def is_euclidean(metric: str, metric_params: dict[str, Any] | None) -> bool:
    """Whether the metric is Euclid's, which needs no tree of another package."""
    power = (metric_params or {}).get("p", 2)
    return metric in EUCLIDEAN[:2] or (metric in EUCLIDEAN[2:] and power == 2)


@dataclass(frozen=True)
class TreeSum:
    """Under a metric that one of scikit-learn's trees knows; `atol` and `rtol` are theirs."""

    tree: Any
    rows: WeightedRows
    kernel: str
    tree_settings: dict[str, Any]
    sum_settings: dict[str, Any]

    widest = np.inf

    @classmethod
    def of(
        cls,
        rows: WeightedRows,
        kernel: str,
        algorithm: str,
        metric: str,
        metric_params: dict[str, Any] | None,
        leaf_size: int,
        **tolerances: Any,
    ) -> TreeSum:
        """The tree of the rows.

        Raises
        ------
        SettingError
            If the tree does not know the metric.
        DataError
            If the metric cannot measure rows of so many columns.
        """
        name = algorithm if algorithm in TREES else "kd_tree"
        if metric not in TREES[name].valid_metrics and algorithm not in TREES:
            name = "ball_tree"
        if metric not in TREES[name].valid_metrics:
            raise SettingError(
                f"invalid metric: {metric!r} for {name}", did_you_mean(metric, TREES[name].valid_metrics)
            )
        settings = {"name": name, "metric": metric, "leaf_size": leaf_size, **(metric_params or {})}
        return cls(_tree(rows, **settings), rows, kernel, settings, tolerances)

    def over(self, rows: WeightedRows) -> TreeSum:
        """The same sum over other rows."""
        return replace(self, tree=_tree(rows, **self.tree_settings), rows=rows)

    def typical_distance(self) -> float:
        """The mean over the rows of the distance to the mean row."""
        middle = (self.rows.weights @ self.rows.points)[None]
        distances, index = self.tree.query(middle, k=len(self.rows))
        mean = float(distances[0] @ self.rows.weights[index[0]])
        return mean if mean > 0 else 1.0

    def log_densities(self, queries: np.ndarray, bandwidth: float) -> np.ndarray:
        """Of each query, nats."""
        return self.tree.kernel_density(
            queries, h=bandwidth, kernel=self.kernel, return_log=True, **self.sum_settings
        )

    def log_densities_of_others(self, bandwidth: float) -> np.ndarray:
        """Of each row under all others, nats: pair by pair, as a far row's own term hides the others'."""
        points, n = self.rows.points, len(self.rows)
        distance = self.tree_settings["metric"]
        parameters = {k: v for k, v in self.tree_settings.items() if k not in ("name", "metric", "leaf_size")}
        metric = DistanceMetric.get_metric(distance, **parameters)
        constant = _log_norm(bandwidth, points.shape[1], self.kernel)
        out = np.empty(n)
        step = max(1, BLOCK // n)
        for first in range(0, n, step):
            part = np.arange(first, min(first + step, n))
            logs = _PROFILES[self.kernel](metric.pairwise(points[part], points) / bandwidth)
            logs[np.arange(len(part)), part] = -np.inf
            out[part] = logsumexp(logs + self.rows.log_weights, axis=1)
        return out + constant - np.log1p(-self.rows.weights)


def _tree(rows: WeightedRows, name: str, metric: str, **settings: Any) -> Any:
    try:
        return TREES[name](rows.points, metric=metric, sample_weight=rows.weights, **settings)
    except ValueError as error:
        raise DataError(str(error).splitlines()[0], f"choose another metric than {metric!r}") from None


def _log_norm(bandwidth: float, n_features: int, kernel: str) -> float:
    """The constant of scikit-learn's trees: that of one row at distance zero less the profile there."""
    one = KDTree(np.zeros((1, n_features)))
    return float(
        one.kernel_density(np.zeros((1, n_features)), h=bandwidth, kernel=kernel, return_log=True)[0]
    )


def _inside(profile: np.ndarray, u: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(u < 1, np.log(profile), -np.inf)


_PROFILES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda u: -0.5 * u * u,
    "exponential": lambda u: -u,
    "tophat": lambda u: np.where(u < 1, 0.0, -np.inf),
    "epanechnikov": lambda u: _inside(1 - u * u, u),
    "linear": lambda u: _inside(1 - u, u),
    "cosine": lambda u: _inside(np.cos(np.pi / 2 * u), u),
}
"""The logs of the kernels at a distance of u bandwidths, zero at their own row."""


@dataclass(frozen=True)
class SphereSum:
    """Von Mises-Fisher kernels on the unit sphere, normalised over its area; rows are latitude, longitude."""

    points: np.ndarray
    rows: WeightedRows

    widest = 1e3
    """Of so wide a kernel the density is even everywhere."""

    @classmethod
    def of(cls, rows: WeightedRows) -> SphereSum:
        """The rows, in radians, as points of the sphere.

        Raises
        ------
        DataError
            If there are not two columns, or a latitude is beyond a pole.
        """
        return cls(_on_the_sphere(rows.points), rows)

    def over(self, rows: WeightedRows) -> SphereSum:
        """The same sum over other rows."""
        return SphereSum.of(rows)

    def typical_distance(self) -> float:
        """The spread of the rows about their mean, by chords: it does not know the date line."""
        spread = 1 - float(np.sum((self.rows.weights @ self.points) ** 2))
        return np.sqrt(spread) if spread > 0 else 1.0

    def _log_sums(self, at: np.ndarray, bandwidth: float, without: np.ndarray | None) -> np.ndarray:
        """``log Σ w_i exp(κ (cos angle_i - 1))``, of each point without the row of its place in `without`.

        By the chord: ``cos angle - 1 = -|x - x_i|² / 2`` loses no digits for near points.
        """
        step = max(1, BLOCK // (3 * len(self.points)))
        parts = []
        for first in range(0, len(at), step):
            here = at[first : first + step]
            chords = ((here[:, None, :] - self.points) ** 2).sum(-1)
            logs = self.rows.log_weights - chords / (2 * bandwidth**2)
            if without is not None:
                logs[np.arange(len(here)), without[first : first + step]] = -np.inf
            parts.append(logsumexp(logs, axis=1))
        return np.concatenate(parts)

    @staticmethod
    def _log_constant(bandwidth: float) -> float:
        """``log κ - log 2π - log(1 - exp(-2 κ))``."""
        kappa = bandwidth**-2.0
        return float(np.log(kappa) - np.log(2 * np.pi) - np.log(-np.expm1(-2 * kappa)))

    def log_densities(self, queries: np.ndarray, bandwidth: float) -> np.ndarray:
        """Of each query, nats per steradian."""
        return self._log_sums(_on_the_sphere(queries), bandwidth, None) + self._log_constant(bandwidth)

    def log_densities_of_others(self, bandwidth: float) -> np.ndarray:
        """Of each row under all others, nats per steradian."""
        own = self._log_sums(self.points, bandwidth, np.arange(len(self.points)))
        return own + self._log_constant(bandwidth) - np.log1p(-self.rows.weights)

    def draw(self, chosen: np.ndarray, bandwidth: float, generator: np.random.Generator) -> np.ndarray:
        """Draws from the kernels at the chosen rows, as latitude and longitude.

        The cosine of the angle has density ``∝ exp(κ c)`` on [-1, 1]: its inverse is closed (Ulrich, 1984).
        """
        kappa, n = bandwidth**-2.0, len(chosen)
        uniform = generator.random(n)
        cosine = 1 + np.log(uniform + (1 - uniform) * np.exp(-2 * kappa)) / kappa
        around = generator.normal(size=(n, 3))
        centres = self.points[chosen]
        around -= (around * centres).sum(1, keepdims=True) * centres
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        drawn = cosine[:, None] * centres + np.sqrt(np.maximum(1 - cosine**2, 0))[:, None] * around
        latitude = np.arctan2(drawn[:, 2], np.hypot(drawn[:, 0], drawn[:, 1]))
        return np.column_stack([latitude, np.arctan2(drawn[:, 1], drawn[:, 0])])


def _on_the_sphere(rows: np.ndarray) -> np.ndarray:
    if rows.shape[1] != 2:
        raise DataError(
            f"{rows.shape[1]} columns are not latitude and longitude", "give two columns, in radians"
        )
    if (np.abs(rows[:, 0]) > np.pi / 2 * (1 + 1e-12)).any():
        raise DataError("a latitude is beyond a pole", "give latitude, then longitude, in radians")
    latitude, longitude = rows.T
    return np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )
