"""Samples of the model: exact by rejection from the base, or by Markov chains, which is said."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.density import TiltedDensity
from densimeter.energy.transitions import TARGET_ACCEPTANCE, mala
from densimeter.foundations.errors import DensimeterWarning, FitError
from densimeter.foundations.padding import bucket_size
from densimeter.foundations.precision import double_precision

BLOCK = 8192
"""Draws of the base at a time."""

LOWEST_ACCEPTANCE = 1e-3
"""Below this share of accepted draws rejection gives way to Markov chains."""

PATIENCE = 20
"""Times the expected number of draws, after which rejection gives up."""

DRAWS_PER_CHAIN = 16
"""Draws of the base among which each chain's start is resampled."""

N_TUNING, N_TRANSITIONS = 20, 100
"""Rounds of five steps in which the step size is tuned, and steps taken with it afterwards."""


@dataclass(frozen=True)
class Drawn:
    """Rows ``(n_samples, n_features)``, how they were drawn, and the share of proposals accepted.

    `is_exact` says whether the rows are independent draws of the very density. If they are not, `acceptance`
    is that of the Markov chains.
    """

    rows: np.ndarray
    acceptance: float
    is_exact: bool
    method: str


def draw(density: TiltedDensity, log_z: float, key: jax.Array, n_samples: int) -> Drawn:
    """Rows of the density whose log Z is given: by rejection, unless hardly any draw would be accepted.

    Raises
    ------
    FitError
        If far fewer draws are accepted than log Z foretells, or rows are not finite: the density is broken.

    Warns
    -----
    DensimeterWarning
        If the rows are not exact draws.
    """
    with double_precision():
        if math.exp(log_z - float(density.tilt.ceiling)) >= LOWEST_ACCEPTANCE:
            return _draw_by_rejection(density, log_z, key, n_samples)
        drawn = _draw_by_chains(density, key, n_samples)
    warnings.warn(
        DensimeterWarning(
            f"rejection would accept fewer than {LOWEST_ACCEPTANCE:g} of its draws; these samples are "
            f"resampled draws of the base after {N_TRANSITIONS} MALA steps, {drawn.acceptance:.0%} accepted",
            "for exact samples use a base nearer to the data, or a smaller tilt_bound",
        ),
        stacklevel=3,
    )
    return drawn


def _draw_by_rejection(density: TiltedDensity, log_z: float, key: jax.Array, n_samples: int) -> Drawn:
    """A draw x of the base stays with probability ``exp(t(x) - ceiling)`` (von Neumann, 1951).

    Expected cost: ``n_samples exp(ceiling) / Z`` draws of the base, and at most `PATIENCE` times as many.
    """
    foretold = math.exp(min(log_z - float(density.tilt.ceiling), 0.0))
    most = PATIENCE * (1 + math.ceil(n_samples / (foretold * BLOCK)))
    kept: list[np.ndarray] = []
    n_kept = n_blocks = 0
    while n_kept < n_samples:
        if n_blocks == most:
            raise FitError(
                f"of {n_blocks * BLOCK:,} draws of the base {n_kept:,} were accepted, where log Z foretells "
                f"{foretold:.2g} of them",
                "fit the model anew: its log Z does not belong to its tilt",
            )
        points, accepted = _propose(density, jax.random.fold_in(key, n_blocks))
        kept.append(np.asarray(points)[np.asarray(accepted)])
        n_kept += len(kept[-1])
        n_blocks += 1
    rows = _checked(np.concatenate(kept)[:n_samples])
    return Drawn(rows, n_kept / (n_blocks * BLOCK), True, "rejection")


def _checked(rows: np.ndarray) -> np.ndarray:
    if not np.isfinite(rows).all():
        raise FitError("rows drawn from the model are not finite", "fit the model anew: its base is broken")
    return rows


@eqx.filter_jit
def _propose(density: TiltedDensity, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    for_points, for_coins = jax.random.split(key)
    points = density.base.sample(for_points, BLOCK)
    log_coins = jnp.log1p(-jax.random.uniform(for_coins, (BLOCK,), points.dtype))
    return points, log_coins <= jax.vmap(density.tilt)(points) - density.tilt.ceiling


def _draw_by_chains(density: TiltedDensity, key: jax.Array, n_samples: int) -> Drawn:
    """Draws of the base resampled by their weights (Rubin, 1987), then moved by MALA."""
    rows, acceptance = _chains(density, key, bucket_size(n_samples))
    method = f"resampling and {N_TRANSITIONS} MALA steps"
    return Drawn(_checked(np.asarray(rows)[:n_samples]), float(acceptance), False, method)


@eqx.filter_jit
def _chains(density: TiltedDensity, key: jax.Array, n_chains: int) -> tuple[jax.Array, jax.Array]:
    for_draws, for_choice, for_tuning, for_moves = jax.random.split(key, 4)
    draws = density.base.sample(for_draws, DRAWS_PER_CHAIN * n_chains)
    chosen = jax.random.categorical(for_choice, jax.vmap(density.tilt)(draws), shape=(n_chains,))

    def tune(carry: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
        positions, log_step = carry
        positions, acceptance = mala(density.log_prob_above_log_z, positions, jnp.exp(log_step), key, 5)
        return (positions, log_step + acceptance - TARGET_ACCEPTANCE), None

    begin = (draws[chosen], jnp.log(jnp.asarray(1e-2, draws.dtype)))
    (positions, log_step), _ = jax.lax.scan(tune, begin, jax.random.split(for_tuning, N_TUNING))
    return mala(density.log_prob_above_log_z, positions, jnp.exp(log_step), for_moves, N_TRANSITIONS)
