"""What estimators that are fitted by iterations share: settings, the table, and how a fit is told."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.dependence import warn_of_relations
from densimeter.mixture.arguments import check_enough, rows_present
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.errors import SingularCovarianceError
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitted import FittedMixture
from densimeter.mixture.fitting import Table, batches_of
from densimeter.mixture.frame import AUTOMATIC
from densimeter.mixture.sources import RESIDENT_BYTES
from densimeter.mixture.starts import STARTS


class IteratedMixture(FittedMixture):
    """A mixture with the settings of an iterative fit, as scikit-learn names them."""

    n_components: int
    tol: float
    reg_covar: float | str
    max_iter: int
    n_init: int
    init_params: str
    warm_start: bool
    verbose: int

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the mixture to rows `X`, shape ``(n_samples, n_features)``."""
        raise NotImplementedError

    def fit_predict(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Fit, then the most probable component of each row."""
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def _check_settings(self) -> None:
        check_count("n_components", self.n_components)
        check_number("tol", self.tol, at_least=0)
        if self.reg_covar != AUTOMATIC:
            check_number("reg_covar", self.reg_covar, at_least=0)
        check_count("max_iter", self.max_iter, at_least=0)
        check_count("n_init", self.n_init)
        choose("init_params", self.init_params, STARTS)
        choose("covariance_type", self.covariance_type, FAMILIES)

    def _can_resume(self, n_features: int) -> bool:
        """Whether to begin where the last fit ended: a change of settings or columns means a new start."""
        if not (self.warm_start and hasattr(self, "means_")):
            return False
        shape = self._family.shape(n_features, self.n_components)
        return self.means_.shape == (self.n_components, n_features) and self.covariances_.shape == shape

    def _table(self, X: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Table, int]:
        """The rows to fit to, weights relative to the largest, and the number of columns."""
        rows, weights = rows_present(self._validated(X, ensure_min_samples=2), sample_weight)
        check_enough(rows, self.n_components)
        warn_of_relations(self, rows)
        return Table(batches_of(rows, weights), rows.dtype, rows.nbytes <= RESIDENT_BYTES), rows.shape[1]

    def _store_mixture(self, parameters: Parameters, dtype: np.dtype) -> None:
        """Store the mixture's parameters and what follows from them."""
        self.weights_ = (parameters.weights / parameters.weights.sum()).astype(dtype)
        self.means_ = parameters.means.astype(dtype)
        self.covariances_ = parameters.covariances.astype(dtype)
        self._store_precisions()

    def _store_precisions(self) -> None:
        """Store what follows from the covariances as they are stored: a model file keeps no more."""
        dtype = self.covariances_.dtype
        try:
            factors = self._family.precision_cholesky(np.asarray(self.covariances_, np.float64))
        except np.linalg.LinAlgError:  # only just positive definite, and no longer so in single precision
            raise SingularCovarianceError from None
        self.precisions_cholesky_ = factors.astype(dtype)
        self.precisions_ = self._family.precisions(factors).astype(dtype)

    def _store_outcome(self, converged: bool, n_iter: int, lower_bound: float, stacklevel: int) -> None:
        """Store how the fit ended, tell it if asked to, and warn if it ran out of iterations."""
        self.converged_ = converged
        self.n_iter_ = n_iter
        self.lower_bound_ = lower_bound
        if self.verbose:
            print(f"converged: {converged}, iterations: {n_iter}, nats: {lower_bound:.6f}")  # noqa: T201
        if not converged and self.max_iter > 0:
            warnings.warn(
                "Best performing initialization did not converge. Try different init parameters, or increase "
                f"max_iter, tol, or check for degenerate data. (max_iter is {self.max_iter})",
                ConvergenceWarning,
                stacklevel=stacklevel + 1,
            )
