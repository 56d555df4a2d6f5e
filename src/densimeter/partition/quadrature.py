"""log Z by adaptive quadrature in one to three dimensions: the oracle for the other ways."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from densimeter.foundations.batching import over_rows
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.cubature import Integral, Tolerances, integrate
from densimeter.foundations.errors import SettingError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.tracing import check_point_function
from densimeter.partition.weights import PointFunction


@dataclass(frozen=True, slots=True)
class QuadratureResult:
    """What `quadrature` found.

    Attributes
    ----------
    estimate : Estimate
        log Z, nats; ``Guarantee.BOUNDED`` by the error estimate, ``NONE`` if it did not converge.
    n_evaluations : int
        Points of the rule at which the energy was computed.
    resolution : float
        Peaks of exp(-energy) narrower than this may have been missed, unless a hint lay on them: what
        quadrature cannot see, it says here and in ``estimate.method``.
    """

    estimate: Estimate
    n_evaluations: int
    resolution: float


def quadrature(
    energy: PointFunction,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    tolerance: float = 1e-8,
    max_evaluations: int = 2 * 10**7,
    hints: ArrayLike | None = None,
) -> QuadratureResult:
    """``log Z = log ∫ exp(-energy(x)) dx`` over a box, by tensor Gauss-Kronrod rules on halved boxes.

    Before integrating, peaks are looked for from 80,000 points spread over the box and from `hints`; boxes
    are split down to the width of every peak found.

    Parameters
    ----------
    energy : callable
        Minus the unnormalised log-density of one point ``(n_features,)``, traceable by JAX; +inf outside the
        support.
    lower, upper : array of shape (n_features,)
        Ends of the box, up to three dimensions; may be infinite.
    tolerance : float
        Relative error of Z at which to stop, by an estimate that is usually far above the error itself.
    max_evaluations : int
        Most points to compute.
    hints : array of shape (n, n_features), optional
        Points on or near peaks: rows of data, known modes.

    Returns
    -------
    QuadratureResult

    Raises
    ------
    SettingError
        For more than three dimensions or crossed ends, or an energy that JAX cannot trace.
    NonFiniteError
        If the energy is NaN or -inf at an inner point.

    Examples
    --------
    >>> found = quadrature(lambda x: 0.5 * x @ x, [-np.inf, -np.inf], [np.inf, np.inf])
    >>> abs(found.estimate.value - math.log(2 * math.pi)) < 1e-9
    True
    """
    tolerances = Tolerances(
        check_number("tolerance", tolerance, above=0, below=1),
        max_evaluations=check_count("max_evaluations", max_evaluations),
    )
    check_point_function(energy, np.size(lower), "the energy")
    rows = None if hints is None else _checked_hints(hints, np.size(lower))

    def integrand(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -over_rows(energy, points), np.ones(len(points))

    found = integrate(integrand, np.asarray(lower), np.asarray(upper), tolerances, rows)
    return QuadratureResult(_estimate(found), found.n_evaluations, found.resolution)


def _checked_hints(hints: ArrayLike, n_features: int) -> np.ndarray:
    try:
        rows = np.asarray(hints, np.float64)
    except (TypeError, ValueError):
        rows = np.array(math.nan)
    if rows.ndim != 2 or rows.shape[1] != n_features or not np.isfinite(rows).all():
        raise SettingError(
            f"hints of shape {rows.shape} are not finite rows of {n_features} features",
            "give one row for each known peak",
        )
    return rows


def _estimate(found: Integral) -> Estimate:
    method = f"adaptive Gauss-Kronrod, {found.n_evaluations} points, blind to peaks narrower than "
    method += f"{found.resolution:.1g}"
    if found.value == 0:
        return Estimate(-math.inf, -math.inf, math.inf, 1.0, f"{method}; no support found", Guarantee.NONE)
    value = found.log_scale + math.log(found.value)
    relative = found.error / found.value
    lower = value + math.log1p(-relative) if relative < 1 else -math.inf
    guarantee = Guarantee.BOUNDED if found.converged else Guarantee.NONE
    if not found.converged:
        method += "; did not converge"
    return Estimate(value, lower, value + math.log1p(relative), 1.0, method, guarantee)
