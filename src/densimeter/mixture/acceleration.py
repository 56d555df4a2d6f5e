"""EM where cells are missing: extrapolated, and stopped by what is left to gain.

The more cells are missing the slower EM becomes: its rate is the share of information that is missing
(Dempster, Laird and Rubin, 1977, sec. 4), and steps become small long before the maximum. So two steps of EM
are extrapolated (SQUAREM: Varadhan and Roland, 2008, scheme S3), which is kept only where it does not lower
the likelihood; and a run ends not when a step gains little but when all further ones together would.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np

from densimeter.mixture.families import Family, Parameters

LEFT = 0.01
"""Nats in all that a run may leave: with this little, an estimate is within 0.15 of its standard errors."""
REMEMBERED = 30
"""Rates of which the slowest counts: after a leap the slowest direction hides for a while."""
SHORTENED = 4
"""Times that a leap out of the parameters' range is shortened."""

Step = Callable[[Parameters], tuple[Parameters, np.ndarray, float]]
"""From stacked parameters to those after a step of EM, the bounds before it, and the weight of the rows."""


@dataclass
class Run:
    """Where one restart stands: its parameters, and the bounds before each of its steps, nats per weight."""

    parameters: Parameters
    bounds: list[float] = field(default_factory=list)
    converged: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a run: the nats that may be left, in the mean and relative to the bound, and the steps."""

    tol: float
    rounding: float
    max_iter: int

    def allow(self, left: float, bound: float, weight: float) -> bool:
        """Whether so much may be left to gain in the mean over rows of that weight."""
        return left < max(min(self.tol, LEFT / weight), self.rounding * abs(bound))


def run_together(family: Family, start: Parameters, step: Step, limits: Limits) -> list[Run]:
    """Every stacked start to its end, the steps of all in one pass over the rows."""
    runs = [Run(Parameters(*(part[i] for part in start))) for i in range(len(start.weights))]
    climbers = {i: _climb(family, run, limits) for i, run in enumerate(runs)}
    wanted = {i: next(climber) for i, climber in climbers.items()} if limits.max_iter else {}
    while wanted:
        moved, bounds, weight = step(
            Parameters(*(np.stack(parts) for parts in zip(*wanted.values(), strict=True)))
        )
        answers = dict(zip(wanted, zip(*moved, bounds.tolist(), strict=True), strict=True))
        for i, (*parts, bound) in answers.items():
            try:
                wanted[i] = climbers[i].send((Parameters(*parts), bound, weight))
            except StopIteration:
                del wanted[i]
    return runs


def _climb(
    family: Family, run: Run, limits: Limits
) -> Generator[Parameters, tuple[Parameters, float, float], None]:
    """Asks for steps of EM until little is left to gain, steps are used up or a bound is not finite."""
    rates: list[float] = []

    def goes_on(moved: Parameters, bound: float) -> bool:
        run.parameters = moved
        run.bounds.append(bound)
        return bool(np.isfinite(bound)) and len(run.bounds) < limits.max_iter

    while True:
        begin = run.parameters
        moved, bound, _ = yield begin
        if not goes_on(moved, bound):
            return
        once = moved
        moved, bound, weight = yield once
        going = goes_on(moved, bound)
        first, second = _difference(once, begin), _difference(moved, once)
        rates = [*rates[1 - REMEMBERED :], _rate(first, second)]
        left = left_to_gain(run.bounds[-1] - run.bounds[-2], max(rates))
        run.converged = limits.allow(left, bound, weight)
        if run.converged or not going:
            return
        leap = _leap(family, begin, first, second)
        if leap is not None:
            moved, bound, _ = yield leap
            if bound >= run.bounds[-1] and not goes_on(moved, bound):
                return


def left_to_gain(gain: float, rate: float) -> float:
    """What all further steps add to the likelihood after one that added `gain`, infinite if unknown.

    If the parameters' error shrinks by `rate` a step, gains shrink by its square, and what is left is a
    geometric series (Aitken's).

    Examples
    --------
    >>> left_to_gain(3.0, 0.5)
    1.0
    """
    if not gain > 0:
        return 0.0
    return gain * rate**2 / (1 - rate**2) if rate < 1 else np.inf


def _difference(after: Parameters, before: Parameters) -> np.ndarray:
    return np.concatenate([(a - b).ravel() for a, b in zip(after, before, strict=True)])


def _rate(first: np.ndarray, second: np.ndarray) -> float:
    """By what a step of EM shrinks the one before."""
    length = float(np.linalg.norm(first))
    return float(np.linalg.norm(second)) / length if length else 0.0


def _leap(family: Family, begin: Parameters, first: np.ndarray, second: np.ndarray) -> Parameters | None:
    """Two steps of EM extrapolated, or None if that is no farther than they went or out of range."""
    bend = second - first
    length = float(np.linalg.norm(first)) / max(float(np.linalg.norm(bend)), 1e-300)
    for _ in range(SHORTENED):
        if not length > 1:
            return None
        move = 2 * length * first + length**2 * bend
        parts = np.split(move, np.cumsum([part.size for part in begin[:2]]))
        leap = Parameters(*(p + m.reshape(p.shape) for p, m in zip(begin, parts, strict=True)))
        if (leap.weights >= 0).all() and _is_proper(family, leap):
            return leap
        length = (length + 1) / 2
    return None


def _is_proper(family: Family, parameters: Parameters) -> bool:
    try:
        return bool(np.isfinite(family.precision_cholesky(parameters.covariances)).all())
    except np.linalg.LinAlgError:
        return False
