"""scipy's continuous families: one column fitted by maximum likelihood.

The likelihood is climbed twice, on the standardised column and on the column divided by its standard
deviation, and the better fit is kept: scipy's search starts near loc = 0 with steps that suit numbers of the
order of one, while families on the half-line know good starts only for a column that is not shifted.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats
from scipy.optimize import minimize

from densimeter.foundations.errors import FitError, SettingError, did_you_mean
from densimeter.foundations.scaling import BinaryScaling

NO_DENSITIES = {"vonmises": "vonmises_line"}
"""Families whose `pdf` does not integrate to one over the line, and what to take instead."""


_MOST_REPEATED = 100
"""Times that the number with the largest weight is repeated at most."""


@cache
def column_families() -> Mapping[str, stats.rv_continuous]:
    """Scipy's continuous families by their names."""
    return {
        name: family
        for name, family in vars(stats).items()
        if isinstance(family, stats.rv_continuous) and name not in NO_DENSITIES
    }


@dataclass(frozen=True, slots=True)
class ColumnDensity:
    """A member of one of scipy's families: its parameters, ``loc`` and ``scale`` last."""

    family: stats.rv_continuous
    parameters: Mapping[str, float]

    def log_prob(self, column: np.ndarray) -> np.ndarray:
        """Log-density of each number, nats; -inf outside the support."""
        return log_prob(self.family, column, tuple(self.parameters.values()))

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Independent numbers ``(n_samples,)``."""
        return np.asarray(self.family.rvs(*self.parameters.values(), size=n_samples, random_state=generator))


def log_prob(family: stats.rv_continuous, column: np.ndarray, parameters: tuple[float, ...]) -> np.ndarray:
    """``family.logpdf`` in silence: that a logarithm of zero is -inf needs no warning."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(family.logpdf(column, *parameters), np.float64)


def parameter_names(family: stats.rv_continuous) -> tuple[str, ...]:
    """Shapes in scipy's order, then ``loc`` and ``scale``.

    Examples
    --------
    >>> parameter_names(stats.gamma)
    ('a', 'loc', 'scale')
    """
    shapes = family.shapes.replace(" ", "").split(",") if family.shapes else []
    return (*shapes, "loc", "scale")


def check_fixed(family: stats.rv_continuous, fixed: Mapping[str, float]) -> None:
    """Refuse a fixed parameter that the family does not have, and to fix all of them."""
    names = parameter_names(family)
    for name in fixed:
        if name not in names:
            raise SettingError(f"{family.name} has no parameter {name!r}", did_you_mean(str(name), names))
    if len(fixed) == len(names):
        raise SettingError(
            f"all parameters of {family.name} are fixed", "leave at least one of them to be fitted"
        )


def fit_column(
    family: stats.rv_continuous,
    column: np.ndarray,
    fixed: Mapping[str, float],
    name: str,
    weights: np.ndarray | None = None,
) -> ColumnDensity:
    """The member of `family` that makes `column` most likely; `name` is for errors only.

    Columns in units beyond 1e100 are fitted divided by a power of two, and the parameters brought back.

    Raises
    ------
    FitError
        If no fit gives every number a finite log-density.
    """
    unit = 2.0 ** int(BinaryScaling.of(column[:, None]).exponents[0])
    held = {key: value / unit if key in ("loc", "scale") else value for key, value in fixed.items()}
    parameters = _most_likely(family, Column(column / unit, weights), held, name)
    *shapes, loc, scale = parameters
    return ColumnDensity(
        family, dict(zip(parameter_names(family), (*shapes, loc * unit, scale * unit), strict=True))
    )


@dataclass(frozen=True, slots=True)
class Column:
    """Numbers ``(n,)`` and their weights, relative to the largest; None for equal ones."""

    numbers: np.ndarray
    weights: np.ndarray | None

    def mean(self, values: np.ndarray) -> float:
        """The weighted mean of one value for each number."""
        return float(np.average(values, weights=self.weights))

    @property
    def _multiples(self) -> np.ndarray:
        assert self.weights is not None
        return self.weights / max(float(self.weights.min()), 1 / _MOST_REPEATED)

    @property
    def is_repeated(self) -> bool:
        """Whether `repeated` is the column itself, its weights being multiples of the smallest."""
        if self.weights is None:
            return True
        return np.allclose(self._multiples, np.rint(self._multiples), rtol=1e-12)

    def repeated(self) -> np.ndarray:
        """Each number about as often as it weighs, once at least: scipy's fits know no weights."""
        if self.weights is None:
            return self.numbers
        return np.repeat(self.numbers, np.maximum(np.rint(self._multiples), 1).astype(int))


def _most_likely(
    family: stats.rv_continuous, column: Column, fixed: Mapping[str, float], name: str
) -> tuple[float, ...]:
    centre = column.mean(column.numbers)
    spread = math.sqrt(column.mean((column.numbers - centre) ** 2))
    if not spread > 0 or np.ptp(column.numbers) == 0:
        raise FitError(f"column {name} is constant: {family.name} cannot be fitted", "leave the column out")
    frames = ((centre, spread), (0.0, spread))
    fits = [_fit_in_frame(family, column, fixed, *frame) for frame in frames]
    likelihoods = [_log_likelihood(family, column, parameters) for parameters in fits]
    if max(likelihoods) == -np.inf:  # where ends lie on rows, the way to a frame and back may round a row out
        fits.append(_fit_in_frame(family, column, fixed, 0.0, 1.0))
        likelihoods.append(_log_likelihood(family, column, fits[-1]))
    best = int(np.argmax(likelihoods))
    parameters = fits[best]
    if parameters is None or likelihoods[best] == -np.inf:
        raise FitError(
            f"{family.name} could not be fitted to column {name} with finite likelihood",
            'choose another distribution, or fix a parameter: fixed={"loc": 0}',
        )
    return parameters


def _fit_in_frame(
    family: stats.rv_continuous,
    column: Column,
    fixed: Mapping[str, float],
    location: float,
    scale: float,
) -> tuple[float, ...] | None:
    """Parameters fitted to ``(column - location) / scale`` in the column's own units; None if scipy gave up.

    ``loc`` and ``scale`` follow a change of units and the shapes do not know of it.
    """
    held = {f"f{name}": value for name, value in fixed.items()}
    if "loc" in fixed:
        held["floc"] = (fixed["loc"] - location) / scale
    if "scale" in fixed:
        held["fscale"] = fixed["scale"] / scale
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            standard = Column((column.numbers - location) / scale, column.weights)
            found = tuple(float(p) for p in family.fit(standard.repeated(), **held))
            *shapes, loc, width = _climbed(family, standard, found, held)
    except (ValueError, TypeError, ArithmeticError, RuntimeError, NotImplementedError):
        return None  # the many ways in which scipy's fits say that they failed
    return (*shapes, fixed.get("loc", loc * scale + location), fixed.get("scale", width * scale))


def _log_likelihood(
    family: stats.rv_continuous, column: Column, parameters: tuple[float, ...] | None
) -> float:
    """The mean over the column, nats; -inf where it is not finite, also where it is infinite."""
    if parameters is None or not np.isfinite(parameters).all():
        return -np.inf
    mean = column.mean(log_prob(family, column.numbers, parameters))
    return mean if np.isfinite(mean) else -np.inf


def _climbed(
    family: stats.rv_continuous, column: Column, found: tuple[float, ...], held: Mapping[str, float]
) -> tuple[float, ...]:
    """From scipy's fit to the repeated column up the weighted likelihood, which its counts only round.

    Whole multiples of the smallest weight are not rounded, and left as they are.
    """
    if column.weights is None or column.is_repeated:
        return found
    names = parameter_names(family)
    free = [place for place, name in enumerate(names) if not {f"f{name}", f"f{place}"} & set(held)]

    def loss(numbers: np.ndarray) -> float:
        trial = np.array(found)
        trial[free] = numbers
        return -_log_likelihood(family, column, tuple(trial)) if trial[-1] > 0 else np.inf

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxfev": 400 * len(free)}
    better: Any = minimize(loss, np.array(found)[free], method="Nelder-Mead", options=options)
    if not better.fun < loss(np.array(found)[free]):
        return found
    best = np.array(found)
    best[free] = better.x
    return tuple(best)
