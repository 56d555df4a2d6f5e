"""Boxes halved where the error is, until it is small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densimeter.foundations.cubature.axes import Axis
from densimeter.foundations.cubature.integrand import Integrand, checked
from densimeter.foundations.cubature.peaks import Peaks, bulk_axes, find_peaks, resolution
from densimeter.foundations.cubature.rule import (
    BATCH_ROWS,
    Boxes,
    can_be_halved,
    evaluate,
    halved,
    rows_per_box,
)
from densimeter.foundations.errors import SettingError


@dataclass(frozen=True, slots=True)
class Integral:
    """An integral in units of ``exp(log_scale)``.

    Attributes
    ----------
    log_scale : float
    value, error : float
        The integral and the sum of the boxes' error estimates.
    converged : bool
        Whether the error is within the tolerances; False when the evaluations ended first.
    n_evaluations : int
        Points at which the integrand was computed, without those of the search for peaks.
    resolution : float
        Peaks narrower than this may have been missed, unless a hint lay on them.
    """

    log_scale: float
    value: float
    error: float
    converged: bool
    n_evaluations: int
    resolution: float


@dataclass(frozen=True, slots=True)
class Tolerances:
    """When to stop: an error below ``relative * ∫|f|`` or below ``absolute``, or enough evaluations."""

    relative: float = 1e-8
    absolute: float = 0.0
    max_evaluations: int = 2 * 10**7


def integrate(
    integrand: Integrand,
    lower: np.ndarray,
    upper: np.ndarray,
    tolerances: Tolerances = Tolerances(),
    hints: np.ndarray | None = None,
) -> Integral:
    """Integral of ``exp(log_scale) * factor`` over the box from `lower` to `upper`, ends possibly infinite.

    Parameters
    ----------
    integrand : callable
        Rows ``(n, d)`` to ``(log_scale, factor)``.
    lower, upper : array of shape (d,)
        With d from 1 to 3.
    tolerances : Tolerances
    hints : array of shape (n, d), optional
        Points near which peaks are looked for, besides 2^14 spread over the whole box.

    Raises
    ------
    SettingError
        If there are not one to three dimensions, or ends are crossed.
    NonFiniteError
        If the integrand is NaN or infinite inside.

    Examples
    --------
    >>> def normal(X):
    ...     return -0.5 * (X**2).sum(axis=1), np.ones(len(X))
    >>> found = integrate(normal, np.full(2, -np.inf), np.full(2, np.inf))
    >>> round(float(found.value * np.exp(found.log_scale) / np.pi), 8)
    2.0
    """
    lower, upper = _checked_ends(lower, upper)
    peaks = find_peaks(lambda rows: np.asarray(integrand(rows)[0], np.float64), lower, upper, hints)
    axes = bulk_axes(lower, upper, peaks)
    boxes = evaluate(checked(integrand), axes, *_split_around(peaks, axes))
    return _refine(checked(integrand), axes, boxes, tolerances)


def _checked_ends(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lower, upper = np.atleast_1d(np.asarray(lower, float)), np.atleast_1d(np.asarray(upper, float))
    if lower.shape != upper.shape or lower.ndim != 1 or not 1 <= len(lower) <= 3:
        raise SettingError(
            f"the ends of the box have shapes {lower.shape} and {upper.shape}",
            "give a lower and an upper end for each of one to three dimensions",
        )
    if not (lower < upper).all():
        raise SettingError(
            f"the ends of the box are crossed: {lower} and {upper}", "give lower < upper on each axis"
        )
    return lower, upper


def _split_around(peaks: Peaks | None, axes: Sequence[Axis]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes that fill the whole: at most its quarter on each axis, and a few widths of a peak they hold."""
    start, stop = np.array([axis.start for axis in axes]), np.array([axis.stop for axis in axes])
    tops, widths = np.empty((0, len(axes))), np.empty((0, len(axes)))
    if peaks is not None:
        tops = np.column_stack([axis.to_z(peaks.points[:, j]) for j, axis in enumerate(axes)])
        slopes = [np.exp(-axis.log_jacobian(tops[:, j])) for j, axis in enumerate(axes)]
        widths = 8 * peaks.widths * np.column_stack(slopes)
    pending, done = [(start, stop)], []
    while pending:
        low, high = pending.pop()
        held = ((tops >= low) & (tops <= high)).all(axis=1)
        allowed = np.minimum((stop - start) / 4, widths[held].min(axis=0, initial=np.inf))
        worst = int(np.argmax((high - low) / allowed))
        middle = (low[worst] + high[worst]) / 2
        if high[worst] - low[worst] <= allowed[worst] or not low[worst] < middle < high[worst]:
            done.append((low, high))
            continue
        cut = np.arange(len(axes)) == worst
        pending += [(low, np.where(cut, middle, high)), (np.where(cut, middle, low), high)]
    return np.array([low for low, _ in done]), np.array([high for _, high in done])


def _refine(integrand: Integrand, axes: Sequence[Axis], boxes: Boxes, tolerances: Tolerances) -> Integral:
    n_rows, n_evaluated = rows_per_box(len(axes)), len(boxes.value)
    while True:
        found, worst = _total(boxes, tolerances, n_evaluated * n_rows, resolution(axes))
        worst = worst[can_be_halved(boxes.take(worst))][: max(1, BATCH_ROWS // n_rows)]
        if found.converged or found.n_evaluations >= tolerances.max_evaluations or not len(worst):
            return found
        children = evaluate(integrand, axes, *halved(boxes.take(worst)))
        kept = np.ones(len(boxes.value), bool)
        kept[worst] = False
        boxes = boxes.take(kept).join(children)
        n_evaluated += len(children.value)


def _total(
    boxes: Boxes, tolerances: Tolerances, n_evaluations: int, finest: float
) -> tuple[Integral, np.ndarray]:
    """The sum over all boxes, and those to halve, worst first, so that half the tolerance remains."""
    log_scale = float(boxes.log_scale.max())
    weights = np.exp(boxes.log_scale - log_scale)
    size = float(boxes.size @ weights)
    # of a box too small to be halved nothing is believed: it holds a singularity, or rounding
    errors = np.where(can_be_halved(boxes), boxes.error, np.maximum(boxes.error, boxes.size)) * weights
    rounding = 16 * np.finfo(np.float64).eps * size
    with np.errstate(over="ignore"):
        wanted = max(tolerances.relative * size, tolerances.absolute * float(np.exp(-log_scale)))
    total_error = float(errors.sum()) + rounding
    reached = total_error <= max(wanted, 2 * rounding)
    found = Integral(
        log_scale, float(boxes.value @ weights), total_error, bool(reached), n_evaluations, finest
    )
    order = np.argsort(errors)[::-1]
    left = total_error - np.cumsum(errors[order])
    n_worst = int(np.searchsorted(-left, -wanted / 2)) + 1
    return found, order[:n_worst]
