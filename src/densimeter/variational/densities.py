"""One adapter for everything that calls itself a density; the rest of the room sees rows, and nothing else.

Accepted are

* densities of the package, known (`densimeter.datasets`) or fitted: ``log_prob(X)`` or ``score_samples(X)``
  of rows, and ``sample(n_samples, random_state=...)``; estimators of scikit-learn with the same methods;
* densities of one point, traced by JAX: ``log_prob(x)`` and ``sample(key, n_samples)``, `key` by that name;
* frozen continuous distributions of scipy.stats, of one variable or of several.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import numpy as np

from densimeter.foundations.batching import over_rows
from densimeter.foundations.errors import DataError, NonFiniteError, SettingError
from densimeter.foundations.precision import double_precision
from densimeter.foundations.randomness import generator_from, key_from
from densimeter.foundations.tracing import check_point_density

LogProb = Callable[[np.ndarray], np.ndarray]
Sample = Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True, slots=True)
class Normal:
    """Mean ``(d,)`` and covariance ``(d, d)`` of a density that is known to be Gaussian."""

    mean: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, slots=True)
class RowDensity:
    """A density of rows.

    Attributes
    ----------
    name : str
        What messages call it.
    n_features : int
    lower, upper : ndarray of shape (n_features,)
        A box outside which it is zero, as far as is known.
    normal : Normal or None
        Its parameters if it is a Gaussian.
    """

    name: str
    n_features: int
    raw_log_prob: LogProb
    raw_sample: Sample
    lower: np.ndarray
    upper: np.ndarray
    normal: Normal | None = field(default=None)

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        """Log-density of rows ``(n, d)``, nats, float64; -inf outside the support.

        Raises
        ------
        NonFiniteError
            If it is NaN or +inf somewhere.
        """
        with np.errstate(
            all="ignore"
        ):  # what overflows far out is either -inf, as it should be, or found below
            values = np.asarray(self.raw_log_prob(rows), np.float64).reshape(len(rows))
        if np.isnan(values).any() or np.isposinf(values).any():
            at = rows[np.argmax(np.isnan(values) | np.isposinf(values))]
            raise NonFiniteError(
                f"the log-density of {self.name} is not finite at {at}", "check its log_prob"
            )
        return values

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Independent rows ``(n, d)``, float64."""
        return np.asarray(self.raw_sample(n_samples, generator), np.float64).reshape(n_samples, -1)


def as_density(density: Any, name: str) -> RowDensity:
    """The rows of whatever `density` is; see the head of this file for what is accepted.

    Raises
    ------
    SettingError
        If it is none of these.
    """
    if isinstance(density, RowDensity):
        return density
    if callable(getattr(density, "logpdf", None)) and hasattr(density, "dist"):
        return _of_one_variable(density, name)
    if callable(getattr(density, "logpdf", None)) and type(density).__name__.endswith("_frozen"):
        return _of_several_variables(density, name)
    sample = getattr(density, "sample", None)
    if callable(sample) and callable(getattr(density, "score_samples", None)):
        return _of_rows(density.score_samples, sample, name)
    if callable(sample) and callable(getattr(density, "log_prob", None)):
        if traced_by_jax(density):
            return _of_points(density, name)
        return _of_rows(density.log_prob, sample, name)
    raise SettingError(
        f"{name} is no density: {type(density).__name__} has not both log_prob (or score_samples) and sample",
        "give a density of densimeter, a fitted estimator or a frozen continuous scipy distribution",
    )


def traced_by_jax(density: Any) -> bool:
    """Whether it is a density of one point, which its ``sample(key, n_samples)`` tells."""
    sample = getattr(density, "sample", None)
    return callable(sample) and next(iter(inspect.signature(sample).parameters), "") == "key"


def check_same_width(p: RowDensity, q: RowDensity) -> None:
    """Raise `DataError` unless both have as many features."""
    if p.n_features != q.n_features:
        raise DataError(
            f"{p.name} has {p.n_features} features and {q.name} has {q.n_features}",
            "give densities on the same space",
        )


def _everywhere(n_features: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(n_features, -math.inf), np.full(n_features, math.inf)


def _of_rows(log_prob: Callable[..., Any], sample: Callable[..., Any], name: str) -> RowDensity:
    parameters = inspect.signature(sample).parameters

    def draw(n_samples: int, generator: np.random.Generator) -> np.ndarray:
        if "random_state" in parameters:
            seed = np.random.RandomState(generator.integers(2**32, size=4, dtype=np.uint32))
            drawn = sample(n_samples, random_state=seed)
        else:
            drawn = sample(n_samples)  # scikit-learn's mixtures draw from a state of their own
        return drawn[0] if isinstance(drawn, tuple) else drawn

    n_features = np.asarray(draw(1, generator_from(0))).reshape(1, -1).shape[1]
    return RowDensity(name, n_features, log_prob, draw, *_everywhere(n_features))


def _of_points(density: Any, name: str) -> RowDensity:
    def log_prob(rows: np.ndarray) -> np.ndarray:
        return over_rows(density.log_prob, rows)

    def draw(n_samples: int, generator: np.random.Generator) -> np.ndarray:
        with double_precision():
            return np.asarray(_drawn(density, key_from(generator), n_samples))

    n_features = check_point_density(density, name)
    return RowDensity(name, n_features, log_prob, draw, *_everywhere(n_features), _normal_of(density))


def _normal_of(density: Any) -> Normal | None:
    """The parameters of what has a mean and a Cholesky factor: a Gaussian, or a Gaussian family's member."""
    if not (hasattr(density, "mean") and hasattr(density, "cholesky")):
        return None
    with double_precision():
        factor = np.asarray(density.cholesky, np.float64)
    return Normal(np.asarray(density.mean, np.float64), factor @ factor.T)


@eqx.filter_jit
def _drawn(density: Any, key: jax.Array, n_samples: int) -> jax.Array:
    return density.sample(key, n_samples)


def _of_one_variable(density: Any, name: str) -> RowDensity:
    lower, upper = (np.atleast_1d(np.asarray(end, np.float64)) for end in density.support())

    def log_prob(rows: np.ndarray) -> np.ndarray:
        return density.logpdf(rows[:, 0])

    def draw(n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return density.rvs(n_samples, random_state=generator)

    normal = None
    if density.dist.name == "norm":
        normal = Normal(np.array([float(density.mean())]), np.array([[float(density.var())]]))
    return RowDensity(name, 1, log_prob, draw, lower, upper, normal)


def _of_several_variables(density: Any, name: str) -> RowDensity:
    def draw(n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return density.rvs(n_samples, random_state=generator)

    n_features = int(np.asarray(draw(2, generator_from(0))).reshape(2, -1).shape[1])
    normal = None
    if type(density).__name__ == "multivariate_normal_frozen":
        normal = Normal(np.atleast_1d(density.mean), np.atleast_2d(density.cov))
    return RowDensity(name, n_features, density.logpdf, draw, *_everywhere(n_features), normal)
