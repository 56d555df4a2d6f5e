"""A normalizing flow as a density estimator, over the package flowjax."""

from __future__ import annotations

from typing import Any, Self

import jax
import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from densimeter.adapters.flow_training import (
    FlowSettings,
    Part,
    TrainedFlow,
    draw,
    flow_of,
    flowjax_package,
    in_double_precision,
    new_flow,
    numbers_of,
    train_flow,
)
from densimeter.foundations.batching import over_rows
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.errors import DataError
from densimeter.foundations.precision import computing_in, double_precision
from densimeter.foundations.progress import Progress, silent
from densimeter.foundations.randomness import RandomState, generator_from, key_from
from densimeter.foundations.rows import check_rows, rows_present, weighted_mean
from densimeter.foundations.scaling import ColumnScaling


class FlowDensity(DensityMixin, BaseEstimator):
    r"""A neural spline flow: an invertible network that turns the rows into standard normal ones.

    .. math:: \log p(x) = \log N(f(x); 0, I) + \log |\det df/dx|

    Masked autoregressive layers of monotone rational quadratic splines, trained by maximum likelihood in
    float32 and evaluated in float64. Rows are standardised inside and the Jacobian is counted. Needs the
    package ``flowjax``: ``pip install 'densimeter[flows]'``.

    Parameters
    ----------
    n_layers, width, n_knots : int
        Layers, hidden units of each layer's network, knots of each spline.
    max_steps, batch_size : int
        Steps at most, and rows in each.
    learning_rate : float
        Of Adam, under a cosine schedule.
    patience : int
        Rounds of 100 steps without a gain on the validation rows before training ends.
    validation_fraction : float
        Part of the rows held out where `fit` is given no validation rows.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    flow_ : flowjax distribution
        Of the scaled rows, in float32.
    scaling_ : ColumnScaling
    history_ : list of dict
        Of each round: step, validation score in nats per scaled row.
    best_step_ : int
        The step whose weights were kept.

    Notes
    -----
    `score_samples` costs one pass through the network, `sample` one for each column.
    """

    def __init__(
        self,
        *,
        n_layers: int = 4,
        width: int = 64,
        n_knots: int = 8,
        max_steps: int = 3000,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        patience: int = 8,
        validation_fraction: float = 0.1,
        random_state: RandomState = None,
    ):
        self.n_layers = n_layers
        self.width = width
        self.n_knots = n_knots
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
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
        """Train on the rows ``(n_samples, n_features)``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative; zero means that the row is not there. Only ratios matter.
        X_val : array-like of shape (n_validation, n_features), optional
            Rows to stop early on; without it `validation_fraction` of `X` is held out.
        progress : Progress, optional

        Raises
        ------
        SettingError
            If flowjax is not installed, or a parameter is out of range.
        NonFiniteError
            If the training diverges.
        """
        flowjax_package()
        settings = self._settings()
        given = Part(*rows_present(check_rows(self, X, ensure_min_samples=2), sample_weight))
        generator = generator_from(self.random_state)
        if X_val is None:
            training, validation = self._split(given, generator)
        else:
            training, validation = given, Part(check_rows(self, X_val, reset=False))
        self.scaling_ = ColumnScaling.of(training.rows, training.weights)
        key, train_key = jax.random.split(key_from(generator))
        training, validation = (
            part._replace(rows=self.scaling_.apply(part.rows)) for part in (training, validation)
        )
        n_features = training.rows.shape[1]
        self._shape = n_features, settings.n_layers, settings.width, settings.n_knots
        with computing_in(np.float32):
            flow = new_flow(n_features, settings, key)
            self._store(train_flow(flow, training, validation, settings, train_key, progress or silent))
        return self

    def _settings(self) -> FlowSettings:
        return FlowSettings(
            check_count("n_layers", self.n_layers),
            check_count("width", self.width),
            check_count("n_knots", self.n_knots, at_least=2),
            check_count("max_steps", self.max_steps),
            check_count("batch_size", self.batch_size),
            check_number("learning_rate", self.learning_rate, above=0),
            check_count("patience", self.patience),
        )

    def _split(self, given: Part, generator: np.random.Generator) -> tuple[Part, Part]:
        share = check_number("validation_fraction", self.validation_fraction, above=0, below=1)
        n_rows = len(given.rows)
        n_val = max(1, round(share * n_rows))
        if n_val >= n_rows:
            raise DataError(f"{n_rows} rows leave none to train on", "lower validation_fraction")
        order = generator.permutation(n_rows)
        weights = given.weights
        parts = [
            Part(given.rows[index], None if weights is None else weights[index])
            for index in (order[n_val:], order[:n_val])
        ]
        return parts[0], parts[1]

    def _store(self, trained: TrainedFlow) -> None:
        self.flow_ = trained.flow
        self.history_ = trained.history
        self.best_step_ = trained.best_step

    def __getstate__(self) -> dict[str, Any]:
        """For pickles and copies: the flow as its arrays; its functions are the package's."""
        state: Any = super().__getstate__()
        return {**state, "flow_": numbers_of(state["flow_"])} if "flow_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "flow_" in state:
            flowjax_package()
            self.flow_ = flow_of(self._shape, state["flow_"])

    def score_samples(self, X: Any) -> np.ndarray:
        """Normalised log-density of each row, shape ``(n_samples,)``, nats in the units of the columns."""
        check_is_fitted(self)
        rows = self.scaling_.apply(check_rows(self, X, reset=False))
        with double_precision():
            flow = in_double_precision(self.flow_)
        return over_rows(flow.log_prob, rows) + self.scaling_.log_jacobian

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # type: ignore[override]
        """Mean log-density of the rows, nats per row, weighted if weights are given."""
        return weighted_mean(self.score_samples(X), sample_weight)

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Independent rows ``(n_samples, n_features)``."""
        check_is_fitted(self)
        n_samples = check_count("n_samples", n_samples)
        with double_precision():
            drawn = np.asarray(draw(in_double_precision(self.flow_), key_from(random_state), n_samples))
        return self.scaling_.invert(drawn)
