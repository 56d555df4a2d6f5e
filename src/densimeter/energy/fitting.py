"""A fit from rows to a normalised density: scale, fit bases, train the tilt, finish it, estimate log Z."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from numbers import Integral

import jax
import numpy as np

from densimeter.energy import density as densities
from densimeter.energy.base import Base
from densimeter.energy.checkpoint import Checkpoint, fingerprint
from densimeter.energy.crossfit import Split, cross_fit, hold_out
from densimeter.energy.density import TiltedDensity
from densimeter.energy.networks import make_network
from densimeter.energy.normalizer import estimate_log_z
from densimeter.energy.settings import Settings
from densimeter.energy.stacked_base import ChooseStacked, StackedBase
from densimeter.energy.tilt import FinishedTilt, Tilt
from densimeter.energy.training import Best, Folds, start, train
from densimeter.energy.validation import Validation
from densimeter.foundations.errors import DensimeterWarning
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.precision import computing_in
from densimeter.foundations.progress import Progress
from densimeter.foundations.randomness import RandomState, generator_from, key_from
from densimeter.foundations.scaling import ColumnScaling

FEWEST_EFFECTIVE_DRAWS = 50.0
"""Fewer effective draws per step than this, and the gradient of log Z hangs on a handful of points."""


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves: the density of the scaled rows, its log Z, and how it came about."""

    density: TiltedDensity
    scaling: ColumnScaling
    log_normalizer: Estimate
    best: Best
    validation_score: float
    """Of the scaled validation rows under a base that has not seen them, and its tilt, nats per row."""


def fit_tilted_density(
    X: np.ndarray, X_val: np.ndarray | None, settings: Settings, random_state: RandomState, progress: Progress
) -> Fitted:
    """Fit the rows ``(n, d)``; see `EnergyModel.fit`.

    Where a kernel estimate has a share in a stacked base, the mixture is tilted without it, too, and the
    model that the validation rows like better is kept: a kernel estimate may be the better base and yet leave
    edges that a tilt of the mixture would have drawn.
    """
    if not isinstance(settings.choose_base, ChooseStacked):
        return _fit(X, X_val, settings, random_state, progress)
    seed = random_state if isinstance(random_state, Integral) else _seed_from(random_state)
    stacked = _fit(X, X_val, settings, seed, _half(progress, 0))
    if not isinstance(stacked.density.base, StackedBase):
        return stacked
    folder = None if settings.checkpoint is None else settings.checkpoint / "mixture"
    of_mixture = replace(settings, choose_base=settings.choose_base.choose_mixture, checkpoint=folder)
    alone = _fit(X, X_val, of_mixture, seed, _half(progress, 1))
    return max((stacked, alone), key=lambda fitted: fitted.validation_score)


def _seed_from(random_state: RandomState) -> int:
    """One seed for both fits, so that they see the same parts of the rows."""
    return int(generator_from(random_state).integers(2**31))


def _half(progress: Progress, which: int) -> Progress:
    """A listener for one of two runs; the second may not come."""

    def listen(done: int, total: int, message: str = "") -> None:
        progress(which * total + done, 2 * total, message)

    return listen


def _fit(
    X: np.ndarray, X_val: np.ndarray | None, settings: Settings, random_state: RandomState, progress: Progress
) -> Fitted:
    rng = generator_from(random_state)
    scaling = ColumnScaling.of(X)
    Z = scaling.apply(X)
    split = (
        hold_out(Z, settings.validation_fraction, rng)
        if X_val is None
        else Split(Z, scaling.apply(X_val), held_out=False)
    )
    key = key_from(rng)
    folds, fit_base = cross_fit(settings.choose_base, split.training, scaling, settings.n_folds, rng)
    unseen = fit_base(split.training)
    with computing_in(np.float32):
        for_points, for_network, for_steps = jax.random.split(key, 3)
        validation = Validation.of(split.validation, unseen, for_points)
        network = make_network(for_network, Z.shape[1], settings.architecture)
        tilt = Tilt(network, settings.bound)
        best = _train_or_resume(tilt, folds, validation, settings, for_steps, progress)
    _say_if_draws_were_few(best, settings.plan.n_proposals)
    density = finish(_simplest(fit_base(split.everything)), best, split)
    log_z = estimate_log_z(density, settings.precision, jax.random.fold_in(key, 1))
    validation_score = float(unseen.log_probs(split.validation).mean()) + best.gain
    return Fitted(density, scaling, log_z, best, validation_score)


def _simplest(base: Base) -> Base:
    """Without the parts of a stack that have no share."""
    return base.simplest() if isinstance(base, StackedBase) else base


def _train_or_resume(
    tilt: Tilt, folds: Folds, validation: Validation, settings: Settings, key: jax.Array, progress: Progress
) -> Best:
    state, best = start(tilt, folds, settings.plan, key), Best(tilt)
    if settings.checkpoint is None:
        return train(state, best, folds, validation, settings.plan, key, progress=progress)
    run = fingerprint(state, folds, validation, jax.random.key_data(key), settings.plan)
    checkpoint = Checkpoint(settings.checkpoint, run)
    state, best = checkpoint.resume(state, best)
    return train(state, best, folds, validation, settings.plan, key, keep=checkpoint.save, progress=progress)


def _say_if_draws_were_few(best: Best, n_proposals: int) -> None:
    chosen = next((told for told in best.history if told["step"] == best.step), None)
    if chosen is None or chosen["effective_share"] * n_proposals >= FEWEST_EFFECTIVE_DRAWS:
        return
    warnings.warn(
        DensimeterWarning(
            f"of {n_proposals} draws per step only {chosen['effective_share'] * n_proposals:.0f} counted: "
            "the gradient of log Z was poor",
            "use base='mixture', proposal='defensive', a smaller tilt_bound, or more n_proposals",
        ),
        stacklevel=4,
    )


def finish(base: Base, best: Best, split: Split) -> TiltedDensity:
    """The density in float64, its tilt weakened as validated and capped at the highest value met."""
    uncapped = FinishedTilt(best.tilt, np.float64(best.strength), np.float64(np.inf))
    density = TiltedDensity(base, uncapped).in_double_precision()
    highest = densities.tilts(density, np.concatenate([split.training, split.validation])).max()
    return TiltedDensity(base, FinishedTilt(best.tilt, uncapped.strength, highest)).in_double_precision()
