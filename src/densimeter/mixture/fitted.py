"""What can be asked of a fitted mixture, whatever fitted it."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.foundations.rows import check_rows, weighted_mean
from densimeter.mixture import density
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.conditioning import ConditionalMixtures, condition
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.missing import expected_cells

if TYPE_CHECKING:
    from densimeter.mixture.estimator import GaussianMixture


class FittedMixture(DensityMixin, BaseEstimator):
    """Density, posterior, samples, marginals and conditionals of ``weights_``, ``means_``, ``covariances_``.

    NaN cells are treated as missing: the density of a row is that of the cells it has.
    """

    covariance_type: str
    n_features_in_: int
    weights_: np.ndarray
    means_: np.ndarray
    covariances_: np.ndarray
    precisions_cholesky_: np.ndarray
    _generator: np.random.Generator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    @property
    def _family(self) -> Family:
        return choose("covariance_type", self.covariance_type, FAMILIES)

    @property
    def _parameters(self) -> Parameters:
        return Parameters(self.weights_, self.means_, self.covariances_)

    def _validated(self, X: ArrayLike, **checks: Any) -> np.ndarray:
        kinds = [np.float64, np.float32]
        return check_rows(self, X, allow_nan=True, dtype=kinds, **checks)

    def log_joint(self, X: ArrayLike) -> np.ndarray:
        """``log weight_k + log N(x | mean_k, covariance_k)`` of each row's observed cells, in nats.

        Shape ``(n_samples, n_components)``; its log-sum over the components is `score_samples`.
        """
        check_is_fitted(self)
        rows = self._validated(X, reset=False)
        return density.observed_log_joint(self._family, rows, self._parameters, self.precisions_cholesky_)

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """The log-density of each row's observed cells, nats, shape ``(n_samples,)``."""
        return density.normalise(self.log_joint(X))[0]

    def gradient(self, X: ArrayLike) -> np.ndarray:
        """The gradient of the log-density at each row, ``(n_samples, n_features)``, in nats per unit.

        Raises
        ------
        DataError
            If a cell is missing: the log-density of the others has no slope along it.
        """
        check_is_fitted(self)
        rows = self._validated(X, reset=False)
        if np.isnan(rows).any():
            row, column = np.argwhere(np.isnan(rows))[0]
            raise DataError(
                f"the gradient needs complete rows, and row {row} misses column {column}", "impute it first"
            )
        shares = np.exp(density.normalise(self.log_joint(rows))[1])
        return density.gradient(self._family, rows, shares, self.means_, self.precisions_cholesky_)

    def score(  # pyright: ignore[reportIncompatibleMethodOverride]  # scikit-learn's mixin returns nothing
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """The mean log-density of the rows, nats per row, weighted if weights are given."""
        return weighted_mean(self.score_samples(X), sample_weight)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """The posterior probability of each component for each row, ``(n_samples, n_components)``."""
        return np.exp(density.normalise(self.log_joint(X))[1])

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most probable component of each row."""
        return self.log_joint(X).argmax(axis=1)

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> tuple[np.ndarray, np.ndarray]:
        """Rows drawn from the mixture and the components they came from, sorted by component.

        Each call draws anew, from the generator that `random_state` of the constructor seeded.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise SettingError(f"Invalid value for 'n_samples': {n_samples!r}", "give a whole number from 1")
        rng = self._generator if random_state is None else generator_from(random_state)
        k, d = self.means_.shape
        weights = np.asarray(self.weights_, np.float64)
        labels = np.repeat(np.arange(k), rng.multinomial(n_samples, weights / weights.sum()))
        normal = rng.standard_normal((n_samples, d))
        lower = np.linalg.cholesky(np.asarray(self._family.as_full(self.covariances_, d, k), np.float64))
        rows = np.asarray(self.means_, np.float64)[labels]
        for component in np.unique(labels):
            members = labels == component
            rows[members] += normal[members] @ lower[component].T
        return rows.astype(self.means_.dtype), labels

    def _n_parameters(self) -> int:
        k, d = self.means_.shape
        return self._family.n_parameters(d, k) + k * d + k - 1

    def bic(self, X: ArrayLike) -> float:
        """The Bayesian information criterion of the rows; the lower the better."""
        log_prob = self.score_samples(X)
        return float(-2 * log_prob.sum() + self._n_parameters() * math.log(len(log_prob)))

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion of the rows; the lower the better."""
        return float(-2 * self.score_samples(X).sum() + 2 * self._n_parameters())

    def impute(self, X: ArrayLike) -> np.ndarray:
        """The rows with each missing cell replaced by its expectation given the cells the row has."""
        check_is_fitted(self)
        return expected_cells(self._family, self._parameters, self._validated(X, reset=False))

    def marginal(self, columns: ArrayLike) -> GaussianMixture:
        """The mixture of some columns, by index, in the order given.

        Raises
        ------
        SettingError
            If a column is not an index of one, or is given twice.
        """
        from densimeter.mixture.estimator import GaussianMixture

        check_is_fitted(self)
        chosen = _check_columns(columns, self.means_.shape[1])
        part = self._family.marginal(self._parameters, chosen)
        return GaussianMixture.from_parameters(*part, covariance_type=self.covariance_type)

    def condition(self, columns: ArrayLike, values: ArrayLike) -> ConditionalMixtures:
        """The mixtures of the other columns when `columns` have `values`, a mixture for each row of values.

        `values` has shape ``(n_values, len(columns))``, or ``(len(columns),)`` for a single row.

        Raises
        ------
        SettingError
            If `columns` are not some but not all of the columns.
        DataError
            If `values` does not have one finite value for each of the columns.
        """
        check_is_fitted(self)
        known = _check_columns(columns, self.means_.shape[1])
        if len(known) == self.means_.shape[1]:
            raise SettingError("every column is known, nothing is left", "leave a column out of `columns`")
        rows = np.atleast_2d(np.asarray(values, np.float64))
        if rows.ndim != 2 or rows.shape[1] != len(known) or not np.isfinite(rows).all():
            raise DataError(
                f"values must be finite with shape (n, {len(known)}), got {rows.shape}",
                "give a value for each of `columns`",
            )
        return condition(self._family, self._parameters, known, rows)

    def entropy(
        self, n_samples: int = 10_000, confidence: float = 0.95, random_state: RandomState = 0
    ) -> Estimate:
        """The differential entropy ``-E[log p(x)]`` in nats, exact for one component.

        Otherwise the mean of ``-log p`` over `n_samples` draws with Student's interval.
        """
        check_is_fitted(self)
        check_count("n_samples", n_samples, at_least=2)
        check_number("confidence", confidence, above=0, below=1)
        k, d = self.means_.shape
        if k == 1:
            log_det = self._family.log_determinants(self.precisions_cholesky_, d, 1)[0]
            return Estimate.exact(float(d / 2 * (1 + math.log(2 * math.pi)) - log_det))
        rows, _ = self.sample(n_samples, random_state)
        surprise = -self.score_samples(rows).astype(np.float64)
        value, error = float(surprise.mean()), float(stats.sem(surprise))
        half = float(stats.t.ppf((1 + confidence) / 2, n_samples - 1)) * error
        return Estimate(
            value, value - half, value + half, confidence, f"mean of {n_samples} draws, Student's t"
        )


def _check_columns(columns: ArrayLike, n_features: int) -> np.ndarray:
    chosen = np.atleast_1d(np.asarray(columns))
    whole = chosen.ndim == 1 and len(chosen) > 0 and np.issubdtype(chosen.dtype, np.integer)
    if not whole or (chosen < 0).any() or (chosen >= n_features).any() or len(set(chosen)) < len(chosen):
        raise SettingError(
            f"columns must be distinct indices from 0 to {n_features - 1}, got {columns!r}", "give each once"
        )
    return chosen
