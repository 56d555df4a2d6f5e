"""The scikit-learn face of the kernel density estimate."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from densimeter.foundations.checks import check_number, choose
from densimeter.foundations.errors import DataError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.kernel_density.bandwidth import bandwidth_from
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.planner import ALGORITHMS, Planner
from densimeter.kernel_density.profiles import KERNELS, Kernel, draw_from
from densimeter.kernel_density.rules import RULES
from densimeter.kernel_density.selectors import CRITERIA, BandwidthScan, scan


class KernelDensity(DensityMixin, BaseEstimator):
    """Kernel density estimate: the weighted mean of one kernel placed on every row.

    ``p(x) = Σ_i w_i K((x - x_i) / h) / (h_1 ... h_d)`` with ``Σ w_i = 1`` and K integrating to one.

    Parameters
    ----------
    bandwidth : float, array or str, default="likelihood"
        Width of the kernel in the columns' units: a number, one per column, or a full matrix H, for which the
        number h is ``h² I``. Or how it is chosen: by formula, ``"scott"``, ``"silverman"`` or ``"isj"``, each
        per column; or from candidates, ``"likelihood"`` or ``"lscv"`` (least squares), on the validation rows
        given to `fit`, or without them on each row under all others.
    candidates : array of shape (n_candidates,), default=None
        Bandwidths to choose from; by default 20 multiples of Scott's rule, per column, and more below them if
        the narrowest is the best.
    kernel : {"gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"}, default="gaussian"
    log_tol : float, default=1e-6
        Every log-density returned is within `log_tol` nats of the exact sum, at least 1e-12.
    algorithm : {"auto", "fourier", "tree", "direct"}, default="auto"
        How the sum is computed. It changes the time, not the promise: queries whose density is too low for
        the Fourier series are answered by an exact engine.

    Attributes
    ----------
    bandwidth_ : float, ndarray of shape (n_features,) or ndarray of shape (n_features, n_features)
        The bandwidth in use.
    bandwidth_scores_ : BandwidthScan or None
        All candidates with their scores, when the bandwidth was chosen from candidates.
    n_features_in_ : int

    Notes
    -----
    Scoring costs n_rows + n_queries for the Gaussian kernel in up to three columns, and at most
    n_queries × n_rows × n_features. Results are float64 whatever the input's dtype, as the promise of
    `log_tol` could not be kept in float32. A log-density below -1.8e308 is -inf.

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
        algorithm: str = "auto",
    ):
        self.bandwidth = bandwidth
        self.candidates = candidates
        self.kernel = kernel
        self.log_tol = log_tol
        self.algorithm = algorithm

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
        choose("algorithm", self.algorithm, ALGORITHMS)
        check_number("log_tol", self.log_tol, at_least=1e-12)
        rows = WeightedRows.of(X, _checked_weights(sample_weight, len(X)))
        held_out = None if X_val is None else self._validated(X_val)
        self.bandwidth_, self.bandwidth_scores_ = self._chosen_bandwidth(rows, held_out, kernel)
        self._bandwidth = bandwidth_from(self.bandwidth_, X.shape[1], origin=X.mean(axis=0))
        in_frame = WeightedRows(self._bandwidth.to_frame(rows.points), rows.log_weights)
        self._planner = Planner(KernelSum(in_frame, self._bandwidth.scales, kernel))
        self._rows = rows
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """The log-density of each row in nats, shape ``(n_samples,)``; -inf only beyond a kernel's edge."""
        check_is_fitted(self)
        X = self._validated(X)
        algorithm = choose("algorithm", self.algorithm, ALGORITHMS)
        found = algorithm.log_sums(self._planner, self._bandwidth.to_frame(X), self.log_tol)
        return found.values - self._log_volume

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
        return self._rows.points[chosen] + self._bandwidth.spread(noise)

    @property
    def _kernel(self) -> Kernel:
        return self._planner.kernel_sum.kernel

    @property
    def _log_volume(self) -> float:
        return self._kernel.log_normalizer(self.n_features_in_) + self._bandwidth.log_volume

    def _validated(self, X: Any, reset: bool = False) -> np.ndarray:
        return np.asarray(validate_data(self, X, dtype=np.float64, reset=reset, copy=reset))

    def _chosen_bandwidth(
        self, rows: WeightedRows, held_out: np.ndarray | None, kernel: Kernel
    ) -> tuple[Any, BandwidthScan | None]:
        if not isinstance(self.bandwidth, str):
            given = self.bandwidth
            return (float(given) if isinstance(given, Real) else given), None
        if self.bandwidth in RULES:
            return RULES[self.bandwidth](rows), None
        criterion = choose("bandwidth", self.bandwidth, {**CRITERIA, **dict.fromkeys(RULES)})
        assert criterion is not None  # a rule has been answered above
        scores = scan(criterion, rows, held_out, self.candidates, kernel, self.log_tol)
        return scores.bandwidths[scores.best], scores


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
