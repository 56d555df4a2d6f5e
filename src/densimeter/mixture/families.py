"""What EM asks of a covariance family, and the table of the four.

Every family writes the log-density of a component as linear in features ``phi(x) = [1, x, ...]`` of a point,

    log w_k N(x | mu_k, Sigma_k) = <theta_k, phi(x)>,

so that an E-step is one matrix product of all theta with all phi, and the sums an M-step needs, ``sum_i r_ik
phi(x_i)``, are another. `expand` makes phi, `natural` makes theta, `maximise` turns the sums into parameters.
Arrays carry any number of leading axes (restarts). `expand`, `natural` and `maximise` use the namespace of
their argument, NumPy's or JAX's, since they serve both the compiled loop and the streamed one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from densimeter.mixture.linalg import lifted

LOG_TWO_PI = math.log(2 * math.pi)


class Parameters(NamedTuple):
    """Weights ``(..., K)``, means ``(..., K, d)`` and covariances in the family's shape."""

    weights: Any
    means: Any
    covariances: Any


class Floor(NamedTuple):
    """What keeps covariances from degenerating, variances ``(d,)`` both.

    `added` is added to the variances of every covariance; below `least` no variance may fall, in whatever
    direction, None for no such bound. A covariance below it becomes the likeliest that is not.
    """

    added: Any
    least: Any = None

    def lift_variances(self, variances: Any) -> Any:
        """Variances ``(..., d)`` on this floor."""
        raised = variances + self.added
        return raised if self.least is None else raised.__array_namespace__().maximum(raised, self.least)

    def lift_matrices(self, matrices: Any) -> Any:
        """Covariance matrices ``(..., d, d)`` on this floor."""
        raised = (
            matrices
            + matrices.__array_namespace__().eye(matrices.shape[-1], dtype=matrices.dtype) * self.added
        )
        return raised if self.least is None else lifted(raised, self.least)

    def common(self) -> Floor:
        """For one variance in every column: the means."""
        return Floor(self.added.mean(), None if self.least is None else self.least.mean())


NO_FLOOR = Floor(np.zeros(1))
"""Covariances are what they are."""


class Family(Protocol):
    """What EM, the starts and the estimator ask of a covariance family."""

    shared: bool
    """Whether all components have the same covariance."""
    has_matrices: bool
    """Whether covariances are matrices rather than variances."""

    def n_terms(self, n_features: int) -> int:
        """The number of features phi."""
        ...

    def expand(self, columns: Any) -> Any:
        """Features ``(n_terms, n_rows)`` of the points whose columns are given, ``(d, n_rows)``."""
        ...

    def natural(self, parameters: Parameters) -> Any:
        """The natural parameters ``(..., K, n_terms)``; NaN where a covariance is not positive definite."""
        ...

    def maximise(self, sums: Any, n_features: int, floor: Floor) -> Parameters:
        """The parameters that maximise the expected log-likelihood, covariances on the `floor`.

        A component without members has weight zero, mean zero and unit covariance.
        """
        ...

    def cancellation(self, theta: Any, parameters: Parameters) -> Any:
        """By how much ``<theta, phi(x)>`` may exceed the log-density it adds up to, ``(...,)``.

        `theta` are the natural parameters of `parameters`. Times the machine precision the result is the
        error of an E-step in natural parameters, in nats.
        """
        ...

    def marginal(self, parameters: Parameters, columns: np.ndarray) -> Parameters:
        """The parameters of the distribution of some columns."""
        ...

    def terms(self, columns: np.ndarray, n_features: int) -> np.ndarray:
        """Where the features of some columns stand among those of all."""
        ...

    def complete(self, sums: np.ndarray, parameters: Parameters, observed: np.ndarray) -> np.ndarray:
        """Expected sums over all columns from sums over the observed ones, the rest missing at random.

        `sums` are ``(..., K, n_terms of the observed)``; the result has the n_terms of all columns.
        """
        ...

    def from_moments(self, counts: Any, first: Any, second: Any) -> Any:
        """Sums of features from counts and from sums of points, and of their products ``(..., d, d)``."""
        ...

    def local_maps(self, covariances: Any, n_components: int, n_features: int) -> Any:
        """Matrices ``(..., K, d, d)`` that map each covariance to the identity."""
        ...

    def from_local(self, local: Parameters, parameters: Parameters, floor: Floor) -> Parameters:
        """Parameters in the coordinates of `local_maps` about the means of `parameters`, mapped back."""
        ...

    def precision_cholesky(self, covariances: np.ndarray) -> np.ndarray:
        """Factors P with ``P P^T = Sigma^-1``, as scikit-learn stores them.

        Raises numpy.linalg.LinAlgError if a covariance is not positive definite.
        """
        ...

    def invert(self, precisions: np.ndarray) -> np.ndarray:
        """Covariances from precisions.

        Raises numpy.linalg.LinAlgError if a precision is not symmetric and positive definite.
        """
        ...

    def precisions(self, factors: np.ndarray) -> np.ndarray:
        """``P P^T`` in the family's shape."""
        ...

    def whiten(self, factors: np.ndarray, component: int, centred: np.ndarray) -> np.ndarray:
        """Rows less a mean, times the factor of `component`; their squared norm is Mahalanobis'."""
        ...

    def log_determinants(self, factors: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        """``log det P_k`` for each component, in nats."""
        ...

    def rescale(self, covariances: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """The covariances of the points multiplied by `scale`, column by column."""
        ...

    def as_full(self, covariances: np.ndarray, n_features: int, n_components: int) -> np.ndarray:
        """The covariances as matrices ``(K, d, d)``."""
        ...

    def n_parameters(self, n_features: int, n_components: int) -> int:
        """Free numbers in the covariances."""
        ...

    def shape(self, n_features: int, n_components: int) -> tuple[int, ...]:
        """The shape of ``covariances_``."""
        ...

    def common_scale(self, scale: np.ndarray) -> np.ndarray:
        """The scaling of columns, nearest to `scale`, that maps the family to itself."""
        ...


def safe_counts(counts: Any) -> Any:
    """Counts with zeros replaced by one: a component without members then has zero sums, not NaN."""
    return counts.__array_namespace__().where(counts > 0, counts, 1.0)


def vacancy(counts: Any) -> Any:
    """One where a component has no members, else zero."""
    return counts.__array_namespace__().where(counts > 0, 0.0, 1.0)


def normalised(counts: Any) -> Any:
    """Weights that sum to one."""
    return counts / counts.sum(-1, keepdims=True)


def constant_terms(weights: Any, log_det: Any, means: Any, linear: Any) -> Any:
    """The constant term of the natural parameters; -inf for a weight of zero."""
    xp = weights.__array_namespace__()
    log_weights = xp.where(weights > 0, xp.log(xp.where(weights > 0, weights, 1.0)), -xp.inf)
    return log_weights + log_det - 0.5 * ((means * linear).sum(-1) + means.shape[-1] * LOG_TWO_PI)
