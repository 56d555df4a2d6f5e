"""`BayesianGaussianMixture`: variational Bayes with the scikit-learn face."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.errors import SettingError
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.mixture import density
from densimeter.mixture.arguments import check_covariance, check_part
from densimeter.mixture.bayesian_fitting import BayesianRecipe, fit_bayesian_mixture
from densimeter.mixture.bayesian_updates import Posterior, expected_parameters
from densimeter.mixture.iterated import IteratedMixture
from densimeter.mixture.priors import WEIGHT_PRIORS, Prior
from densimeter.mixture.starts import STARTS


class BayesianGaussianMixture(IteratedMixture):
    """A mixture of Gaussians whose parameters have a posterior, fitted by variational Bayes.

    ``pi ~ prior of weights, Lambda_k ~ Wishart(C_0^-1, nu_0), mu_k ~ N(m_0, (beta_0 Lambda_k)^-1)``, and
    the posterior is approximated by one in which weights, components and labels are independent. Components
    that the rows do not need keep their prior and get weights near zero, so `n_components` is an upper
    limit.

    Parameters, attributes and methods are those of `sklearn.mixture.BayesianGaussianMixture`, and from the
    same posterior one iteration gives the same posterior, with these differences, each on purpose:

    - `lower_bound_` has all its constants: it is a lower bound on the log evidence ``log p(X)``, in nats,
      so fits with different priors, components and covariance types can be compared. scikit-learn's is a
      bound up to a constant.
    - `score_samples` is the normalised density of what `sample` draws, the mixture at `weights_`, `means_`
      and `covariances_`. scikit-learn's is ``log sum_k exp E_q[log pi_k N(x)]``, which integrates to less
      than one. `predict` and `predict_proba` use that expression, as scikit-learn's do.
    - NaN cells count as missing at random, and `fit` takes `sample_weight`: weight 2 is a row given twice.
      Here not only their ratios matter: weights are how much the rows count against the prior.
    - `reg_covar` is in units of each column's variance. It blurs every row by noise of that variance, and the
      default `covariance_prior` with them; the cost is taken off the bound, which stays one and keeps rising.
    - Iterations run in centred and scaled coordinates, all `n_init` restarts at once; starts are those of
      `GaussianMixture`; `sample` draws anew at each call.

    Parameters
    ----------
    n_components : int
        Number of components K that may be used.
    covariance_type : {"full", "tied", "diag", "spherical"}
        What the posterior of precisions is restricted to; see `densimeter.mixture.bayesian_updates`.
    tol : float
        Iterations stop when the bound on ``log p(X)``, in nats for all rows together, changes by less.
    reg_covar : float or "auto"
        Times the column's variance, the variance of the blur of each row; "auto" is 1e-6.
    max_iter : int
        At most so many iterations.
    n_init : int
        Restarts; the one with the highest bound is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}
        How a start is made.
    weight_concentration_prior_type : {"dirichlet_process", "dirichlet_distribution"}
        The prior of weights.
    weight_concentration_prior : float, optional
        Its concentration, 1 / K by default; the smaller, the fewer components are used.
    mean_precision_prior : float, optional
        How many rows the prior of a mean counts for, 1 by default.
    mean_prior : array-like of shape (n_features,), optional
        Where it is centred, the mean of the rows by default.
    degrees_of_freedom_prior : float, optional
        Degrees of freedom of the Wishart prior, above ``n_features - 1``, by default `n_features`.
    covariance_prior : float or array-like, optional
        C_0, shaped as one covariance; by default the rows' covariance (with missing cells: their variances).
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
        The mixture at the posterior means of weights, means and precisions, in the user's units.
    weight_concentration_ : pair of ndarray, or ndarray, of shape (n_components,)
        Both parameters of the sticks, or those of the Dirichlet distribution.
    mean_precision_, degrees_of_freedom_ : ndarray of shape (n_components,); the latter a float if tied
        ``beta_k`` and ``nu_k``.
    weight_concentration_prior_, mean_precision_prior_, degrees_of_freedom_prior_ : float
        The prior that was used,
    mean_prior_, covariance_prior_ : ndarray
        in the user's units.
    converged_, n_iter_ : bool, int
        How the best restart ended.
    lower_bound_ : float
        Its bound on ``log p(X)``, nats for all rows, before its last M-step.
    lower_bounds_ : ndarray of shape (n_iter_,)
        The bound at each of its iterations.
    restart_bounds_ : ndarray of shape (n_init,)
        The last bound of each restart.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, sec. 10.2. Blei and Jordan (2006), Variational
    inference for Dirichlet process mixtures, sec. 3. Attias (2000), A variational Bayesian framework.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(-4, 1, (500, 1)), rng.normal(4, 1, (500, 1))])
    >>> model = BayesianGaussianMixture(n_components=6, random_state=0, max_iter=1000).fit(X)
    >>> int((model.weights_ > 0.01).sum())
    2
    """

    def __init__(
        self,
        *,
        n_components: int = 1,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float | str = "auto",
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weight_concentration_prior_type: str = "dirichlet_process",
        weight_concentration_prior: float | None = None,
        mean_precision_prior: float | None = None,
        mean_prior: ArrayLike | None = None,
        degrees_of_freedom_prior: float | None = None,
        covariance_prior: ArrayLike | None = None,
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
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the posterior to rows `X`, shape ``(n_samples, n_features)``.

        `sample_weight`, shape ``(n_samples,)``, are non-negative. Cost and memory are those of
        `GaussianMixture.fit`.

        Raises
        ------
        DataError
            If there are fewer rows than components, no positive weight, or a column without a value.
        SettingError
            If a parameter is out of range.
        SingularCovarianceError
            If the rows' covariance, taken as the prior's, is not positive definite.
        """
        self._check_settings()
        table, n_features = self._table(X, sample_weight)
        unit = 1.0 if sample_weight is None else float(np.max(np.asarray(sample_weight, np.float64)))
        rng = generator_from(self.random_state)
        fit = fit_bayesian_mixture(table, self._recipe(n_features, unit), rng)
        self._generator = rng
        self._store_prior(fit.prior)
        self._store_posterior(fit.posterior, table.dtype)
        self.lower_bounds_, self.restart_bounds_ = fit.bounds, fit.restart_bounds
        self._store_outcome(fit.converged, len(fit.bounds), float(fit.bounds[-1]), stacklevel=2)
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """The responsibilities under the posterior, ``(n_samples, n_components)``.

        They are proportional to ``exp E_q[log pi_k N(x | mu_k, Lambda_k^-1)]``, and so take into account
        how little is known of small components.
        """
        return np.exp(density.normalise(self._expected_joint(X))[1])

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The component of the largest responsibility for each row."""
        return self._expected_joint(X).argmax(axis=1)

    def _expected_joint(self, X: ArrayLike) -> np.ndarray:
        """``E_q[log pi_k N(x | mu_k, Lambda_k^-1)]`` in nats, ``(n_samples, n_components)``."""
        check_is_fitted(self)
        rows = self._validated(X, reset=False)
        unblurred = replace(self._prior, blur=np.zeros(rows.shape[1]))
        expected = expected_parameters(self._family, unblurred, self._posterior)
        return density.observed_log_joint(self._family, rows, expected, self.precisions_cholesky_)

    @property
    def _posterior(self) -> Posterior:
        """What is stored, as the updates want it, in the user's coordinates."""
        return Posterior(
            self._prior.weights.from_attribute(self.weight_concentration_),
            *(
                np.asarray(part, np.float64)
                for part in (self.means_, self.mean_precision_, self.degrees_of_freedom_, self.covariances_)
            ),
        )

    def _check_settings(self) -> None:
        super()._check_settings()
        check_count("max_iter", self.max_iter)
        for name in ("weight_concentration_prior", "mean_precision_prior", "degrees_of_freedom_prior"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), above=0)

    def _recipe(self, d: int, unit: float) -> BayesianRecipe:
        precision, degrees = self.mean_precision_prior, self.degrees_of_freedom_prior
        degrees = d if degrees is None else degrees
        if not degrees > d - 1:
            raise SettingError(
                f"The parameter 'degrees_of_freedom_prior' should be greater than {d - 1}, "
                f"but got {degrees:.3f}.",
                f"give a number above {d - 1}",
            )
        concentration = self.weight_concentration_prior
        kind = choose("weight_concentration_prior_type", self.weight_concentration_prior_type, WEIGHT_PRIORS)
        weights = kind(1 / self.n_components if concentration is None else concentration)
        resumable = self._can_resume(d) and type(weights) is type(self._prior.weights)
        return BayesianRecipe(
            family=self._family,
            n_components=self.n_components,
            n_init=self.n_init,
            start=choose("init_params", self.init_params, STARTS),
            weights=weights,
            mean=check_part("mean_prior", self.mean_prior, (d,)),
            mean_precision=1.0 if precision is None else precision,
            degrees_of_freedom=float(degrees),
            covariance=check_covariance("covariance_prior", self.covariance_prior, self._family, d),
            reg_covar=self.reg_covar,
            tol=self.tol,
            max_iter=self.max_iter,
            unit=unit,
            resumed=self._posterior if resumable else None,
            reached=self.lower_bound_ if resumable else -math.inf,
        )

    def _store_prior(self, prior: Prior) -> None:
        self._prior = prior
        self.weight_concentration_prior_ = prior.weights.concentration
        self.mean_precision_prior_ = prior.mean_precision
        self.mean_prior_ = prior.mean
        self.degrees_of_freedom_prior_ = prior.degrees_of_freedom
        self.covariance_prior_ = prior.covariance

    def _store_posterior(self, posterior: Posterior, dtype: np.dtype) -> None:
        weights = self._prior.weights
        mean_weights = weights.mean_weights(posterior.concentration)
        self._store_mixture(posterior.gaussians()._replace(weights=mean_weights), dtype)
        self.weight_concentration_ = weights.to_attribute(posterior.concentration.astype(dtype))
        self.mean_precision_ = posterior.mean_precision.astype(dtype)
        self.degrees_of_freedom_ = posterior.degrees_of_freedom.astype(dtype)[()]
