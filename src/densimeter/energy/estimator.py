"""The scikit-learn face of the energy-based model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, Self

import jax
import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from densimeter.energy import density as densities
from densimeter.energy.fitting import Fitted, fit_tilted_density
from densimeter.energy.sampling import Drawn, draw
from densimeter.energy.scores import ScoreEstimate, score_estimate
from densimeter.energy.settings import resolve
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.dependence import relations_untold, warn_of_relations
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.progress import Progress, silent
from densimeter.foundations.randomness import RandomState, key_from
from densimeter.foundations.rows import check_columns_vary, check_rows, rows_present, weighted_mean


class EnergyModel(DensityMixin, BaseEstimator):
    r"""A density made of a simple base tilted by a neural network, with a log Z that can be trusted.

    .. math:: p(x) = q(x) \exp(t(x)) / Z, \qquad t(x) = B \tanh(g(x) / B), \qquad Z = E_q[\exp t]

    q is a Gaussian mixture, beside which a kernel estimate has the share that unseen rows give it; it is
    normalised and sampled exactly. g is a multilayer perceptron that is zero before training, so training
    starts at q. Rows are standardised inside and the Jacobian is counted. The textbook baseline is
    ``EnergyModel(base="gaussian", activation="relu", n_frequencies=0, tilt_bound=None)``.

    Parameters
    ----------
    base : {"stacked", "mixture", "gaussian"} or fitted GaussianMixture
        q. The mixture's size and family are chosen by AIC on rows set apart, the kernel's share and bandwidth
        in a stack by the likelihood of rows that neither has seen; a mixture of your own should have been
        fitted on other rows.
    hidden : sequence of int
        Widths of the hidden layers of g.
    activation : {"silu", "relu", "gelu", "tanh", "softplus"}
    n_frequencies, frequency_scale : int, float
        Sines and cosines of the standardised row among the inputs of g, and the standard deviation of their
        first frequencies, radians per standard deviation. They let g draw sharp edges.
    tilt_bound : float or None
        B, nats; None for no bound.
    objective : str or Objective
        How the tilt is learned: "importance", "self_normalized", "noise_contrastive", "persistent",
        "score_matching", "sliced_score_matching".
    proposal : {"base", "defensive"} or Proposal
        Where the draws that stand for q come from; "defensive" adds a broad heavy-tailed part.
    n_folds : int
        Folds of training rows, each with a base fitted without it.
    validation_fraction : float
        Part of the rows held out where `fit` is given no validation rows.
    max_steps, batch_size, n_proposals : int
        Steps at most, rows and draws of the proposal in each.
    learning_rate, weight_decay : float
        Of AdamW, under a cosine schedule.
    patience : int
        Rounds of 100 steps without a gain in validation likelihood before training ends.
    log_z_width, log_z_confidence : float
        Width, nats, and confidence of the interval asked for log Z.
    checkpoint : path, optional
        Folder in which the run is kept; a run that was interrupted goes on from it bit for bit.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    log_normalizer_ : Estimate
        log Z with its certificate.
    density_ : TiltedDensity
        Base and tilt, of the scaled rows, in float64.
    scaling_ : ColumnScaling
    history_ : list of dict
        Of each round: step, mean loss, validation gain over the base (nats per row), strength, effective
        share of the draws.
    n_iter_, best_step_, validation_gain_ : int, int, float
        Steps taken, the step whose averaged weights were kept (0: the base alone), and what they gain.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = EnergyModel(base="gaussian", hidden=(16,), max_steps=200, random_state=0).fit(X)
    >>> model.score_samples(X[:3]).shape
    (3,)
    """

    def __init__(
        self,
        base: Any = "stacked",
        *,
        hidden: Sequence[int] = (128, 128, 128),
        activation: str = "silu",
        n_frequencies: int = 32,
        frequency_scale: float = 4.0,
        tilt_bound: float | None = 6.0,
        objective: Any = "importance",
        proposal: Any = "base",
        n_folds: int = 5,
        validation_fraction: float = 0.1,
        max_steps: int = 2000,
        batch_size: int = 512,
        n_proposals: int = 1024,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-4,
        patience: int = 6,
        log_z_width: float = 0.01,
        log_z_confidence: float = 0.99,
        checkpoint: str | PathLike[str] | None = None,
        random_state: RandomState = None,
    ):
        self.base = base
        self.hidden = hidden
        self.activation = activation
        self.n_frequencies = n_frequencies
        self.frequency_scale = frequency_scale
        self.tilt_bound = tilt_bound
        self.objective = objective
        self.proposal = proposal
        self.n_folds = n_folds
        self.validation_fraction = validation_fraction
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.n_proposals = n_proposals
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.log_z_width = log_z_width
        self.log_z_confidence = log_z_confidence
        self.checkpoint = checkpoint
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        progress: Progress | None = None,
    ) -> Self:
        """Fit base and tilt to the rows, and estimate log Z on fresh draws.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative. A whole weight is that many copies of the row, all of them on one side of every
            split; weights that are not whole are rounded to whole ones at random, after division by their
            mean. Zero means that the row is not there.
        X_val : array-like of shape (n_validation, n_features), optional
            Rows to stop early on; without it `validation_fraction` of `X` is held out.
        progress : Progress, optional
            Called after every round of steps.

        Raises
        ------
        DataError
            If a column is constant over the rows that have a weight, or they are too few for the base.
        SettingError
            If a parameter is out of range, or the checkpoint is of another run.
        NonFiniteError
            If a loss stops being finite; it names the step and carries the last good state.
        """
        rows, weights = rows_present(check_rows(self, X, ensure_min_samples=2), sample_weight, relative=False)
        rows_val = None if X_val is None else check_rows(self, X_val, reset=False)
        settings = resolve(self)
        if len(rows) > 1:
            check_columns_vary(self, rows)
        warn_of_relations(self, rows)
        with relations_untold():  # its parts are fitted to the same columns
            fitted = fit_tilted_density(
                rows, weights, rows_val, settings, self.random_state, progress or silent
            )
        self._store(fitted)
        return self

    def _store(self, fitted: Fitted) -> None:
        self.density_ = fitted.density
        self.scaling_ = fitted.scaling
        self.log_normalizer_: Estimate = fitted.log_normalizer
        self.history_ = fitted.best.history
        self.n_iter_ = int(fitted.best.history[-1]["step"])
        self.best_step_ = fitted.best.step
        self.validation_gain_ = fitted.best.gain

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: NumPy's arrays, since JAX's come back in single precision outside a scope of ours."""
        state: Any = super().__getstate__()
        if "density_" not in state:
            return state
        return {**state, "density_": jax.tree.map(np.asarray, state["density_"])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "density_" in state:
            self.density_ = state["density_"].in_double_precision()

    def score_samples(self, X: Any) -> np.ndarray:
        """Normalised log-density of each row, shape ``(n_samples,)``, nats in the units of the columns."""
        rows = self._scaled(X)
        shift = self.scaling_.log_jacobian - self.log_normalizer_.value
        return densities.values(self.density_, rows) + shift

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # type: ignore[override]
        """Mean log-density of the rows, nats per row, weighted if weights are given."""
        return weighted_mean(self.score_samples(X), sample_weight)

    def energy(self, X: Any) -> np.ndarray:
        """Minus the unnormalised log-density ``-(log q(x) + t(x))`` of each row, nats, shape ``(n,)``."""
        return -densities.values(self.density_, self._scaled(X)) - self.scaling_.log_jacobian

    def gradient(self, X: Any) -> np.ndarray:
        """Gradient of the log-density at each row, shape ``(n_samples, n_features)``, nats per unit."""
        return densities.gradients(self.density_, self._scaled(X)) / self.scaling_.scale

    def score_estimate(self, X: Any, confidence: float = 0.95) -> ScoreEstimate:
        """The score of the rows with the interval of the test set, that of log Z, and both together."""
        confidence = check_number("confidence", confidence, above=0, below=1)
        return score_estimate(self.score_samples(X), self.log_normalizer_, confidence)

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Independent draws of the model, shape ``(n_samples, n_features)``; see `draw` for how."""
        return self.draw(n_samples, random_state).rows

    def draw(self, n_samples: int = 1, random_state: RandomState = None) -> Drawn:
        """Draws of the model, how they were made, and the share of proposals accepted.

        They are exact, by rejection from the base. Only if next to nothing would be accepted they are made by
        resampling and Markov chains, and a `DensimeterWarning` says so.
        """
        check_is_fitted(self)
        n_samples = check_count("n_samples", n_samples)
        drawn = draw(self.density_, self.log_normalizer_.value, key_from(random_state), n_samples)
        return replace(drawn, rows=self.scaling_.invert(drawn.rows))

    def _scaled(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.scaling_.apply(check_rows(self, X, reset=False))
