"""A whole fit: frame, starts, EM, and the restart with the highest likelihood, from batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from densimeter.foundations.forking import begin_computing
from densimeter.mixture import em
from densimeter.mixture.errors import SingularCovarianceError
from densimeter.mixture.families import Family, Floor, Parameters
from densimeter.mixture.frame import ColumnMoments, Frame, column_moments
from densimeter.mixture.missing import fill_by_one_gaussian
from densimeter.mixture.sources import Batches, Layout, Resident, Source, Streamed
from densimeter.mixture.span import Span
from densimeter.mixture.starts import STARTS, StartPlan, outwards, starting_rows, starting_sums, whitened
from densimeter.mixture.tournament import ROWS, winners

BATCH_NUMBERS = 1 << 20
"""Cells of a table in memory that are looked at together."""
LEFT = 1e-4
"""Nats over all rows that the default fit to a short table may leave to be gained by more iterations."""
TIE = 1e-8
"""Restarts whose bounds differ by less, in nats per row, have found the same optimum."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a fit needs to know but the rows.

    `given` are parts of the start in the user's coordinates, None for those to be made. The compiled loop has
    room for `capacity` components, the surplus having weight zero. `reached` is the last bound of the run
    that this one goes on from, -inf if it does not.
    """

    family: Family
    n_components: int
    capacity: int
    n_init: int
    plan: StartPlan
    given: tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]
    reg_covar: float | str
    tol: float
    max_iter: int
    reached: float


@dataclass(frozen=True, slots=True)
class Fit:
    """The best restart, in the user's coordinates, its bounds by iteration, and the last of every restart.

    `weight` is that of the rows, those left out that miss the cell that most have.
    """

    parameters: Parameters
    bounds: np.ndarray
    restart_bounds: np.ndarray
    n_iter: int
    converged: bool
    weight: float
    on_floor: np.ndarray


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to fit to: fresh passes, their dtype, and whether they may be kept in the working layout."""

    batches: Batches
    dtype: np.dtype
    resident: bool

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return sum(len(rows) for rows, _ in self.batches())

    @property
    def is_short(self) -> bool:
        """Whether a mixture is soon fitted to them, from several starts as well."""
        return self.resident and self.n_rows <= ROWS

    def fits(self, layout: Layout) -> bool:
        """Whether one piece holds all rows: restarts then take turns instead of sharing each pass."""
        return self.resident and self.n_rows <= layout.piece_rows

    def source(self, layout: Layout, complete: bool) -> Source:
        """The rows as the E-step wants them."""
        return (Resident if self.resident else Streamed)(layout, self.batches, complete)


def batches_of(rows: np.ndarray, weights: np.ndarray) -> Batches:
    """Passes over a table in memory, by views of a bounded number of cells."""
    step = max(1, BATCH_NUMBERS // rows.shape[1])

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, len(rows), step):
            yield rows[first : first + step], weights[first : first + step]

    return batches


def fit_mixture(table: Table, recipe: Recipe, rng: np.random.Generator) -> Fit:
    """Fit by EM from every start and keep the best.

    Raises
    ------
    DataError
        If the rows cannot be used; see `column_moments`.
    SingularCovarianceError
        If every restart ended in a covariance that is not positive definite.
    """
    begin_computing()
    moments = column_moments(table.batches)
    frame = Frame.of(moments, recipe.family, table.dtype)
    sample = starting_rows(table.batches, rng)
    floor = frame.floor(recipe.reg_covar, sample[0])
    span = _span(table, moments, frame, floor, recipe)
    weight = float(moments.weight.max())
    if span is None:
        start = make_starts(sample, moments, frame, floor, recipe, rng, table.is_short)
        return _ascend(table, moments.complete, frame, floor, recipe, start, weight)
    start = make_starts(sample, moments, frame, span.floor, recipe, rng, table.is_short, span)
    narrow = _narrowed(table, frame, span)
    fit = _ascend(narrow, True, span.frame, span.floor, recipe, start, weight)
    return _widened(fit, recipe.family, frame, span)


def _span(table: Table, moments: ColumnMoments, frame: Frame, floor: Floor, recipe: Recipe) -> Span | None:
    """The span of the rows where the fit may take place in it: nothing beyond it is asked for or missing."""
    free = recipe.given[1] is None and recipe.given[2] is None
    if not (recipe.family.has_matrices and free and moments.complete and table.is_short):
        return None
    if table.n_rows > len(frame.location):
        return None
    return Span.of(np.concatenate([frame.apply(rows) for rows, _ in table.batches()]), floor)


def _narrowed(table: Table, frame: Frame, span: Span) -> Table:
    """The rows of a table in their span."""

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for rows, weights in table.batches():
            yield span.project(frame.apply(rows)).astype(table.dtype), weights

    return replace(table, batches=batches)


def _widened(fit: Fit, family: Family, frame: Frame, span: Span) -> Fit:
    """A fit in the span of the rows as one in the user's columns.

    Raises
    ------
    SingularCovarianceError
        If a covariance is not positive definite to the precision of its numbers.
    """
    wide = frame.outward(family, span.widen(family, fit.parameters))
    if not is_proper(family, wide):
        raise SingularCovarianceError
    shift = span.log_density_beyond + frame.log_jacobian
    return replace(
        fit,
        parameters=wide,
        bounds=fit.bounds + shift,
        restart_bounds=fit.restart_bounds + shift,
    )


def _ascend(
    table: Table,
    complete: bool,
    frame: Frame,
    floor: Floor,
    recipe: Recipe,
    start: Parameters,
    weight: float,
) -> Fit:
    """EM from every start in the frame, and the best that it reached; without iterations the first start."""
    if recipe.max_iter == 0:
        inner = trimmed(recipe.family, Parameters(*(part[0] for part in start)), recipe.n_components)
        nothing = np.full(recipe.n_init, -np.inf)
        floored = _on_floor(recipe.family, inner, floor)
        return Fit(frame.outward(recipe.family, inner), nothing[:1], nothing, 0, False, weight, floored)
    d = len(frame.location)
    layout = Layout.of(recipe.family, d, recipe.capacity, table.dtype)
    if not table.fits(layout):
        layout = Layout.of(recipe.family, d, recipe.capacity * len(start.weights), table.dtype)
    source = table.source(layout, complete)
    left = LEFT if len(start.weights) > recipe.n_init else np.inf
    rules = em.Rules(recipe.tol, recipe.max_iter, floor, recipe.reached, left)
    ended = em.run(recipe.family, frame, source, table.dtype, start, rules)
    reached = ended.lower_bound
    if len(reached) > recipe.n_init:  # starts of several kinds: after their last M-steps, which count, too
        one_more = em.Rules(recipe.tol, 1, floor)
        last = em.run(recipe.family, frame, source, table.dtype, ended.parameters, one_more)
        reached = np.fmax(reached, last.lower_bound)
    return _best(recipe, frame, floor, ended, reached, weight)


def rows_to_start_from(
    sample: tuple[np.ndarray, np.ndarray], moments: ColumnMoments, frame: Frame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows that starts look at, in the frame and without gaps, their weights, and the rows whitened.

    `sample` is what `starting_rows` finds. Ordered outwards, so that the order of the table makes no
    difference.
    """
    rows, mass = frame.apply(sample[0]), sample[1]
    if not moments.complete:
        rows = fill_by_one_gaussian(rows, mass, rng)
    z = whitened(rows, mass)
    order = outwards(z)
    rows, mass, z = rows[order], mass[order], z[order]
    return rows, mass, z


def make_starts(
    sample: tuple[np.ndarray, np.ndarray],
    moments: ColumnMoments,
    frame: Frame,
    floor: Floor,
    recipe: Recipe,
    rng: np.random.Generator,
    is_short: bool,
    span: Span | None = None,
) -> Parameters:
    """The parameters that the restarts begin with, stacked, in the frame's coordinates, or those of the span.

    Starts of several kinds compete, and the winners begin where they have come. Over a short table the starts
    of every kind then run to the end beside them: so the best of all is no worse than any kind alone.
    """
    family, k = recipe.family, recipe.n_components
    weights, means, covariances = recipe.given
    given = [
        weights,
        None if means is None else (means - frame.location) / frame.scale,
        None if covariances is None else family.rescale(covariances, 1 / frame.scale),
    ]
    if all(part is not None for part in given):
        same = Parameters(*(np.stack([part] * recipe.n_init) for part in given if part is not None))
        return padded(family, same, recipe.capacity)
    if k == 1 and not moments.complete:  # there is one optimum, and filling gaps costs more than reaching it
        return _from_moments(frame, floor, recipe, given)
    rows, mass, z = rows_to_start_from(sample, moments, frame, rng)
    if span is not None:
        rows = span.narrow(rows)
    competes = k > 1 and recipe.max_iter > 0  # one component has but one start
    plan = recipe.plan if competes else STARTS["kmeans"]
    sums = starting_sums(family.expand(rows.T).T, z, mass, k, plan, rng, recipe.n_init)
    made = family.maximise(sums, rows.shape[1], floor)
    chosen = [
        own if part is None else np.broadcast_to(part, own.shape)
        for own, part in zip(made, given, strict=True)
    ]
    entrants = padded(family, Parameters(*chosen), recipe.capacity)
    if not plan.surplus:
        return entrants
    first = winners(family, rows, z, mass, floor, entrants, recipe.n_init)
    if not is_short:
        return first
    alone = len(plan.kinds) * recipe.n_init
    return Parameters(*(np.concatenate([a, b[:alone]]) for a, b in zip(first, entrants, strict=True)))


def _from_moments(frame: Frame, floor: Floor, recipe: Recipe, given: list[np.ndarray | None]) -> Parameters:
    """One component with the means and variances of the columns, but for what is given."""
    family, d = recipe.family, len(frame.location)
    sums = family.from_moments(np.ones(1), np.zeros((1, d)), np.diag((frame.spread / frame.scale) ** 2)[None])
    made = family.maximise(sums, d, floor)
    chosen = [own if part is None else part for own, part in zip(made, given, strict=True)]
    start = Parameters(*(np.stack([part] * recipe.n_init) for part in chosen))
    return padded(family, start, recipe.capacity)


def _best(
    recipe: Recipe, frame: Frame, floor: Floor, ended: em.Progression, reached: np.ndarray, weight: float
) -> Fit:
    """The restart that `reached` the most; of those equal to rounding the first, whatever that was."""
    bounds = np.where(np.isfinite(reached), reached, -np.inf)
    equal = np.flatnonzero(bounds >= bounds.max() - TIE)
    for best in [*equal, *np.argsort(-bounds, kind="stable")[len(equal) :]]:
        one = Parameters(*(part[best] for part in ended.parameters))
        inner = trimmed(recipe.family, one, recipe.n_components)
        if np.isfinite(bounds[best]) and is_proper(recipe.family, inner):
            return Fit(
                frame.outward(recipe.family, inner),
                ended.history[best][~np.isnan(ended.history[best])],
                _of_restarts(ended.lower_bound, recipe.n_init),
                int(ended.n_iter[best]),
                bool(ended.converged[best]),
                weight,
                _on_floor(recipe.family, inner, floor),
            )
    raise SingularCovarianceError


def _on_floor(family: Family, inner: Parameters, floor: Floor) -> np.ndarray:
    """Which components, ``(K,)``, have a variance in some direction that is the least allowed."""
    k, d = inner.means.shape
    if floor.least is None:
        return np.zeros(k, bool)
    if not family.has_matrices:
        least = floor.least if inner.covariances.ndim == 2 else floor.common().least
        touching = inner.covariances <= least * (1 + 1e-6)
        return touching.any(axis=1) if touching.ndim == 2 else touching
    roots = np.sqrt(floor.least)
    unit = family.as_full(inner.covariances, d, k) / (roots[:, None] * roots)
    return np.linalg.eigvalsh(unit)[:, 0] <= 1 + 1e-6


def _of_restarts(bounds: np.ndarray, n_init: int) -> np.ndarray:
    """The bounds of as many restarts as were asked for, the best if starts of all kinds ran to the end."""
    return bounds if len(bounds) == n_init else np.sort(np.nan_to_num(bounds, nan=-np.inf))[::-1][:n_init]


def is_proper(family: Family, parameters: Parameters) -> bool:
    """Whether every number is finite and every covariance positive definite."""
    if not all(np.isfinite(part).all() for part in parameters):
        return False
    try:
        return bool(np.isfinite(family.precision_cholesky(parameters.covariances)).all())
    except np.linalg.LinAlgError:
        return False


def padded(family: Family, start: Parameters, capacity: int) -> Parameters:
    """Stacked starts with components of weight zero appended, up to `capacity`."""
    missing = capacity - start.weights.shape[1]

    def repeat_last(part: np.ndarray) -> np.ndarray:
        return np.concatenate([part, np.repeat(part[:, -1:], missing, axis=1)], axis=1)

    weights = np.concatenate([start.weights, np.zeros((len(start.weights), missing))], axis=1)
    covariances = start.covariances if family.shared else repeat_last(start.covariances)
    return Parameters(weights, repeat_last(start.means), covariances)


def trimmed(family: Family, parameters: Parameters, n_components: int) -> Parameters:
    """One restart's parameters without the components that `padded` appended."""
    weights, means, covariances = parameters
    kept = covariances if family.shared else covariances[:n_components]
    return Parameters(weights[:n_components], means[:n_components], kept)
