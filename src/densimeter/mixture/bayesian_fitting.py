"""A whole variational fit: frame, prior, starts, ascent, and the restart with the highest bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from densimeter.foundations.errors import DataError
from densimeter.foundations.forking import begin_computing
from densimeter.mixture.bayesian_ascent import Ascent, Problem, climb
from densimeter.mixture.bayesian_updates import Posterior, features, restricted, updated
from densimeter.mixture.errors import SingularCovarianceError
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.fitting import TIE, Table, is_proper, rows_to_start_from
from densimeter.mixture.frame import ColumnMoments, Frame, column_moments
from densimeter.mixture.priors import Prior, WeightPrior
from densimeter.mixture.sources import Layout
from densimeter.mixture.starts import StartPlan, starting_rows, starting_sums


@dataclass(frozen=True, slots=True)
class BayesianRecipe:
    """Everything a variational fit needs to know but the rows.

    `mean` and `covariance` of the prior are in the user's coordinates, None for those of the rows.
    `resumed` is the posterior to begin with, in the user's coordinates, None for starts to be made, and
    `reached` the bound it had, or -inf. A
    weight of one in the table stands for a weight of `unit`.
    """

    family: Family
    n_components: int
    n_init: int
    start: StartPlan
    weights: WeightPrior
    mean: np.ndarray | None
    mean_precision: float
    degrees_of_freedom: float
    covariance: np.ndarray | None
    reg_covar: float | str
    tol: float
    max_iter: int
    unit: float
    resumed: Posterior | None
    reached: float


@dataclass(frozen=True, slots=True)
class BayesianFit:
    """The best restart in the user's coordinates, its prior, and its bounds by iteration, nats."""

    posterior: Posterior
    prior: Prior
    bounds: np.ndarray
    restart_bounds: np.ndarray
    converged: bool


def fit_bayesian_mixture(table: Table, recipe: BayesianRecipe, rng: np.random.Generator) -> BayesianFit:
    """Climb from every start and keep the best.

    Raises
    ------
    DataError
        If the rows cannot be used, see `column_moments`, or their weights add up to infinity.
    SingularCovarianceError
        If the prior's covariance, or the posterior's of every restart, is not positive definite.
    """
    begin_computing()
    family = recipe.family
    moments = column_moments(table.batches)
    frame = Frame.of(moments, family, table.dtype)
    sample = starting_rows(table.batches, rng)
    prior = make_prior(table, moments, frame, _blur(frame, recipe.reg_covar), recipe)
    inner = prior.inward(family, frame)
    if recipe.resumed is None:
        start = make_posteriors(table, sample, moments, frame, inner, recipe, rng)
    else:
        start = Posterior(*(np.asarray(part)[None] for part in _moved(family, frame.inward, recipe.resumed)))
    n_features = len(frame.location)
    layout = Layout.of(family, n_features, recipe.n_components * len(start.means), table.dtype)
    source = table.source(layout, moments.complete)
    ended = climb(
        Problem(family, frame, inner, source, table.dtype, recipe.unit),
        start,
        recipe.tol,
        recipe.max_iter,
        recipe.reached,
    )
    return _best(family, frame, prior, ended)


def _blur(frame: Frame, reg_covar: float | str) -> np.ndarray:
    """The variances by which rows are blurred; "auto" is 1e-6 of those of the columns."""
    return frame.floor(1e-6 if isinstance(reg_covar, str) else reg_covar).added


def make_prior(
    table: Table, moments: ColumnMoments, frame: Frame, blur: np.ndarray, recipe: BayesianRecipe
) -> Prior:
    """The prior in the user's coordinates, what was left open taken from the rows.

    The mean is that of the rows; the covariance is theirs as the family sees it, with one degree of freedom
    less than rows, plus `blur`. With missing cells, columns are taken as uncorrelated there.
    """
    family = recipe.family
    weight = float(moments.weight.max()) * recipe.unit
    if not math.isfinite(weight):
        raise DataError("the sample weights add up to infinity", "divide them by a number")
    covariance = recipe.covariance
    if covariance is None:
        inner = _complete_scatter(table, frame) if moments.complete else _variances(moments, frame)
        covariance = inner * recipe.unit / max(weight - 1, weight / 2)
        covariance = family.rescale(restricted(family, covariance + np.diag(blur)), frame.scale)
    stacked = covariance if family.shared else covariance[None]
    if not is_proper(family, Parameters(np.ones(1), frame.location[None], stacked)):
        raise SingularCovarianceError
    return Prior(
        recipe.weights,
        moments.mean if recipe.mean is None else recipe.mean,
        recipe.mean_precision,
        recipe.degrees_of_freedom,
        covariance,
        blur,
    )


def _complete_scatter(table: Table, frame: Frame) -> np.ndarray:
    """The sum of outer products of the rows' deviations from their mean, in the frame."""
    parts = [_centred_products(frame.apply(rows), np.asarray(w, np.float64)) for rows, w in table.batches()]
    weight, first, second = (sum(group) for group in zip(*parts, strict=True))
    return second - np.outer(first, first) / weight


def _centred_products(rows: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    return weights.sum(), weights @ rows, (rows.T * weights) @ rows


def _variances(moments: ColumnMoments, frame: Frame) -> np.ndarray:
    """The same if columns were uncorrelated and missing cells like those that are there."""
    share = moments.scatter / moments.weight
    return np.diag(share / frame.scale**2 * moments.weight.max())


def make_posteriors(
    table: Table,
    sample: tuple[np.ndarray, np.ndarray],
    moments: ColumnMoments,
    frame: Frame,
    prior: Prior,
    recipe: BayesianRecipe,
    rng: np.random.Generator,
) -> Posterior:
    """The posteriors that the restarts begin with, stacked, in the frame: M-steps on assigned rows."""
    rows, mass, z = rows_to_start_from(sample, moments, frame, rng)
    total = sum(float(weights.sum(dtype=np.float64)) for _, weights in table.batches())
    sums = starting_sums(
        features(recipe.family, rows), z, mass, recipe.n_components, recipe.start, rng, recipe.n_init
    )
    unit = recipe.unit * total / mass.sum()  # the rows looked at stand for all
    return updated(recipe.family, prior, sums * unit)


def _moved(
    family: Family, move: Callable[[Family, Parameters], Parameters], posterior: Posterior
) -> Posterior:
    """A posterior with its means and covariances brought into other coordinates."""
    _, means, covariances = move(family, posterior.gaussians())
    return posterior._replace(means=means, covariances=covariances)


def _best(family: Family, frame: Frame, prior: Prior, ended: Ascent) -> BayesianFit:
    """The restart with the highest bound; of those equal to rounding the first, whatever the rounding was."""
    last = np.array([bounds[-1] for bounds in ended.bounds])
    last = np.where(np.isfinite(last), last, -np.inf)
    finite = np.abs(last[np.isfinite(last)])
    tie = TIE * finite.max(initial=1.0)
    for best in np.argsort(-np.round(last / tie), kind="stable"):
        one = Posterior(*(part[best] for part in ended.posterior))
        if np.isfinite(last[best]) and is_proper(family, one.gaussians()):
            outer = _moved(family, frame.outward, one)
            return BayesianFit(outer, prior, np.array(ended.bounds[best]), last, bool(ended.converged[best]))
    raise SingularCovarianceError
