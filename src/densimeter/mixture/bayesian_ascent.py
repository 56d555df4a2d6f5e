"""The loop of variational Bayes, for several restarts at once, until the bound stands."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.mixture.bayesian_bound import divergence
from densimeter.mixture.bayesian_updates import Posterior, expected_parameters, updated, updated_locally
from densimeter.mixture.em import TOLERATED_ERROR
from densimeter.mixture.estep import local_step, natural_step
from densimeter.mixture.families import Family
from densimeter.mixture.frame import Frame
from densimeter.mixture.priors import Prior
from densimeter.mixture.sources import Source


@dataclass(frozen=True, slots=True)
class Problem:
    """What the steps need and do not change; `unit` is what a weight of one in the source stands for."""

    family: Family
    frame: Frame
    prior: Prior
    source: Source
    dtype: np.dtype
    unit: float


@dataclass(frozen=True, slots=True)
class Ascent:
    """Where each restart ended; `bounds` are those of its iterations, nats, each before the M-step."""

    posterior: Posterior
    bounds: list[list[float]]
    converged: np.ndarray


@dataclass(slots=True)
class _Climb:
    """The restarts on their way."""

    posterior: Posterior
    reached: float
    bounds: list[list[float]] = field(init=False)
    converged: np.ndarray = field(init=False)
    active: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        n_restarts = len(self.posterior.means)
        self.posterior = Posterior(*(part.copy() for part in self.posterior))
        self.bounds = [[] for _ in range(n_restarts)]
        self.converged = np.zeros(n_restarts, bool)
        self.active = np.ones(n_restarts, bool)

    def take(self, chosen: np.ndarray) -> Posterior:
        """The posteriors of some restarts."""
        return Posterior(*(part[chosen] for part in self.posterior))

    def advance(self, restart: int, moved: Posterior, bound: float, tolerance: float, max_iter: int) -> None:
        """One restart after one more iteration."""
        seen = self.bounds[restart]
        self.converged[restart] = abs(bound - (seen[-1] if seen else self.reached)) < tolerance
        seen.append(bound)
        for whole, part in zip(self.posterior, moved, strict=True):
            whole[restart] = part
        going = not self.converged[restart] and len(seen) < max_iter
        self.active[restart] = going and bool(np.isfinite(bound))


def climb(problem: Problem, start: Posterior, tol: float, max_iter: int, reached: float = -np.inf) -> Ascent:
    """Iterate until each restart's bound changes by less than `tol` nats, or by what rounding alone would.

    `reached` is the bound of a run that this one goes on from. A restart whose bound is not finite stops
    where it is. Cost of an iteration as of EM.
    """
    state = _Climb(start, reached)
    rounding = float(np.finfo(problem.dtype).eps) if tol > 0 else 0.0
    with np.errstate(all="ignore"):  # what is not finite stops its restart
        while state.active.any():
            active = np.flatnonzero(state.active)
            chosen = np.resize(active, min(bucket_size(len(active), smallest=1), len(state.active)))
            moved, bounds = step(problem, state.take(chosen))
            for i, restart in enumerate(active.tolist()):
                bound = float(bounds[i])
                one = Posterior(*(part[i] for part in moved))
                state.advance(restart, one, bound, max(tol, rounding * abs(bound)), max_iter)
    return Ascent(state.posterior, state.bounds, state.converged)


def step(problem: Problem, posterior: Posterior) -> tuple[Posterior, np.ndarray]:
    """The posteriors after one more iteration, and the bounds before it, nats in the user's units."""
    family, prior, dtype = problem.family, problem.prior, problem.dtype
    expected = expected_parameters(family, prior, posterior)
    theta = family.natural(expected)
    error = np.finfo(dtype).eps * np.nanmax(family.cancellation(theta, expected), initial=0.0)
    differences_first = error > TOLERATED_ERROR[dtype] and problem.source.complete
    where = family, problem.frame, problem.source, dtype, expected
    sums = (local_step(*where) if differences_first else natural_step(*where, theta)).scaled(problem.unit)
    bounds = sums.log_likelihood - divergence(family, prior, posterior)
    if differences_first:
        return updated_locally(family, prior, sums.sums, expected), bounds
    return updated(family, prior, sums.sums), bounds
