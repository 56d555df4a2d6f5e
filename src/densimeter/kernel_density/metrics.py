"""Kernel sums under other metrics than Euclid's, by scikit-learn's trees, and the sphere's own kernel.

The sum ``Σ_i w_i K(dist(x, x_i) / h)`` takes any metric; what makes it a density does not. The constant is
that of Euclid's metric, as scikit-learn has it: the result integrates to one under the Euclidean metric only,
and to another number, the same at every x, under a metric that measures alike everywhere, as "manhattan". On
the sphere a normalised density is that of von Mises and Fisher: ``K(x) ∝ exp(κ cos angle)``, ``κ = 1 / h²``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import logsumexp
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

    def peak(self, bandwidth: float) -> float:
        """The log-density of a kernel at its own row, nats."""
        ...


def is_euclidean(metric: str, metric_params: dict[str, Any] | None) -> bool:
    """Whether the metric is Euclid's, which needs no tree of another package."""
    power = (metric_params or {}).get("p", 2)
    return metric in EUCLIDEAN[:2] or (metric in EUCLIDEAN[2:] and power == 2)


@dataclass(frozen=True)
class TreeSum:
    """Under a metric that one of scikit-learn's trees knows; `atol` and `rtol` are theirs."""

    tree: Any
    weights: np.ndarray
    kernel: str
    atol: float
    rtol: float
    breadth_first: bool

    def peak(self, bandwidth: float) -> float:
        """The log-density of a kernel at its own row, nats."""
        one = self.tree.data[:1]
        alone = type(self.tree)(
            np.asarray(one),
        )
        return float(
            alone.kernel_density(np.asarray(one), h=bandwidth, kernel=self.kernel, return_log=True)[0]
        )

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
        try:
            tree = TREES[name](
                rows.points,
                metric=metric,
                leaf_size=leaf_size,
                sample_weight=rows.weights,
                **(metric_params or {}),
            )
        except ValueError as error:
            raise DataError(str(error).splitlines()[0], f"choose another metric than {metric!r}") from None
        return cls(tree, rows.weights, kernel, **tolerances)

    def log_densities(self, queries: np.ndarray, bandwidth: float) -> np.ndarray:
        """Of each query, nats."""
        return self.tree.kernel_density(
            queries,
            h=bandwidth,
            kernel=self.kernel,
            atol=self.atol,
            rtol=self.rtol,
            breadth_first=self.breadth_first,
            return_log=True,
        )


@dataclass(frozen=True)
class SphereSum:
    """Von Mises-Fisher kernels on the unit sphere, normalised over its area; rows are latitude, longitude."""

    points: np.ndarray
    log_weights: np.ndarray

    @classmethod
    def of(cls, rows: WeightedRows) -> SphereSum:
        """The rows, in radians, as points of the sphere.

        Raises
        ------
        DataError
            If there are not two columns, or a latitude is beyond a pole.
        """
        return cls(_on_the_sphere(rows.points), rows.log_weights)

    def log_densities(self, queries: np.ndarray, bandwidth: float) -> np.ndarray:
        """Of each query, nats per steradian.

        ``log p = log Σ w_i exp(κ (cos angle_i - 1)) + log κ - log 2π - log(1 - exp(-2 κ))``, by the chord:
        ``cos angle - 1 = -|x - x_i|² / 2`` loses no digits for near points.
        """
        kappa = bandwidth**-2.0
        at = _on_the_sphere(queries)
        step = max(1, BLOCK // len(self.points))
        parts = []
        for first in range(0, len(at), step):
            chords = ((at[first : first + step, None, :] - self.points) ** 2).sum(-1)
            parts.append(logsumexp(self.log_weights - kappa * chords / 2, axis=1))
        return np.concatenate(parts) + self.peak(bandwidth)

    def peak(self, bandwidth: float) -> float:
        """The log-density of a kernel at its own row, nats per steradian."""
        kappa = bandwidth**-2.0
        return float(np.log(kappa) - np.log(2 * np.pi) - np.log(-np.expm1(-2 * kappa)))

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
