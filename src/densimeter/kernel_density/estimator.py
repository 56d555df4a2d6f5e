"""The scikit-learn face of the kernel density estimate."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, Self, cast

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.dependence import warn_of_relations
from densimeter.foundations.errors import (
    DensimeterWarning,
    FitError,
    SettingError,
    did_you_mean,
    warn_renamed,
)
from densimeter.foundations.estimates import Guarantee
from densimeter.foundations.forking import begin_computing
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.foundations.rows import check_rows, rows_present, weighted_mean
from densimeter.kernel_density.bandwidth import bandwidth_from
from densimeter.kernel_density.columns import means
from densimeter.kernel_density.gradients import gradients
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums, WeightedRows
from densimeter.kernel_density.metrics import SPHERE, TREES, SphereSum, TreeSum, is_euclidean
from densimeter.kernel_density.planner import ALGORITHMS, Planner
from densimeter.kernel_density.profiles import KERNELS, Gaussian, Kernel, draw_from
from densimeter.kernel_density.rules import RULES
from densimeter.kernel_density.selectors import CRITERIA, BandwidthScan, chosen_width, scan
from densimeter.kernel_density.stream import StreamedSum


def _bandwidth_is_given(estimator: KernelDensity) -> bool:
    if isinstance(estimator.bandwidth, str):
        raise SettingError(
            "partial_fit cannot choose a bandwidth from rows that it does not keep",
            "give bandwidth as a number; set_params(bandwidth=model.bandwidth_) goes on from a fit",
        )
    return True


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
        the narrowest is the best, or above them while all leave some row without density.
    kernel : {"gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"}, default="gaussian"
        ``"von_mises_fisher"`` is the kernel of the sphere: rows are latitude and longitude in radians, the
        density is per steradian, and the bandwidth h an angle, ``κ = 1 / h²``.
    log_tol : float, default=1e-6
        Every log-density returned is within `log_tol` nats of the exact sum, at least 1e-12.
    algorithm : {"auto", "fourier", "tree", "direct", "kd_tree", "ball_tree"}, default="auto"
        How the sum is computed. It changes the time, not the promise: queries whose density is too low for
        the Fourier series are answered by an exact engine. ``"kd_tree"`` and ``"ball_tree"``, scikit-learn's
        names, are ``"tree"`` here, and choose the tree under another metric.
    metric : str, default="euclidean"
        Another metric takes scikit-learn's trees, with their constants: the sum is divided by what would
        normalise it under Euclid's metric, so the result is a density per unit of the columns under that
        metric only. The honest ``"haversine"`` is `kernel="von_mises_fisher"`.
    metric_params : dict, default=None
        Parameters of the metric, as `p` of ``"minkowski"``.
    atol, rtol : float, default=0
        Errors of the density, absolute and relative, that are allowed. Nothing is computed less exactly than
        `log_tol` says: these promise no less, and hold for the trees of other metrics.
    breadth_first, leaf_size : bool, default=True; int, default=40
        How scikit-learn's trees go about it; without effect on Euclid's metric.

    Attributes
    ----------
    bandwidth_ : float, ndarray of shape (n_features,) or ndarray of shape (n_features, n_features)
        The bandwidth in use.
    bandwidth_scores_ : BandwidthScan or None
        All candidates with their scores, when the bandwidth was chosen from candidates.
    guarantee_ : Guarantee
        ``BOUNDED`` after `fit`: every log-density is within `log_tol`. ``UPPER_BOUND`` after `partial_fit`.
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
    _planner: Any
    _metric_sum: Any = None
    _rows: Any
    _stream: Any
    _total_weight: float

    def __init__(
        self,
        bandwidth: float | np.ndarray | str = "likelihood",
        *,
        candidates: np.ndarray | None = None,
        kernel: str = "gaussian",
        log_tol: float = 1e-6,
        algorithm: str = "auto",
        metric: str = "euclidean",
        metric_params: dict[str, Any] | None = None,
        atol: float = 0,
        rtol: float = 0,
        breadth_first: bool = True,
        leaf_size: int = 40,
    ):
        self.bandwidth = bandwidth
        self.candidates = candidates
        self.kernel = kernel
        self.log_tol = log_tol
        self.algorithm = algorithm
        self.metric = metric
        self.metric_params = metric_params
        self.atol = atol
        self.rtol = rtol
        self.breadth_first = breadth_first
        self.leaf_size = leaf_size

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
            If a weight is negative or all are zero, or the rows cannot choose a bandwidth.
        SettingError
            If a parameter is wrong.
        """
        X = self._validated(X, reset=True)
        self._check_settings()
        X, weights = rows_present(X, sample_weight, relative=False)
        rows = WeightedRows.of(X, weights)
        held_out = None if X_val is None else self._validated(X_val)
        self._rows, self._stream = rows, None
        self._total_weight = float(len(X) if weights is None else weights.sum())
        if self._is_under_a_metric:
            return self._fit_under_a_metric(rows, held_out)
        warn_of_relations(self, rows.points)
        kernel, self._metric_sum = choose("kernel", self.kernel, KERNELS), None
        self.bandwidth_, self.bandwidth_scores_ = self._chosen_bandwidth(rows, held_out, kernel)
        self._bandwidth = bandwidth_from(self.bandwidth_, X.shape[1], origin=means(X))
        in_frame = WeightedRows(self._bandwidth.to_frame(rows.points), rows.log_weights)
        self._planner = Planner(KernelSum(in_frame, self._bandwidth.scales, kernel))
        self.guarantee_ = Guarantee.BOUNDED
        return self

    @property
    def _is_under_a_metric(self) -> bool:
        return self.kernel == SPHERE or not is_euclidean(self.metric, self.metric_params)

    def _check_settings(self) -> None:
        choose("kernel", self.kernel, {**KERNELS, SPHERE: None})
        choose("algorithm", self.algorithm, {**ALGORITHMS, **TREES})
        check_number("log_tol", self.log_tol, at_least=1e-12)
        check_number("atol", self.atol, at_least=0)
        check_number("rtol", self.rtol, at_least=0)
        check_count("leaf_size", self.leaf_size)
        for name, tree in TREES.items():
            if self.algorithm == name and self.metric not in tree.valid_metrics:
                raise SettingError(
                    f"invalid metric: {self.metric!r} for {name}",
                    did_you_mean(self.metric, tree.valid_metrics),
                )

    def _fit_under_a_metric(self, rows: WeightedRows, held_out: np.ndarray | None) -> Self:
        """Rows under a metric of scikit-learn's, or on the sphere; the bandwidth is one number."""
        if self.kernel == SPHERE:
            self._metric_sum = SphereSum.of(rows)
        else:
            self._metric_sum = TreeSum.of(
                rows,
                self.kernel,
                self.algorithm,
                self.metric,
                self.metric_params,
                self.leaf_size,
                atol=self.atol,
                rtol=min(self.rtol, self.log_tol) if self.rtol else self.log_tol,
                breadth_first=self.breadth_first,
            )
        self.bandwidth_, self.bandwidth_scores_ = chosen_width(
            self._metric_sum, rows, self.bandwidth, self.candidates, held_out
        )
        self._planner = None
        self.guarantee_ = Guarantee.BOUNDED
        return self

    @available_if(_bandwidth_is_given)
    def partial_fit(self, X: np.ndarray, y: object = None, sample_weight: np.ndarray | None = None) -> Self:
        """Add a batch of rows to a Gaussian estimate that keeps none of them, in constant memory.

        After `fit`, the rows fitted count on, with their weights and under the bandwidth of the fit, and are
        no longer kept either. They or the first batch set the range: most later rows must lie within
        twice its width. Afterwards `guarantee_` is ``UPPER_BOUND``: in the far tails, where rows would be
        needed, the log-density returned is an upper bound; `log_error_bound` tells where.

        Raises
        ------
        SettingError
            If the bandwidth is not given as a number, the kernel is not Gaussian, or there are over 3
            columns.
        DataError
            If a weight is negative or all are zero, or too many rows lie far outside the first batch.
        """
        begun = getattr(self, "_stream", None)
        fitted = None if begun is not None else getattr(self, "_rows", None)
        if self._is_under_a_metric:
            raise SettingError("partial_fit needs the Euclidean metric", "give all rows to fit at once")
        X = self._validated(X, reset=begun is None and fitted is None)
        X, weights = rows_present(X, sample_weight, relative=False)
        weights = np.ones(len(X)) if weights is None else weights
        if begun is None:
            begun = self._new_stream(X) if fitted is None else self._stream_of(fitted)
        self._stream = begun.add(self._bandwidth.to_frame(X), weights)
        self._rows = self._planner = None
        self.guarantee_ = Guarantee.UPPER_BOUND
        return self

    def _new_stream(self, X: np.ndarray) -> StreamedSum:
        check_number("log_tol", self.log_tol, at_least=1e-12)
        self.bandwidth_, self.bandwidth_scores_ = self.bandwidth, None
        self._bandwidth = bandwidth_from(self.bandwidth, X.shape[1], origin=means(X))
        return self._stream_around(self._bandwidth.to_frame(X))

    def _stream_of(self, rows: WeightedRows) -> StreamedSum:
        points = self._bandwidth.to_frame(rows.points)
        return self._stream_around(points).add(points, rows.weights * self._total_weight)

    def _stream_around(self, points: np.ndarray) -> StreamedSum:
        if not isinstance(self._kernel, Gaussian):
            raise SettingError("partial_fit needs the Gaussian kernel", "give all rows to fit at once")
        return StreamedSum.around(points, self._bandwidth.scales)

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """The log-density of each row in nats, shape ``(n_samples,)``; -inf only beyond a kernel's edge."""
        check_is_fitted(self)
        if self._metric_sum is not None:
            return self._metric_sum.log_densities(self._validated(X), self.bandwidth_)
        found = self._log_sums(X)
        n_unsure = int(np.sum(~(found.error <= self.log_tol)))
        if n_unsure:
            warnings.warn(
                f"{n_unsure} of {len(found.values)} rows lie in the tails of an estimate that kept no rows\n"
                "their log-densities may exceed log_tol; log_error_bound tells by how much",
                DensimeterWarning,
                stacklevel=2,
            )
        return found.values - self._log_volume

    def log_error_bound(self, X: np.ndarray) -> np.ndarray:
        """A bound on the error of each row's log-density, in nats, ``(n_samples,)``.

        At most `log_tol` after `fit`. After `partial_fit` it is infinite in the far tails, and the
        log-density there is an upper bound.
        """
        return self._log_sums(X).error

    def gradient(self, X: np.ndarray) -> np.ndarray:
        """The gradient of the log-density at each row, ``(n_samples, n_features)``, in nats per unit.

        Raises
        ------
        SettingError
            If the kernel is not Gaussian.
        """
        self._check_is_euclidean()
        self._check_rows_are_kept("the gradient")
        if not isinstance(self._kernel, Gaussian):
            raise SettingError("the gradient needs the Gaussian kernel", "fit with kernel='gaussian'")
        in_frame = self._bandwidth.to_frame(self._validated(X))
        return self._bandwidth.gradient_from_frame(gradients(self._planner.kernel_sum, in_frame))

    def score_gradient(self, X: np.ndarray) -> np.ndarray:
        """The old name of `gradient`."""
        warn_renamed("KernelDensity.score_gradient", "KernelDensity.gradient")
        return self.gradient(X)

    def score(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, X: np.ndarray, y: object = None, sample_weight: np.ndarray | None = None
    ) -> float:
        """The mean log-density of the rows, in nats per row, weighted if weights are given."""
        return weighted_mean(self.score_samples(X), sample_weight)

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Random rows from the estimate, shape ``(n_samples, n_features)``."""
        self._check_rows_are_kept("sampling")
        check_count("n_samples", n_samples)
        generator = generator_from(random_state)
        # by the cumulated weights: a row of weight 2 and a row given twice are the same to every draw
        cumulated = np.cumsum(self._rows.weights)
        at = generator.random(n_samples) * cumulated[-1]
        chosen = np.minimum(np.searchsorted(cumulated, at, side="right"), len(self._rows) - 1)
        if isinstance(self._metric_sum, SphereSum):
            return self._metric_sum.draw(chosen, float(cast(Any, self.bandwidth_)), generator)
        if self._metric_sum is not None:
            raise FitError(
                f"there is no density to draw from under the metric {self.metric!r}",
                "fit under the Euclidean metric, or with kernel='von_mises_fisher' on the sphere",
            )
        noise = draw_from(self._kernel, generator, n_samples, self.n_features_in_)
        return self._rows.points[chosen] + self._bandwidth.spread(noise)

    def _log_sums(self, X: np.ndarray) -> LogSums:
        self._check_is_euclidean()
        in_frame = self._bandwidth.to_frame(self._validated(X))
        if self._stream is not None:
            return self._stream.log_sums(in_frame, self.log_tol)
        engine = choose(
            "algorithm", self.algorithm, {**ALGORITHMS, **dict.fromkeys(TREES, ALGORITHMS["tree"])}
        )
        return engine.log_sums(self._planner, in_frame, self.log_tol)

    def _check_is_euclidean(self) -> None:
        check_is_fitted(self)
        if self._metric_sum is not None:
            raise FitError("only log-densities are known under another metric", "fit under the Euclidean one")

    def _check_rows_are_kept(self, purpose: str) -> None:
        check_is_fitted(self)
        if self._stream is not None:
            raise FitError(f"{purpose} needs the rows, which partial_fit does not keep", "use fit")

    @property
    def _kernel(self) -> Kernel:
        return choose("kernel", self.kernel, KERNELS)

    @property
    def _log_volume(self) -> float:
        return self._kernel.log_normalizer(self.n_features_in_) + self._bandwidth.log_volume

    def _validated(self, X: Any, reset: bool = False) -> np.ndarray:
        return check_rows(self, X, reset=reset, copy=reset)

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
        begin_computing()
        scores = scan(criterion, rows, held_out, self.candidates, kernel, self.log_tol)
        chosen = scores.bandwidths[scores.best]
        return (float(chosen) if np.ndim(chosen) == 0 else chosen), scores
