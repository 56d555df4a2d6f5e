"""A fit from rows to a normalised density: scale, fit bases, train the tilt, finish it, estimate log Z."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

from densimeter.energy import density as densities
from densimeter.energy.base import FitBase, MixtureBase
from densimeter.energy.crossfit import Split, cross_fit, hold_out, validation_of
from densimeter.energy.density import TiltedDensity
from densimeter.energy.networks import make_network
from densimeter.energy.normalizer import estimate_log_z
from densimeter.energy.settings import Settings
from densimeter.energy.tilt import FinishedTilt, Tilt
from densimeter.energy.training import Best, train
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.precision import computing_in
from densimeter.foundations.progress import Progress
from densimeter.foundations.randomness import RandomState, generator_from, key_from
from densimeter.foundations.scaling import ColumnScaling

N_VALIDATION_POINTS = 2**14
"""Draws of the base that stand for it when a tilt is validated: the same draws in every round."""


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves: the density of the scaled rows, its log Z, and how it came about."""

    density: TiltedDensity
    scaling: ColumnScaling
    log_normalizer: Estimate
    history: list[dict[str, float]]
    n_steps: int
    best_step: int
    validation_gain: float


def fit_tilted_density(
    X: np.ndarray, X_val: np.ndarray | None, settings: Settings, random_state: RandomState, progress: Progress
) -> Fitted:
    """Fit the rows ``(n, d)``; see `EnergyModel.fit`."""
    rng = generator_from(random_state)
    scaling = ColumnScaling.of(X)
    Z = scaling.apply(X)
    split = (
        hold_out(Z, settings.validation_fraction, rng)
        if X_val is None
        else Split(Z, scaling.apply(X_val), held_out=False)
    )
    keys = [key_from(rng) for _ in range(4)]
    fit_base = settings.choose_base(split.training, rng)
    best = _train_tilt(split, fit_base, settings, keys[:3], progress)
    base = fit_base(split.everything)
    density = finish(base, best, split)
    log_z = estimate_log_z(density, settings.precision, keys[3])
    n_steps = int(best.history[-1]["step"])
    return Fitted(density, scaling, log_z, best.history, n_steps, best.step, best.gain)


def _train_tilt(
    split: Split, fit_base: FitBase, settings: Settings, keys: list[jax.Array], progress: Progress
) -> Best:
    unseen = fit_base(split.training)
    with computing_in(np.float32):
        folds = cross_fit(fit_base, split.training, settings.n_folds)
        validation = validation_of(split.validation, unseen, N_VALIDATION_POINTS, keys[0])
        n_features = split.training.shape[1]
        network = make_network(keys[1], n_features, settings.architecture)
        tilt = Tilt(network, settings.bound)
        return train(tilt, folds, validation, settings.plan, keys[2], progress)


def finish(base: MixtureBase, best: Best, split: Split) -> TiltedDensity:
    """The density in float64, its tilt weakened as validated and capped at the highest value met."""
    uncapped = FinishedTilt(best.tilt, np.float64(best.strength), np.float64(np.inf))
    density = TiltedDensity(base, uncapped).in_double_precision()
    highest = densities.tilts(density, split.everything).max()
    return TiltedDensity(base, FinishedTilt(best.tilt, uncapped.strength, highest)).in_double_precision()
