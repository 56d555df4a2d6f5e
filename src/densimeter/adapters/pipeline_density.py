"""A pipeline of invertible steps and a density estimator, as a density in the user's units."""

from __future__ import annotations

import math
import warnings
from inspect import signature
from typing import Any, Self

import numpy as np
from scipy.stats import beta
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from densimeter.adapters.draws import can_sample, draw_rows
from densimeter.adapters.step_chain import StepChain, fit_step, flat_steps
from densimeter.foundations.checks import check_count
from densimeter.foundations.errors import DensimeterWarning, FitError, NonFiniteError, SettingError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.randomness import RandomState, generator_from
from densimeter.foundations.rows import check_rows, rows_present, weighted_mean

N_RANGE_DRAWS = 2**16
"""Draws by which the mass outside the range of the steps is estimated."""
_RANGE_CONFIDENCE = 0.99
_MOST_REJECTED = 1000
"""Draws for each row of a sample at most."""


def as_density(estimator: Any) -> Any:
    """`estimator` itself, or as a `PipelineDensity` if it is a pipeline that transforms its rows.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.mixture import GaussianMixture
    >>> as_density(make_pipeline(StandardScaler(), GaussianMixture()))
    PipelineDensity(pipeline=Pipeline(...))
    >>> as_density(GaussianMixture())
    GaussianMixture()
    """
    return PipelineDensity(estimator) if isinstance(estimator, Pipeline) else estimator


def _final_can_sample(self: PipelineDensity) -> bool:
    return can_sample(flat_steps(getattr(self, "pipeline_", self.pipeline))[-1][1])


class PipelineDensity(DensityMixin, BaseEstimator):
    r"""A scikit-learn pipeline whose ``score_samples`` is a density of the columns as they were given.

    The last step's density q is one of the transformed rows; each step's change of volume is counted:

    .. math:: \log p(x) = \log q(T(x)) + \sum_s \log |\det dT_s| - \log Z

    Z is the mass that q gives to the image of the steps: 1 where they map onto all of space, and estimated
    from draws of q where they do not (a power transform, a square root).

    Parameters
    ----------
    pipeline : Pipeline
        Steps may be ``StandardScaler``, ``RobustScaler``, ``MinMaxScaler`` and ``MaxAbsScaler`` without
        clipping, ``PowerTransformer``, ``PCA`` and ``FastICA`` with all components, ``FunctionTransformer``
        of an elementwise function with its inverse, ``"passthrough"``, further pipelines, and anything with a
        method ``log_abs_det_jacobian(X)`` that returns ``log |det dT/dx|`` of each row. The last step has
        ``score_samples``.

    Attributes
    ----------
    pipeline_ : Pipeline
        The fitted pipeline.
    log_normalizer_ : Estimate
        log Z together with that of the last step, if it has one.

    Raises
    ------
    SettingError
        In `fit`: if a step cannot be inverted or its Jacobian is not known; it names the step.
    NonFiniteError
        In `score_samples`: where the density is infinite or not a number.

    Examples
    --------
    >>> from sklearn.mixture import GaussianMixture
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = np.random.default_rng(0).normal(size=(100, 1)) * 1000
    >>> inside = make_pipeline(StandardScaler(), GaussianMixture(reg_covar=0))
    >>> model = PipelineDensity(inside).fit(X)
    >>> bool(np.isclose(model.score(X), GaussianMixture(reg_covar=0).fit(X).score(X)))
    True
    """

    def __init__(self, pipeline: Any):
        self.pipeline = pipeline

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, X_val: Any = None) -> Self:
        """Fit all steps to the rows; `X_val`, transformed, goes to a last step whose ``fit`` takes it.

        `sample_weight`, shape ``(n_samples,)``, non-negative, goes to every step that takes it, and must be
        taken by the last one; rows of weight zero are not there for any.
        """
        rows, weights = rows_present(check_rows(self, X, ensure_min_samples=2), sample_weight, relative=False)
        steps = flat_steps(clone(self.pipeline))
        fitted: list[tuple[str, Any]] = []
        image: Any = rows
        for name, step in steps[:-1]:
            image = fit_step(name, step, image, fitted, None if weights is None else weights / weights.max())
        final = steps[-1][1]
        self.pipeline_ = Pipeline([*fitted, steps[-1]])
        self._chain = StepChain(fitted)
        options = _weights_for(final, weights)
        if X_val is not None and "X_val" in signature(final.fit).parameters:
            rows_val = check_rows(self, X_val, reset=False)
            options["X_val"] = self._chain.forward(rows_val).image
        final.fit(image, **options)
        self._range = _log_mass_in_range(self._chain, final)
        self.log_normalizer_ = _together(self._range, getattr(final, "log_normalizer_", None))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Log-density of each row, nats in the units of the columns, ``(n_samples,)``.

        Rows that the steps cannot transform, such as negative ones under a logarithm, have -inf.
        """
        check_is_fitted(self)
        rows = check_rows(self, X, reset=False)
        forward = self._chain.forward(rows)
        scores = np.full(len(rows), -np.inf)
        if forward.inside.any():
            inner = np.asarray(self.pipeline_.steps[-1][1].score_samples(forward.image), np.float64)
            scores[forward.inside] = inner + forward.log_jacobian - self._range.value
        if np.isnan(scores).any() or np.isposinf(scores).any():
            row = int(np.argmax(~(scores < np.inf)))
            raise NonFiniteError(
                f"the density of the pipeline is not finite at row {row}",
                "check its last step and the functions before it there",
            )
        return scores

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:  # type: ignore[override]
        """Mean log-density of the rows, nats per row, weighted if weights are given."""
        return weighted_mean(self.score_samples(X), sample_weight)

    @available_if(_final_can_sample)
    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Independent rows ``(n_samples, n_features)``: the last step's draws, transformed back."""
        check_is_fitted(self)
        n_samples = check_count("n_samples", n_samples)
        generator = generator_from(random_state)
        kept: list[np.ndarray] = []
        n_kept = n_drawn = 0
        while n_kept < n_samples:
            if n_drawn > _MOST_REJECTED * n_samples:
                raise FitError(
                    "the steps cannot transform back what the last step samples",
                    "choose steps that suit the columns: nearly all its mass lies outside their range",
                )
            draws = draw_rows(self.pipeline_.steps[-1][1], n_samples, generator)
            n_drawn += n_samples
            rows, reached = self._chain.backward(draws)
            kept.append(rows[reached])
            n_kept += int(reached.sum())
        return np.concatenate(kept)[:n_samples]


def _weights_for(final: Any, weights: np.ndarray | None) -> dict[str, Any]:
    if weights is None:
        return {}
    if not has_fit_parameter(final, "sample_weight"):
        raise SettingError(
            f"the last step, {type(final).__name__}, takes no sample_weight",
            "choose a last step that does, or leave the weights out",
        )
    return {"sample_weight": weights}


def _log_mass_in_range(chain: StepChain, final: Any) -> Estimate:
    """Log of the mass that the fitted last step gives to the image of the steps."""
    if chain.onto:
        return Estimate.exact(0.0, "the steps map onto all of space")
    if not can_sample(final):
        text = (
            "the steps do not map onto all of space, and the last one cannot be sampled: "
            "what mass lies outside is not known, and log-densities are low by its share\n"
            "choose a last step with a sample method"
        )
        warnings.warn(text, DensimeterWarning, stacklevel=3)
        return Estimate(0.0, 0.0, 0.0, _RANGE_CONFIDENCE, "mass out of range not counted", Guarantee.NONE)
    draws = draw_rows(final, N_RANGE_DRAWS, 0)
    n, hits = len(draws), int(chain.backward(draws)[1].sum())
    if not hits:
        raise FitError(
            "the steps cannot transform back anything that the last step samples",
            "choose steps that suit the columns",
        )
    tail = (1 - _RANGE_CONFIDENCE) / 2
    lower = beta.ppf(tail, hits, n - hits + 1)
    upper = 1.0 if hits == n else beta.ppf(1 - tail, hits + 1, n - hits)
    return Estimate(
        math.log(hits / n),
        math.log(lower),
        math.log(upper),
        _RANGE_CONFIDENCE,
        f"share of {n} draws in the range of the steps",
        Guarantee.CERTIFIED,
    )


def _together(range_mass: Estimate, inner: Estimate | None) -> Estimate:
    """The sum of two log normalisers; it fails if either does."""
    if not isinstance(inner, Estimate):
        return range_mass
    if range_mass.guarantee is Guarantee.EXACT:
        return inner
    confidence = max(inner.confidence + range_mass.confidence - 1, np.finfo(float).tiny)
    value = inner.value + range_mass.value
    ends = inner.lower + range_mass.lower, inner.upper + range_mass.upper
    return Estimate(value, *ends, confidence, f"{inner.method}; {range_mass.method}", Guarantee.ASYMPTOTIC)
