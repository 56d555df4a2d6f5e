"""How far a fitted mixture is from a known one, component by component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from densimeter.foundations.errors import DataError


@dataclass(frozen=True, slots=True)
class ComponentMatch:
    """Each true component with the fitted one assigned to it, and how they differ.

    Attributes
    ----------
    true, fitted : ndarray of int, shape (n_matched,)
        Indices of the pairs; the smaller mixture is matched completely.
    distance : ndarray of shape (n_matched,)
        2-Wasserstein distance of the two Gaussians, in the unit of the columns.
    weight_deviation : ndarray of shape (n_matched,)
        Fitted less true weight.
    mean_deviation : ndarray of shape (n_matched, n_features)
        Fitted less true mean.
    covariance_deviation : ndarray of shape (n_matched, n_features, n_features)
        Fitted less true covariance.
    """

    true: np.ndarray
    fitted: np.ndarray
    distance: np.ndarray
    weight_deviation: np.ndarray
    mean_deviation: np.ndarray
    covariance_deviation: np.ndarray

    def to_records(self) -> list[dict[str, float]]:
        """One dictionary per pair, vectors and matrices by their norms."""
        return [
            {
                "true": int(self.true[i]),
                "fitted": int(self.fitted[i]),
                "distance": float(self.distance[i]),
                "weight_deviation": float(self.weight_deviation[i]),
                "mean_deviation": float(np.linalg.norm(self.mean_deviation[i])),
                "covariance_deviation": float(np.linalg.norm(self.covariance_deviation[i])),
            }
            for i in range(len(self.true))
        ]

    def __str__(self) -> str:
        names = list(self.to_records()[0])
        lines = ["".join(f"{name:>22}" for name in names)]
        lines += ["".join(f"{record[name]:22.4g}" for name in names) for record in self.to_records()]
        return "\n".join(lines)


def match_components(true: Any, fitted: Any) -> ComponentMatch:
    """Assign fitted components to true ones so that the summed squared distance is least.

    The squared distance of two Gaussians is the 2-Wasserstein one,
    ``|mu - nu|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2)``; the assignment is optimal (Hungarian algorithm).

    Parameters
    ----------
    true, fitted : objects with ``weights_``, ``means_`` and ``covariances_``
        Covariances in any of scikit-learn's four shapes, told by ``covariance_type`` ("full" if missing).

    Raises
    ------
    DataError
        If the two have different numbers of columns.

    Examples
    --------
    >>> from densimeter.mixture import GaussianMixture
    >>> a = GaussianMixture.from_parameters([0.5, 0.5], [[0.0], [4.0]], [[[1.0]], [[1.0]]])
    >>> b = GaussianMixture.from_parameters([0.4, 0.6], [[4.5], [0.0]], [[[1.0]], [[1.0]]])
    >>> match = match_components(a, b)
    >>> match.fitted, match.weight_deviation.round(2), match.distance
    (array([1, 0]), array([ 0.1, -0.1]), array([0. , 0.5]))
    """
    weights, means, covariances = _parts(true)
    other_weights, other_means, other_covariances = _parts(fitted)
    if means.shape[1] != other_means.shape[1]:
        raise DataError(
            f"the mixtures have {means.shape[1]} and {other_means.shape[1]} columns", "compare like with like"
        )
    squared = np.array(
        [
            [
                squared_wasserstein(mean, covariance, other_mean, other_covariance)
                for other_mean, other_covariance in zip(other_means, other_covariances, strict=True)
            ]
            for mean, covariance in zip(means, covariances, strict=True)
        ]
    )
    rows, columns = linear_sum_assignment(squared)
    return ComponentMatch(
        rows,
        columns,
        np.sqrt(squared[rows, columns]),
        other_weights[columns] - weights[rows],
        other_means[columns] - means[rows],
        other_covariances[columns] - covariances[rows],
    )


def _parts(mixture: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from densimeter.mixture.catalogue import FAMILIES

    means = np.asarray(mixture.means_, np.float64)
    family = FAMILIES[getattr(mixture, "covariance_type", "full")]
    covariances = family.as_full(np.asarray(mixture.covariances_, np.float64), means.shape[1], len(means))
    return np.asarray(mixture.weights_, np.float64), means, covariances


def squared_wasserstein(
    mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray
) -> float:
    """Squared 2-Wasserstein distance of two Gaussians (Dowson and Landau, 1982, eq. 4); never negative."""
    root = _square_root(covariance)
    cross = _square_root(root @ other_covariance @ root)
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * np.trace(cross)
    return float(((mean - other_mean) ** 2).sum() + max(spread, 0.0))


def _square_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
