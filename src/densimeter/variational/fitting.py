"""The density of a family that is nearest to a target, in one direction or the other."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike

from densimeter.foundations.checks import check_count, check_number, choose
from densimeter.foundations.errors import NonFiniteError
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.precision import double_precision
from densimeter.foundations.progress import Progress, silent
from densimeter.foundations.randomness import RandomState, generator_from, key_from
from densimeter.variational.bounds import elbo
from densimeter.variational.directions import Direction
from densimeter.variational.families import FAMILIES, Approximation
from densimeter.variational.targets import DIRECTIONS, known_of, where_to_begin

STEPS_A_ROUND = 100
"""Steps between two looks at the loss on random numbers of its own."""
N_WATCHED = 4096
"""Points of these looks."""
PATIENCE = 3
"""Rounds without progress after which the learning rate is cut."""
CUTS = 4
"""Cuts by 3 after which the fit has converged."""


class Outcome(StrEnum):
    """How a fit ended."""

    CONVERGED = "converged"
    STEPS_ENDED = "steps ended"


class VariationalFit(eqx.Module):
    """What `fit_variational` found; itself a density of one point, and so a proposal.

    Attributes
    ----------
    density : MeanField, FullRank or Mixture
    elbo : Estimate or None
        ``E_q[log p - log q]`` on fresh samples: minus KL(q || p) if p is normalised, a lower bound of log Z
        otherwise. None where the target is known by samples alone.
    outcome : Outcome
    n_steps : int
    history : tuple of float
        The loss after each round of steps, on random numbers held fixed.
    """

    density: Approximation
    elbo: Estimate | None = eqx.field(static=True)
    outcome: Outcome = eqx.field(static=True)
    n_steps: int = eqx.field(static=True)
    history: tuple[float, ...] = eqx.field(static=True)

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log-density, nats, at one point ``(n_features,)``."""
        return self.density.log_prob(x)

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Independent rows ``(n_samples, n_features)``."""
        return self.density.sample(key, n_samples)


def fit_variational(
    log_prob: Any,
    n_features: int | None = None,
    *,
    family: str = "full-rank",
    direction: str = "reverse",
    n_components: int = 8,
    centre: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    batch_size: int = 256,
    learning_rate: float = 0.05,
    max_steps: int = 10_000,
    tol: float = 1e-3,
    random_state: RandomState = None,
    progress: Progress = silent,
) -> VariationalFit:
    r"""The density q of a family nearest to p: minimal ``KL(q || p)`` (reverse) or ``KL(p || q)`` (forward).

    Reverse seeks modes and underestimates spread; forward covers mass and makes the safer proposal for
    importance sampling. Adam on reparameterised gradients; the learning rate is cut when the loss on held
    random numbers stops falling, and the best q is kept. Computes in float64.

    Parameters
    ----------
    log_prob : callable or density
        The log-density of p at one point ``(n_features,)``, up to a constant, traceable by JAX; or a density
        (see `densimeter.kl_divergence`). Forward, a density is sampled, and need not be traceable; a mere
        function is reached by importance sampling.
    n_features : int, optional
        Needed for a function.
    family : {"mean-field", "full-rank", "mixture"}
        Gaussian with independent coordinates, Gaussian, or mixture of `n_components` Gaussians.
    direction : {"reverse", "forward"}
    n_components : int
    centre, scale : float or array of shape (n_features,)
        Where the search begins, and how wide: 0 and 1 for a function, mean and standard deviation for a
        density, if not given. For a function and forward, they should cover the target.
    batch_size, max_steps : int
    learning_rate : float
    tol : float
        Progress of the loss, nats, below which a round counts as none.
    random_state : seed or generator
    progress : callable
        Told the steps done.

    Returns
    -------
    VariationalFit

    Raises
    ------
    SettingError
        For a reverse fit to a density that JAX cannot trace, or a function without `n_features`.
    NonFiniteError
        If the loss stops being finite; the message says at which step.

    References
    ----------
    Kucukelbir, Tran, Ranganath, Gelman and Blei, "Automatic differentiation variational inference", JMLR 18
    (2017). Minka, "Divergence measures and message passing" (2005), on the two directions.

    Examples
    --------
    >>> def log_prob(x):  # N(3, 0.5^2), unnormalised
    ...     return -2 * (x[0] - 3) ** 2
    >>> fit = fit_variational(log_prob, 1, random_state=0)
    >>> bool(abs(fit.density.mean[0] - 3) < 0.01), fit.outcome.value
    (True, 'converged')
    """
    options = Options(
        check_count("batch_size", batch_size, at_least=2),
        check_number("learning_rate", learning_rate, above=0),
        check_count("max_steps", max_steps),
        check_number("tol", tol, above=0),
    )
    generator = generator_from(random_state)
    n_components = check_count("n_components", n_components)
    begin = choose("family", family, FAMILIES).start
    aimed = choose("direction", direction, DIRECTIONS)
    target = known_of(log_prob, n_features, generator)
    start = where_to_begin(target, centre, scale, n_components, generator)
    with double_precision():
        begun = begin(*(jnp.asarray(place) for place in start))
        aim = aimed(target, start)
        fitted, outcome, history = _descend(aim, begun, key_from(generator), options, progress)
    bound = None if target.log_prob is None else elbo(target.log_prob, fitted, random_state=generator)
    return VariationalFit(fitted, bound, outcome, len(history) * STEPS_A_ROUND, history)


class Options(NamedTuple):
    """How to descend."""

    batch_size: int
    learning_rate: float
    max_steps: int
    tol: float


def _descend(
    aim: Direction, q: Any, key: jax.Array, options: Options, progress: Progress
) -> tuple[Any, Outcome, tuple[float, ...]]:
    """Rounds of steps until the loss stops falling at the last learning rate, or they end; the best q."""
    watch_key, key = jax.random.split(key)
    state = optax.scale_by_adam().init(q)
    best, lowest, idle, cuts, history = q, math.inf, 0, 0, []
    n_rounds = -(-options.max_steps // STEPS_A_ROUND)
    for number in range(n_rounds):
        rate = jnp.asarray(options.learning_rate / 3**cuts)
        q, state, losses = _round(aim, q, state, jax.random.fold_in(key, number), rate, options.batch_size)
        watched = float(_watched(aim, q, watch_key))
        _check_finite(np.append(np.asarray(losses), watched), number * STEPS_A_ROUND)
        history.append(watched)
        progress(
            min((number + 1) * STEPS_A_ROUND, options.max_steps), options.max_steps, f"loss {watched:.4f}"
        )
        idle = 0 if watched < lowest - options.tol else idle + 1
        if watched < lowest:
            best, lowest = q, watched
        if idle >= PATIENCE:
            idle, cuts = 0, cuts + 1
        if cuts > CUTS:
            break
    outcome = Outcome.CONVERGED if cuts > CUTS else Outcome.STEPS_ENDED
    return jax.tree.map(np.asarray, best), outcome, tuple(history)


@eqx.filter_jit
def _round(
    aim: Direction, q: Any, state: Any, key: jax.Array, rate: jax.Array, batch_size: int
) -> tuple[Any, Any, jax.Array]:
    adam = optax.scale_by_adam()

    def step(carry: tuple[Any, Any], step_key: jax.Array) -> tuple[tuple[Any, Any], jax.Array]:
        q, state = carry
        loss, gradient = jax.value_and_grad(lambda q: aim.loss(q, step_key, batch_size))(q)
        updates, state = adam.update(gradient, state)
        return (jax.tree.map(lambda leaf, change: leaf - rate * change, q, updates), state), loss

    (q, state), losses = jax.lax.scan(step, (q, state), jax.random.split(key, STEPS_A_ROUND))
    return q, state, losses


@eqx.filter_jit
def _watched(aim: Direction, q: Any, key: jax.Array) -> jax.Array:
    return aim.loss(q, key, N_WATCHED)


def _check_finite(losses: np.ndarray, first_step: int) -> None:
    if not np.isfinite(losses).all():
        step = int(np.argmin(np.isfinite(losses)))
        raise NonFiniteError(
            f"the loss is {losses[step]} at step {first_step + step}",
            "begin where the target is positive (centre, scale), or lower learning_rate",
        )
