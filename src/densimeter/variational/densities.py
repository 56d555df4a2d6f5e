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
from densimeter.foundations.densities import FULL_COVARIANCES
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
class Beta:
    """Shapes of a density that is known to be a beta distribution of its support."""

    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of a density that can be sampled by itself, with its share of the mass."""

    share: float
    raw_sample: Sample


FEWEST_OF_A_STRATUM = 64
"""Draws of every part of a mixture, however small its share."""


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
    known : Normal, Beta or None
        Its parameters if it is of a family with closed forms.
    strata : tuple of Stratum
        Its components if it is a mixture of known ones.
    """

    name: str
    n_features: int
    raw_log_prob: LogProb
    raw_sample: Sample
    lower: np.ndarray
    upper: np.ndarray
    known: Normal | Beta | None = field(default=None)
    strata: tuple[Stratum, ...] = field(default=())

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
            if ((at == self.lower) | (at == self.upper)).any():
                raise NonFiniteError(
                    f"the log-density of {self.name} is infinite at {at}, an end of its support",
                    "rows round to that end: give a coordinate in which it is at zero, and not so steep",
                )
            raise NonFiniteError(
                f"the log-density of {self.name} is not finite at {at}", "check its log_prob"
            )
        return values

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Independent rows ``(n, d)``, float64."""
        return np.asarray(self.raw_sample(n_samples, generator), np.float64).reshape(n_samples, -1)

    def stratified_sample(
        self, n_samples: int, generator: np.random.Generator
    ) -> list[tuple[float, np.ndarray]]:
        """Share and rows ``(n_k, d)`` of each stratum, about `n_samples` in all; of one if there are none.

        Each gets a few draws and its share of the others, so that a rare component is never missed.
        """
        fewest = min(FEWEST_OF_A_STRATUM, n_samples // (4 * max(len(self.strata), 1)))
        if len(self.strata) < 2 or fewest < 2:
            return [(1.0, self.sample(n_samples, generator))]
        left = n_samples - fewest * len(self.strata)
        drawn = []
        for part in self.strata:
            size = fewest + round(left * part.share)
            rows = np.asarray(part.raw_sample(size, generator), np.float64).reshape(size, -1)
            drawn.append((part.share, rows))
        return drawn


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
    strata = _components_of(getattr(log_prob, "__self__", None))
    return RowDensity(name, n_features, log_prob, draw, *_everywhere(n_features), strata=strata)


def _components_of(model: Any) -> tuple[Stratum, ...]:
    """The components of a fitted Gaussian mixture, ours or scikit-learn's."""
    if "GaussianMixture" not in (kind.__name__ for kind in type(model).__mro__):
        return ()
    shares, means = np.asarray(model.weights_, np.float64), np.asarray(model.means_, np.float64)
    expand = FULL_COVARIANCES[model.covariance_type]
    factors = np.linalg.cholesky(expand(np.asarray(model.covariances_, np.float64), *means.shape))
    return tuple(
        Stratum(float(share), _normal_rows(mean, factor))
        for share, mean, factor in zip(shares / shares.sum(), means, factors, strict=True)
        if share > 0
    )


def _normal_rows(mean: np.ndarray, factor: np.ndarray) -> Sample:
    return lambda n_samples, generator: mean + generator.standard_normal((n_samples, len(mean))) @ factor.T


def _of_points(density: Any, name: str) -> RowDensity:
    def log_prob(rows: np.ndarray) -> np.ndarray:
        return over_rows(density.log_prob, rows)

    def draw(n_samples: int, generator: np.random.Generator) -> np.ndarray:
        with double_precision():
            return np.asarray(_drawn(density, key_from(generator), n_samples))

    n_features = check_point_density(density, name)
    known, strata = _normal_of(density), _strata_of(density)
    return RowDensity(name, n_features, log_prob, draw, *_everywhere(n_features), known, strata)


def _strata_of(density: Any) -> tuple[Stratum, ...]:
    """The components of a family's mixture: logits ``(K,)``, and densities whose leaves have K in front."""
    density = getattr(density, "density", density)
    if not (hasattr(density, "logits") and hasattr(density, "components")):
        return ()
    logits = np.asarray(density.logits, np.float64)
    shares = np.exp(logits - logits.max())

    def component(place: int) -> Sample:
        one = jax.tree.map(lambda leaf: np.asarray(leaf)[place], density.components)

        def draw(n_samples: int, generator: np.random.Generator) -> np.ndarray:
            with double_precision():
                return np.asarray(_drawn(one, key_from(generator), n_samples))

        return draw

    return tuple(Stratum(float(share), component(place)) for place, share in enumerate(shares / shares.sum()))


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

    return RowDensity(name, 1, log_prob, draw, lower, upper, _known_family(density))


def _known_family(density: Any) -> Normal | Beta | None:
    """Of a frozen distribution of one variable."""
    family = density.dist.name
    if family == "norm":
        return Normal(np.array([float(density.mean())]), np.array([[float(density.var())]]))
    if family == "uniform":
        return Beta(1.0, 1.0)
    if family == "beta":
        given = dict(zip(("a", "b", "loc", "scale"), density.args, strict=False)) | density.kwds
        return Beta(float(given["a"]), float(given["b"]))
    return None


def _of_several_variables(density: Any, name: str) -> RowDensity:
    def draw(n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return density.rvs(n_samples, random_state=generator)

    n_features = int(np.asarray(draw(2, generator_from(0))).reshape(2, -1).shape[1])
    normal = None
    if type(density).__name__ == "multivariate_normal_frozen":
        normal = Normal(np.atleast_1d(density.mean), np.atleast_2d(density.cov))
    return RowDensity(name, n_features, density.logpdf, draw, *_everywhere(n_features), normal)
