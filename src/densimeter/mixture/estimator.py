"""`GaussianMixture`: the scikit-learn face of the room."""

from __future__ import annotations

import math
import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.checks import choose
from densimeter.foundations.errors import DensimeterWarning, SettingError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.mixture.arguments import check_matrices, check_part
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitting import Recipe, Table, fit_mixture, is_proper
from densimeter.mixture.starts import STARTS
from densimeter.mixture.streaming import StreamedMixture


class GaussianMixture(StreamedMixture):
    """A mixture of Gaussians fitted by expectation-maximisation.

    The density is ``p(x) = sum_k w_k N(x | mu_k, Sigma_k)``. Parameters, attributes and methods are those of
    `sklearn.mixture.GaussianMixture`, with these differences, each on purpose:

    - NaN cells count as missing at random: the likelihood is that of the cells a row has. EM, which they make
      slow, is then extrapolated, and ends when all further steps would gain less than 0.01 nats in all.
    - `fit` takes `sample_weight`; weight 2 is the same as the row given twice, starts included.
    - The floor of covariances, `reg_covar`, follows what the columns resolve; a number given is in units of
      each column's variance. So a change of units changes nothing but the units.
    - EM runs in centred and scaled coordinates: adding 1e8 to every column changes nothing but the means.
    - `sample` draws anew at each call; give it a `random_state` to repeat a draw.
    - The `n_init` restarts run side by side: as one batch in each pass over a long table, on all processors
      over a short one.
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
    reg_covar : float or "auto"
        A number times the column's variance is added to the diagonals of covariances. "auto" adds nothing;
        no variance falls below a twelfth of the square of what a column resolves, in whatever direction. That
        is the step of a rounded column, else the mean gap where its values lie densest; covariances above it
        are those of maximum likelihood.
    max_iter : int
        At most so many iterations; 0 leaves the mixture at its start.
    n_init : int
        Restarts; the one with the highest likelihood is kept.
    init_params : {"auto", "kmeans", "k-means++", "random", "random_from_data"}
        How a start is made; "auto" lets ten starts of all kinds compete in short runs, and then the best of
        them with itself after merge and split moves. On tables of up to 8,192 rows the start that each of the
        other words would make runs to the end as well, and the best is kept: no word fits better.
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
    lower_bounds_ : ndarray of shape (n_iter_,)
        The bound at each of its iterations.
    restart_bounds_ : ndarray of shape (n_init,)
        The last bound of each restart.
    on_floor_ : ndarray of shape (n_components,)
        Which components are as narrow in some direction as ``reg_covar="auto"`` allows: they may be narrower
        than the rows can tell, or stand on a handful of rows.

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
        reg_covar: float | str = "auto",
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
        matrices = check_matrices("covariances", covariances, family, family.shape(d, k))
        if shares is None or not ((shares >= 0).all() and math.isclose(shares.sum(), 1, rel_tol=1e-6)):
            raise SettingError("weights must be non-negative and sum to one", "divide them by their sum")
        if not is_proper(family, Parameters(shares, centres, matrices)):
            raise SettingError(
                "a covariance is not positive definite", "give symmetric positive definite ones"
            )
        model._store_mixture(Parameters(shares, centres, matrices), np.dtype(np.float64))
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
        table, n_features = self._table(X, sample_weight)
        self._fit_table(table, n_features, capacity)
        if self._seen is not None and sample_weight is not None:  # the table's are relative to the largest
            self._seen *= float(np.max(np.asarray(sample_weight, np.float64)))
        return self

    def _fit_table(self, table: Table, n_features: int, capacity: int | None) -> Self:
        rng = generator_from(self.random_state)
        fit = fit_mixture(table, self._recipe(n_features, capacity), rng)
        self._generator, self._held, self._seen = rng, None, fit.weight
        self._store_mixture(fit.parameters, table.dtype)
        self.lower_bounds_, self.restart_bounds_ = fit.bounds, fit.restart_bounds
        self.on_floor_ = fit.on_floor
        if not (fit.parameters.weights > 0).all():
            self._warn_of_dead(int((fit.parameters.weights == 0).sum()))
        self._store_outcome(fit.converged, fit.n_iter, float(fit.bounds[-1]), stacklevel=4)
        return self

    def _warn_of_dead(self, n_dead: int) -> None:
        warnings.warn(
            f"{n_dead} of {self.n_components} components have no rows and weight zero; "
            "ask for fewer components than there are distinct rows",
            DensimeterWarning,
            stacklevel=5,
        )

    def _recipe(self, n_features: int, capacity: int | None) -> Recipe:
        resumed = self._can_resume(n_features)
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
            reached=self.lower_bound_ if resumed and hasattr(self, "lower_bound_") else -math.inf,
        )

    def _given_parts(self, d: int) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
        """What the user gave of the start; None for what they left open."""
        k = self.n_components
        weights = check_part("weights", self.weights_init, (k,))
        if weights is not None and not ((weights >= 0) & (weights <= 1)).all():
            raise SettingError(
                f"The parameter 'weights' should be in the range [0, 1], but got {weights.min():.5f} "
                f"to {weights.max():.5f}",
                "give non-negative weights_init that sum to one",
            )
        if weights is not None and not math.isclose(weights.sum(), 1, rel_tol=1e-6):
            raise SettingError(
                f"The parameter 'weights' should be normalized, but got sum(weights) = {weights.sum():.5f}",
                "divide weights_init by their sum",
            )
        means = check_part("means", self.means_init, (k, d))
        name, shape = f"{self.covariance_type} precision", self._family.shape(d, k)
        shaped = check_part(name, self.precisions_init, shape)
        precisions = check_matrices("precisions", shaped, self._family, shape)
        if precisions is None:
            return weights, means, None
        try:
            return weights, means, self._family.invert(precisions)
        except np.linalg.LinAlgError:
            wanted = "symmetric, positive-definite" if self._family.has_matrices else "positive"
            raise SettingError(f"'{name}' should be {wanted}", "give inverses of covariances") from None
