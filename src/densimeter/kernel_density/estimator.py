"""The scikit-learn face of the kernel density estimate."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from densimeter.foundations.checks import check_number, choose
from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.kernel_density import direct
from densimeter.kernel_density.bandwidth import Bandwidth
from densimeter.kernel_density.profiles import KERNELS, Kernel, draw_from
from densimeter.kernel_density.rows import WeightedRows
from densimeter.kernel_density.selectors import BandwidthScan, Candidates, scan_held_out, scan_left_out


class KernelDensity(DensityMixin, BaseEstimator):
    """Kernel density estimate: the weighted mean of one kernel placed on every row.

    ``p(x) = Σ_i w_i K((x - x_i) / h) / (h_1 ... h_d)`` with ``Σ w_i = 1`` and K integrating to one.

    Parameters
    ----------
    bandwidth : float, array of shape (n_features,) or "likelihood", default="likelihood"
        Width of the kernel in the columns' units: one number, one per column, or chosen on the likelihood of
        the validation rows given to `fit`, or without them on the leave-one-out likelihood of its own rows.
    candidates : array of shape (n_candidates,), default=None
        Bandwidths to choose from; by default 20 multiples of the normal reference rule, per column.
    kernel : {"gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"}, default="gaussian"
    log_tol : float, default=1e-6
        Every log-density returned is within `log_tol` nats of the exact sum.

    Attributes
    ----------
    bandwidth_ : float or ndarray of shape (n_features,)
        The bandwidth in use.
    bandwidth_scores_ : BandwidthScan or None
        All candidates with their mean log-likelihood, when the bandwidth was chosen.
    n_features_in_ : int

    Notes
    -----
    Scoring costs n_queries × n_rows × n_features. Computation is in float64 whatever the input's dtype, as
    the promise of `log_tol` could not be kept in float32.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0]])
    >>> KernelDensity(bandwidth=1.0).fit(X).score_samples([[0.5]]).round(6)
    array([-1.043939])
    """

    n_features_in_: int

    def __init__(
        self,
        bandwidth: float | np.ndarray | str = "likelihood",
        *,
        candidates: np.ndarray | None = None,
        kernel: str = "gaussian",
        log_tol: float = 1e-6,
    ):
        self.bandwidth = bandwidth
        self.candidates = candidates
        self.kernel = kernel
        self.log_tol = log_tol

    def fit(
        self,
        X: np.ndarray,
        y: object = None,
        sample_weight: np.ndarray | None = None,
        X_val: np.ndarray | None = None,
    ) -> Self:
        """Keep the rows of `X`, and choose the bandwidth if it is not given.

        Raises
        ------
        DataError
            If a weight is not positive, or the rows cannot choose a bandwidth.
        SettingError
            If a parameter is wrong.
        """
        X = self._validated(X, reset=True)
        kernel = choose("kernel", self.kernel, KERNELS)
        check_number("log_tol", self.log_tol, at_least=1e-12)
        rows = WeightedRows.of(X, _checked_weights(sample_weight, len(X)))
        if isinstance(self.bandwidth, str):
            held_out = None if X_val is None else self._validated(X_val)
            self.bandwidth_scores_ = self._scan(rows, held_out, kernel)
            self.bandwidth_ = self.bandwidth_scores_.bandwidths[self.bandwidth_scores_.best]
        else:
            self.bandwidth_scores_ = None
            self.bandwidth_ = self.bandwidth
        self._bandwidth = Bandwidth.of(self.bandwidth_, X.shape[1])
        if isinstance(self.bandwidth_, Real):
            self.bandwidth_ = float(self.bandwidth_)
        self._rows, self._kernel = rows, kernel
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """The log-density of each row in nats, shape ``(n_samples,)``; -inf only beyond a kernel's edge."""
        check_is_fitted(self)
        X = self._validated(X)
        log_sums = direct.log_sums(X, self._rows, self._bandwidth.scales, self._kernel, self.log_tol)
        return log_sums - self._kernel.log_normalizer(X.shape[1]) - self._bandwidth.log_volume

    def score(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, X: np.ndarray, y: object = None
    ) -> float:
        """The mean log-density of the rows, in nats per row."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Random rows from the estimate, shape ``(n_samples, n_features)``."""
        check_is_fitted(self)
        generator = generator_from(random_state)
        chosen = generator.choice(len(self._rows), size=n_samples, p=self._rows.weights)
        noise = draw_from(self._kernel, generator, n_samples, self.n_features_in_)
        return self._rows.points[chosen] + noise * self._bandwidth.scales

    def _validated(self, X: Any, reset: bool = False) -> np.ndarray:
        return np.asarray(validate_data(self, X, dtype=np.float64, reset=reset, copy=reset))

    def _scan(self, rows: WeightedRows, held_out: np.ndarray | None, kernel: Kernel) -> BandwidthScan:
        if self.bandwidth != "likelihood":
            raise SettingError(
                f"bandwidth has no variant {self.bandwidth!r}", "give a number or 'likelihood'"
            )
        if self.candidates is None:
            candidates = Candidates.around_rule_of_thumb(rows)
        else:
            candidates = Candidates.of(self.candidates, rows.points.shape[1])
        if held_out is None:
            return scan_left_out(rows, candidates, kernel)
        return scan_held_out(rows, held_out, candidates, kernel)


def _checked_weights(sample_weight: np.ndarray | None, n_rows: int) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != (n_rows,):
        raise DataError(
            f"sample_weight has shape {weights.shape} for {n_rows} rows", "give one weight per row"
        )
    if not weights.any():
        raise DataError(
            "sample_weight is zero on all rows", "leave out the weights, or give each row a positive one"
        )
    if not np.all((weights > 0) & np.isfinite(weights)):
        raise DataError("sample_weight holds a weight that is not positive", "leave rows without weight out")
    return weights
