"""scipy's distributions as density estimators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from densimeter.adapters.column_families import (
    NO_DENSITIES,
    ColumnDensity,
    check_fixed,
    column_families,
    fit_column,
)
from densimeter.adapters.multivariate_families import ROW_FAMILIES
from densimeter.foundations.checks import check_count
from densimeter.foundations.errors import NonFiniteError, SettingError, did_you_mean
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.foundations.rows import check_rows, rows_present, weighted_mean
from densimeter.foundations.scaling import ColumnScaling

Family = str | stats.rv_continuous


class ScipyDensity(DensityMixin, BaseEstimator):
    r"""A family of ``scipy.stats`` fitted by maximum likelihood.

    A univariate family is fitted to each column by itself, and the columns are taken to be independent:

    .. math:: \log p(x) = \sum_j \log f(x_j;\ \hat\theta_j)

    Parameters
    ----------
    distribution : str, rv_continuous or sequence of them
        A continuous family, by its name in ``scipy.stats`` (``"t"``, ``"gamma"``, ...) or itself; a sequence
        gives one for each column. ``"multivariate_normal"`` and ``"multivariate_t"`` fit the whole row with
        a full covariance.
    fixed : mapping of str to float, optional
        Parameters that are not fitted, by scipy's names for them, the same in every column: with
        ``{"loc": 0}`` a family on the half-line begins at zero instead of just below the smallest row.

    Attributes
    ----------
    params_ : list of dict, or dict
        Fitted parameters by scipy's names, in the units of the columns: one dict a column, or the one of the
        whole row.
    n_features_in_ : int

    Raises
    ------
    SettingError
        In `fit`: if the distribution or a fixed parameter is not known.
    FitError
        In `fit`: if no fit gives every row a finite likelihood; it names column and distribution.
    NonFiniteError
        In `score_samples`: where the density itself is infinite.

    Notes
    -----
    Rows outside the support of a fitted family have log-density -inf. Families whose log-density scipy
    takes as the logarithm of the density also give -inf below about exp(-745).

    Examples
    --------
    >>> X = np.random.default_rng(0).gamma(2.0, 3.0, size=(1000, 1))
    >>> model = ScipyDensity("gamma", fixed={"loc": 0}).fit(X)
    >>> {name: round(value, 1) for name, value in model.params_[0].items()}
    {'a': 2.0, 'loc': 0.0, 'scale': 3.0}
    >>> model.score_samples([[-1.0]])
    array([-inf])
    """

    def __init__(
        self,
        distribution: Family | Sequence[Family] = "norm",
        *,
        fixed: Mapping[str, float] | None = None,
    ):
        self.distribution = distribution
        self.fixed = fixed

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to the rows ``(n_samples, n_features)``; `y` is ignored.

        `sample_weight`, shape ``(n_samples,)``, are non-negative; zero means that the row is not there, and
        only ratios matter.
        """
        rows, weights = rows_present(check_rows(self, X, ensure_min_samples=2), sample_weight)
        fit = self._fit_rows if self.distribution in list(ROW_FAMILIES) else self._fit_columns
        self.density_ = fit(rows, weights)
        self.params_ = self.density_.parameters
        return self

    def _fit_rows(self, rows: np.ndarray, weights: np.ndarray | None) -> _Rows:
        if self.fixed:
            raise SettingError(
                f"{self.distribution} takes no fixed parameters", "leave fixed out, or choose a column family"
            )
        scaling = ColumnScaling.of(rows, weights)
        return _Rows(scaling, ROW_FAMILIES[str(self.distribution)].fit(scaling.apply(rows), weights))

    def _fit_columns(self, rows: np.ndarray, weights: np.ndarray | None) -> _Columns:
        families = _families(self.distribution, rows.shape[1])
        fixed = dict(self.fixed or {})
        for family in families:
            check_fixed(family, fixed)
        names = getattr(self, "feature_names_in_", range(rows.shape[1]))
        return _Columns(
            [
                fit_column(family, column, fixed, repr(name), weights)
                for family, column, name in zip(families, rows.T, names, strict=True)
            ]
        )

    def score_samples(self, X: Any) -> np.ndarray:
        """Log-density of each row, nats in the units of the columns, ``(n_samples,)``."""
        check_is_fitted(self)
        scores = self.density_.log_prob(check_rows(self, X, reset=False))
        if np.isnan(scores).any() or np.isposinf(scores).any():
            row = int(np.argmax(~(scores < np.inf)))
            raise NonFiniteError(
                f"the density of {self.distribution!r} is infinite at row {row}",
                "choose a distribution that is bounded there",
            )
        return scores

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # type: ignore[override]
        """Mean log-density of the rows, nats per row, weighted if weights are given."""
        return weighted_mean(self.score_samples(X), sample_weight)

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Independent rows ``(n_samples, n_features)``."""
        check_is_fitted(self)
        return self.density_.sample(check_count("n_samples", n_samples), generator_from(random_state))


class _Columns:
    """Independent columns."""

    def __init__(self, columns: Sequence[ColumnDensity]):
        self.columns = columns

    @property
    def parameters(self) -> list[Mapping[str, float]]:
        return [column.parameters for column in self.columns]

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        parts = np.stack(
            [density.log_prob(column) for density, column in zip(self.columns, rows.T, strict=True)]
        )
        outside = np.isneginf(parts).any(axis=0)  # wins over a density that is infinite in another column
        return np.where(outside, -np.inf, np.where(outside, 0.0, parts).sum(axis=0))

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return np.column_stack([column.sample(n_samples, generator) for column in self.columns])


class _Rows:
    """A density of the standardised row."""

    def __init__(self, scaling: ColumnScaling, density: Any):
        self.scaling = scaling
        self.density = density

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.density.parameters(self.scaling.location, self.scaling.scale)

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        return self.density.log_prob(self.scaling.apply(rows)) + self.scaling.log_jacobian

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self.scaling.invert(self.density.sample(n_samples, generator))


def _families(distribution: Any, n_features: int) -> list[stats.rv_continuous]:
    """One family for each column."""
    if isinstance(distribution, str) or not isinstance(distribution, Sequence):
        return [_family(distribution, (*column_families(), *ROW_FAMILIES))] * n_features
    if len(distribution) != n_features:
        raise SettingError(
            f"{len(distribution)} distributions for {n_features} columns", "give one, or one for each column"
        )
    return [_family(one, tuple(column_families())) for one in distribution]


def check_distribution(name: str) -> None:
    """Refuse a name that scipy.stats has no density for, before any row is read.

    Raises
    ------
    SettingError
        With a name that is near.
    """
    if name not in ROW_FAMILIES:
        _family(name, (*column_families(), *ROW_FAMILIES))


def _family(distribution: Any, known: Sequence[str]) -> stats.rv_continuous:
    name = distribution.name if isinstance(distribution, stats.rv_continuous) else distribution
    if name in NO_DENSITIES:
        raise SettingError(
            f"{name} lives on the circle and is no density of the line", f"take {NO_DENSITIES[name]!r}"
        )
    if isinstance(distribution, stats.rv_continuous):
        return distribution
    if not isinstance(distribution, str):
        raise SettingError(
            f"the distribution {distribution!r} is no continuous family of scipy.stats",
            "give its name, or the family itself and not a frozen member: stats.gamma, not stats.gamma(2)",
        )
    if distribution not in column_families():
        raise SettingError(f"distribution has no variant {distribution!r}", did_you_mean(distribution, known))
    return column_families()[distribution]
