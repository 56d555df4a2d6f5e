"""`GaussianMixture`: the scikit-learn face of the room."""

from __future__ import annotations

import math
import warnings
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.precision import computing_in
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.mixture import density, em
from densimeter.mixture.errors import SingularCovarianceError
from densimeter.mixture.families import FAMILIES, Family, Parameters
from densimeter.mixture.frame import Frame
from densimeter.mixture.starts import STARTS, parameters_of, starting_rows


class GaussianMixture(DensityMixin, BaseEstimator):
    """A mixture of Gaussians fitted by expectation-maximisation.

    The density is ``p(x) = sum_k w_k N(x | mu_k, Sigma_k)``. Parameters, attributes and methods are those of
    `sklearn.mixture.GaussianMixture`, with these differences, each on purpose:

    - `fit` takes `sample_weight`; weight 2 is the same as the row given twice, starts included.
    - `reg_covar` is in units of each column's variance: a change of units changes nothing but the units.
    - EM runs in centred and scaled coordinates: adding 1e8 to every column changes nothing but the means.
    - `sample` draws anew at each call; give it a `random_state` to repeat a draw.
    - All `n_init` restarts run in one compiled loop.
    - Starts are made on whitened rows, and give every row to its nearest centre also for ``"k-means++"`` and
      ``"random_from_data"``, so that no component begins as a spike on a single row.

    Parameters
    ----------
    n_components : int
        Number of components K.
    covariance_type : {"full", "tied", "diag", "spherical"}
        A matrix each, one matrix for all, a variance per column each, one variance each.
    tol : float
        EM stops when the mean log-likelihood, in nats per row, changes by less.
    reg_covar : float
        Times the column's variance, added to the diagonal of every covariance.
    max_iter : int
        At most so many iterations.
    n_init : int
        Restarts; the one with the highest likelihood is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}
        How a start is made.
    weights_init, means_init, precisions_init : array-like, optional
        Given parts of the start, in the user's coordinates.
    random_state : int, RandomState, Generator or None
        Randomness of the starts and of `sample`.
    warm_start : bool
        Whether `fit` begins where the last one ended.
    verbose : int
        Prints one line per fit if positive.
    verbose_interval : int
        Kept for compatibility.

    Attributes
    ----------
    weights_, means_, covariances_, precisions_, precisions_cholesky_ : ndarray
        The mixture, in the user's units, shaped as in scikit-learn.
    converged_, n_iter_, lower_bound_ : bool, int, float
        How the best restart ended; the bound is the mean log-likelihood, nats per row,
        before its last M-step.
    lower_bounds_ : ndarray of shape (n_init,)
        The same of every restart.

    References
    ----------
    Dempster, Laird and Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm, sec. 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(-4, 1, (500, 1)), rng.normal(4, 1, (500, 1))])
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> np.sort(model.means_.ravel()).round(0)
    array([-4., 4.])
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: ArrayLike | None = None,
        means_init: ArrayLike | None = None,
        precisions_init: ArrayLike | None = None,
        random_state: RandomState = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the mixture to rows `X`, shape ``(n_samples, n_features)``.

        `sample_weight`, shape ``(n_samples,)``, are non-negative weights; only their ratios matter.

        Raises
        ------
        DataError
            If there are fewer rows than components or no positive weight.
        SettingError
            If a parameter is out of range.
        SingularCovarianceError
            If every restart ended in a covariance that is not positive definite.
        """
        return self._fit(X, sample_weight, capacity=None)

    def _fit(self, X: ArrayLike, sample_weight: ArrayLike | None, capacity: int | None) -> Self:
        """`fit`, with the loop compiled for `capacity` components, the surplus having weight zero."""
        family = self._check_settings()
        rows = self._validated(X, ensure_min_samples=2)
        if len(rows) < self.n_components:
            raise DataError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, "
                f"n_samples = {len(rows)}",
                "give more rows or ask for fewer components",
            )
        weights = self._check_weights(rows, sample_weight)
        frame = Frame.of(rows, weights, family)
        inner = frame.apply(rows)
        rng = generator_from(self.random_state)
        start = _padded(
            family, self._starts(family, frame, inner, weights, rng), capacity or self.n_components
        )
        blocks = em.into_blocks(inner, weights)
        with computing_in(rows.dtype):
            typed = Parameters(*(part.astype(rows.dtype) for part in start))
            floor = frame.floor(self.reg_covar).astype(rows.dtype)
            tol, max_iter = rows.dtype.type(self.tol), np.int32(self.max_iter)
            outcome = em.run(family, typed, blocks, floor, tol, max_iter)
            outcome = em.Outcome(Parameters(*map(np.asarray, outcome[0])), *map(np.asarray, outcome[1:]))
        self._keep_best(family, frame, outcome, rows.dtype)
        self._generator = rng
        return self

    def _check_settings(self) -> Family:
        check_count("n_components", self.n_components)
        check_number("tol", self.tol, at_least=0)
        check_number("reg_covar", self.reg_covar, at_least=0)
        check_count("max_iter", self.max_iter)
        check_count("n_init", self.n_init)
        choose("init_params", self.init_params, STARTS)
        return choose("covariance_type", self.covariance_type, FAMILIES)

    @staticmethod
    def _check_weights(rows: np.ndarray, sample_weight: ArrayLike | None) -> np.ndarray:
        """Weights in the rows' dtype, their maximum one."""
        if sample_weight is None:
            return np.ones(len(rows), rows.dtype)
        if not np.any(np.asarray(sample_weight)):
            raise DataError("every sample weight is zero", "give at least one row a positive weight")
        weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
        return (weights / weights.max()).astype(rows.dtype)

    def _starts(
        self, family: Family, frame: Frame, rows: np.ndarray, weights: np.ndarray, rng: np.random.Generator
    ) -> Parameters:
        """The parameters that the restarts begin with, stacked, in the frame's coordinates."""
        if self.warm_start and hasattr(self, "means_"):
            last = Parameters(self.weights_, self.means_, self.covariances_)
            return Parameters(*(np.asarray(part)[None] for part in frame.inward(family, last)))
        begin = choose("init_params", self.init_params, STARTS)
        seen, mass = starting_rows(rows, weights, rng)
        given = self._given_parts(family, frame)
        starts = []
        for _ in range(self.n_init):
            responsibilities = begin(seen, mass, self.n_components, rng)
            made = parameters_of(family, seen, mass, responsibilities, frame.floor(self.reg_covar))
            starts.append([made[i] if part is None else part for i, part in enumerate(given)])
        return Parameters(*map(np.stack, zip(*starts, strict=True)))

    def _given_parts(self, family: Family, frame: Frame) -> list[np.ndarray | None]:
        """What the user gave of the start, in the frame's coordinates; None for what they left open."""
        d, k = len(frame.location), self.n_components
        weights = _check_part("weights", self.weights_init, (k,))
        if weights is not None and (
            not (weights >= 0).all() or not math.isclose(weights.sum(), 1, rel_tol=1e-6)
        ):
            raise SettingError("weights_init must be non-negative and sum to one", "divide them by their sum")
        means = _check_part("means", self.means_init, (k, d))
        if means is not None:
            means = (means - frame.location) / frame.scale
        precisions = _check_part("precisions", self.precisions_init, family.shape(d, k))
        if precisions is None:
            return [weights, means, None]
        try:
            covariances = family.invert(precisions)
        except np.linalg.LinAlgError:
            raise SettingError(
                f"precisions_init of {self.covariance_type!r} must be symmetric, positive definite",
                "give inverses of covariances",
            ) from None
        return [weights, means, family.rescale(covariances, 1 / frame.scale)]

    def _keep_best(self, family: Family, frame: Frame, outcome: em.Outcome, dtype: np.dtype) -> None:
        """Store the restart with the highest likelihood, in the user's units."""
        self.lower_bounds_ = outcome.lower_bound.astype(np.float64) + frame.log_jacobian
        for best in np.argsort(-np.nan_to_num(self.lower_bounds_, nan=-np.inf, posinf=-np.inf)):
            inner = _trimmed(
                family, Parameters(*(part[best] for part in outcome.parameters)), self.n_components
            )
            if math.isfinite(self.lower_bounds_[best]) and self._store(
                family, frame.outward(family, inner), dtype
            ):
                break
        else:
            raise SingularCovarianceError
        self.converged_ = bool(outcome.converged[best])
        self.n_iter_ = int(outcome.n_iter[best])
        self.lower_bound_ = float(self.lower_bounds_[best])
        if not self.converged_ and self.max_iter > 1:
            warnings.warn(
                f"the best restart did not converge in {self.max_iter} iterations; "
                "increase max_iter or tol, or check for degenerate data",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _store(self, family: Family, parameters: Parameters, dtype: np.dtype) -> bool:
        """Store the parameters and what follows from them; False if a covariance is not positive definite."""
        try:
            factors = family.precision_cholesky(parameters.covariances)
        except np.linalg.LinAlgError:
            return False
        self.weights_ = (parameters.weights / parameters.weights.sum()).astype(dtype)
        self.means_ = parameters.means.astype(dtype)
        self.covariances_ = parameters.covariances.astype(dtype)
        self.precisions_cholesky_ = factors.astype(dtype)
        self.precisions_ = family.precisions(factors).astype(dtype)
        return True

    def _validated(self, X: ArrayLike, **checks: Any) -> np.ndarray:
        rows: Any = validate_data(self, cast(Any, X), dtype=[np.float64, np.float32], **checks)
        return rows

    def _joint(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        rows = self._validated(X, reset=False)
        family = choose("covariance_type", self.covariance_type, FAMILIES)
        return density.log_joint(family, rows, self.weights_, self.means_, self.precisions_cholesky_)

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """The log-density of each row, nats, shape ``(n_samples,)``."""
        return density.normalise(self._joint(X))[0]

    def score(  # pyright: ignore[reportIncompatibleMethodOverride]  # scikit-learn's mixin returns nothing
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """The mean log-density of the rows, nats per row, weighted if weights are given."""
        return float(np.average(self.score_samples(X), weights=cast(Any, sample_weight)))

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """The posterior probability of each component for each row, ``(n_samples, n_components)``."""
        return np.exp(density.normalise(self._joint(X))[1])

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most probable component of each row."""
        return self._joint(X).argmax(axis=1)

    def fit_predict(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Fit, then the most probable component of each row."""
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> tuple[np.ndarray, np.ndarray]:
        """Rows drawn from the mixture and the components they came from, sorted by component.

        Each call draws anew, from the generator that `random_state` of the constructor seeded.
        """
        check_is_fitted(self)
        check_count("n_samples", n_samples)
        rng = self._generator if random_state is None else generator_from(random_state)
        k, d = self.means_.shape
        family = choose("covariance_type", self.covariance_type, FAMILIES)
        weights = np.asarray(self.weights_, np.float64)
        counts = rng.multinomial(n_samples, weights / weights.sum())
        labels = np.repeat(np.arange(k), counts)
        normal = rng.standard_normal((n_samples, d))
        lower = np.linalg.cholesky(np.asarray(family.as_full(self.covariances_, d, k), np.float64))
        rows = self.means_[labels] + np.einsum("nij,nj->ni", lower[labels], normal)
        return rows.astype(self.means_.dtype), labels

    @property
    def _n_parameters(self) -> int:
        k, d = self.means_.shape
        family = choose("covariance_type", self.covariance_type, FAMILIES)
        return family.n_parameters(d, k) + k * d + k - 1

    def bic(self, X: ArrayLike) -> float:
        """The Bayesian information criterion of the rows; the lower the better."""
        return -2 * self.score(X) * len(np.asarray(X)) + self._n_parameters * math.log(len(np.asarray(X)))

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion of the rows; the lower the better."""
        return -2 * self.score(X) * len(np.asarray(X)) + 2 * self._n_parameters


def _check_part(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    if given is None:
        return None
    part = np.asarray(given, np.float64)
    if part.shape != shape or not np.isfinite(part).all():
        raise SettingError(
            f"the parameter '{name}' should have the shape of {shape}, finite, but got {part.shape}",
            f"give {name}_init with shape {shape}",
        )
    return part


def _padded(family: Family, start: Parameters, capacity: int) -> Parameters:
    """Stacked starts with components of weight zero appended, up to `capacity`."""
    missing = capacity - start.weights.shape[1]

    def repeat_last(part: np.ndarray) -> np.ndarray:
        return np.concatenate([part, np.repeat(part[:, -1:], missing, axis=1)], axis=1)

    weights = np.concatenate([start.weights, np.zeros((len(start.weights), missing))], axis=1)
    covariances = start.covariances if family.shared else repeat_last(start.covariances)
    return Parameters(weights, repeat_last(start.means), covariances)


def _trimmed(family: Family, parameters: Parameters, n_components: int) -> Parameters:
    """One restart's parameters without the components that `_padded` appended, in float64."""
    weights, means, covariances = (part.astype(np.float64) for part in parameters)
    kept = covariances if family.shared else covariances[:n_components]
    return Parameters(weights[:n_components], means[:n_components], kept)
