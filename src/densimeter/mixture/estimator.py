"""`GaussianMixture`: the scikit-learn face of the room."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.mixture.arguments import check_part, check_weights
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.errors import SingularCovarianceError
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitted import FittedMixture
from densimeter.mixture.fitting import Fit, Recipe, Table, batches_of, fit_mixture, is_proper
from densimeter.mixture.online import Online
from densimeter.mixture.sources import RESIDENT_BYTES
from densimeter.mixture.starts import STARTS


class GaussianMixture(FittedMixture):
    """A mixture of Gaussians fitted by expectation-maximisation.

    The density is ``p(x) = sum_k w_k N(x | mu_k, Sigma_k)``. Parameters, attributes and methods are those of
    `sklearn.mixture.GaussianMixture`, with these differences, each on purpose:

    - NaN cells count as missing at random: the likelihood is that of the cells a row has.
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
    init_params : {"auto", "kmeans", "k-means++", "random", "random_from_data"}
        How a start is made; "auto" lets nine more starts of several kinds compete in short runs.
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
        init_params: str = "auto",
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

    @classmethod
    def from_parameters(
        cls,
        weights: ArrayLike,
        means: ArrayLike,
        covariances: ArrayLike,
        *,
        covariance_type: str = "full",
        random_state: RandomState = None,
    ) -> Self:
        """A mixture that is known rather than fitted, shapes as of the fitted attributes.

        Raises
        ------
        SettingError
            If shapes do not agree, weights are not a distribution or a covariance is not positive definite.
        """
        centres = np.array(means, np.float64)
        if centres.ndim != 2:
            raise SettingError("means must have shape (n_components, n_features)", "give a row per component")
        model = cls(len(centres), covariance_type=covariance_type, random_state=random_state)
        family = choose("covariance_type", covariance_type, FAMILIES)
        k, d = centres.shape
        shares = check_part("weights", weights, (k,))
        matrices = check_part("covariances", covariances, family.shape(d, k))
        if shares is None or not ((shares >= 0).all() and math.isclose(shares.sum(), 1, rel_tol=1e-6)):
            raise SettingError("weights must be non-negative and sum to one", "divide them by their sum")
        if not is_proper(family, Parameters(shares, centres, matrices)):
            raise SettingError(
                "a covariance is not positive definite", "give symmetric positive definite ones"
            )
        model._store(Parameters(shares, centres, matrices), np.dtype(np.float64))
        model._generator = generator_from(random_state)
        model.n_features_in_ = d
        return model

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the mixture to rows `X`, shape ``(n_samples, n_features)``.

        `sample_weight`, shape ``(n_samples,)``, are non-negative weights; only their ratios matter. Time is
        ``O(n_samples n_components n_features^2)`` an iteration for full covariances; memory beyond `X` is at
        most 64 MiB for the working copy of a table of that size or none of a longer one, and a constant.

        Raises
        ------
        DataError
            If there are fewer rows than components, no positive weight, or a column without a value.
        SettingError
            If a parameter is out of range.
        SingularCovarianceError
            If every restart ended in a covariance that is not positive definite.
        """
        return self._fit(X, sample_weight, capacity=None)

    def _fit(self, X: ArrayLike, sample_weight: ArrayLike | None, capacity: int | None) -> Self:
        """`fit`, with the loop compiled for `capacity` components, the surplus having weight zero."""
        self._check_settings()
        rows = self._validated(X, ensure_min_samples=2)
        if len(rows) < self.n_components:
            raise DataError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, "
                f"n_samples = {len(rows)}",
                "give more rows or ask for fewer components",
            )
        weights = check_weights(rows, sample_weight)
        table = Table(batches_of(rows, weights), rows.dtype, rows.nbytes <= RESIDENT_BYTES)
        return self._fit_table(table, rows.shape[1], capacity)

    def fit_batches(self, batches: Iterable[Any] | Callable[[], Iterable[Any]]) -> Self:
        """Fit to batches of rows that need not fit into memory together, by the same EM as `fit`.

        Parameters
        ----------
        batches : list or other re-iterable, or callable
            Of arrays ``(n, n_features)``, or of pairs of such an array and its weights ``(n,)``. It is gone
            through once for each iteration and a few times more, so a generator will not do: pass the
            function that makes it.

        Raises
        ------
        SettingError
            If `batches` can be gone through only once.
        DataError
            As `fit`.
        """
        self._check_settings()
        if isinstance(batches, Iterator):
            raise SettingError(
                "batches can be gone through only once",
                "pass a list, or the function that makes the generator",
            )
        make = batches if callable(batches) else lambda: batches
        first = next(self._checked(make(), reset=True), None)
        if first is None:
            raise DataError("there is no batch", "give at least one batch of rows")
        table = Table(lambda: self._checked(make(), reset=False), first[0].dtype, resident=False)
        return self._fit_table(table, first[0].shape[1], None)

    def _checked(self, batches: Iterable[Any], reset: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for batch in batches:
            X, sample_weight = batch if isinstance(batch, tuple) else (batch, None)
            rows = self._validated(X, reset=reset)
            yield rows, check_weights(rows, sample_weight, relative=False)

    def _fit_table(self, table: Table, n_features: int, capacity: int | None) -> Self:
        rng = generator_from(self.random_state)
        fit = fit_mixture(table, self._recipe(n_features, capacity), rng)
        self._generator = rng
        self._keep(fit, table.dtype)
        return self

    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Go on with one more batch of rows, by stepwise EM (Cappé and Moulines, 2009, eq. 9).

        The first batch is fitted as by `fit`; each later one moves the expected statistics a step towards its
        own, the t-th by ``(t + 1)^-0.6``, so that old batches are slowly forgotten.
        """
        self._check_settings()
        online = getattr(self, "_online", None)
        if online is None:
            self.fit(X, sample_weight=sample_weight)
            rows = self._validated(X, reset=False)
            recipe = self._recipe(rows.shape[1], None)
            self._online = Online.begin(rows, check_weights(rows, sample_weight), recipe, self._parameters)
            return self
        rows = self._validated(X, reset=False)
        self._online = online.step(rows, check_weights(rows, sample_weight))
        parameters = self._online.parameters
        if not is_proper(self._family, parameters):
            self._online = online
            raise SingularCovarianceError
        self._store(parameters, rows.dtype)
        self.n_iter_ += 1
        self.lower_bound_ = self._online.lower_bound
        return self

    def fit_predict(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Fit, then the most probable component of each row."""
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def _check_settings(self) -> None:
        check_count("n_components", self.n_components)
        check_number("tol", self.tol, at_least=0)
        check_number("reg_covar", self.reg_covar, at_least=0)
        check_count("max_iter", self.max_iter)
        check_count("n_init", self.n_init)
        choose("init_params", self.init_params, STARTS)
        choose("covariance_type", self.covariance_type, FAMILIES)

    def _recipe(self, n_features: int, capacity: int | None) -> Recipe:
        resumed = self.warm_start and hasattr(self, "means_")
        return Recipe(
            family=self._family,
            n_components=self.n_components,
            capacity=capacity or self.n_components,
            n_init=1 if resumed else self.n_init,
            plan=choose("init_params", self.init_params, STARTS),
            given=tuple(self._parameters) if resumed else self._given_parts(n_features),
            reg_covar=self.reg_covar,
            tol=self.tol,
            max_iter=self.max_iter,
        )

    def _given_parts(self, d: int) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
        """What the user gave of the start; None for what they left open."""
        k = self.n_components
        weights = check_part("weights", self.weights_init, (k,))
        if weights is not None and not (
            (weights >= 0).all() and math.isclose(weights.sum(), 1, rel_tol=1e-6)
        ):
            raise SettingError("weights_init must be non-negative and sum to one", "divide them by their sum")
        means = check_part("means", self.means_init, (k, d))
        precisions = check_part("precisions", self.precisions_init, self._family.shape(d, k))
        if precisions is None:
            return weights, means, None
        try:
            return weights, means, self._family.invert(precisions)
        except np.linalg.LinAlgError:
            raise SettingError(
                f"precisions_init of {self.covariance_type!r} must be symmetric, positive definite",
                "give inverses of covariances",
            ) from None

    def _keep(self, fit: Fit, dtype: np.dtype) -> None:
        """Store the fit, and warn if it ran out of iterations."""
        self._store(fit.parameters, dtype)
        self._online = None
        self.converged_ = fit.converged
        self.n_iter_ = fit.n_iter
        self.lower_bound_ = fit.lower_bound
        self.lower_bounds_ = fit.lower_bounds
        if self.verbose:
            print(f"converged: {fit.converged}, iterations: {fit.n_iter}, nats: {fit.lower_bound:.6f}")  # noqa: T201
        if not fit.converged and self.max_iter > 1:
            warnings.warn(
                f"the best restart did not converge in {self.max_iter} iterations; "
                "increase max_iter or tol, or check for degenerate data",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _store(self, parameters: Parameters, dtype: np.dtype) -> None:
        """Store the parameters and what follows from them."""
        factors = self._family.precision_cholesky(parameters.covariances)
        self.weights_ = (parameters.weights / parameters.weights.sum()).astype(dtype)
        self.means_ = parameters.means.astype(dtype)
        self.covariances_ = parameters.covariances.astype(dtype)
        self.precisions_cholesky_ = factors.astype(dtype)
        self.precisions_ = self._family.precisions(factors).astype(dtype)
