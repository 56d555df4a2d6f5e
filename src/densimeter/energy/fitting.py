"""A fit from rows to a normalised density: scale, fit bases, train the tilt, finish it, estimate log Z."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import numpy as np

from densimeter.energy import density as densities
from densimeter.energy.base import Base, FitBase
from densimeter.energy.checkpoint import Checkpoint, fingerprint
from densimeter.energy.crossfit import Parts, Split, counts_from, hold_out
from densimeter.energy.density import TiltedDensity
from densimeter.energy.networks import make_network
from densimeter.energy.normalizer import estimate_log_z
from densimeter.energy.objectives import OBJECTIVES
from densimeter.energy.proposal import PROPOSALS
from densimeter.energy.settings import Settings
from densimeter.energy.stacked_base import StackedBase, StackedFit
from densimeter.energy.tilt import FinishedTilt, Tilt
from densimeter.energy.training import Best, Folds, Plan, advance, start, train
from densimeter.energy.validation import Validation
from densimeter.foundations.errors import DataError, DensimeterWarning
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.precision import computing_in
from densimeter.foundations.progress import Progress
from densimeter.foundations.randomness import RandomState, generator_from, key_from
from densimeter.foundations.scaling import ColumnScaling
from densimeter.foundations.tracing import users_code

FEWEST_EFFECTIVE_DRAWS = 50.0
"""Fewer effective draws per step than this, and the gradient of log Z hangs on a handful of points."""


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves: the density of the scaled rows, its log Z, and how it came about."""

    density: TiltedDensity
    scaling: ColumnScaling
    log_normalizer: Estimate
    best: Best


@dataclass(frozen=True)
class Trained:
    """A tilt, the way its bases were fitted, and the mean log-density of the scaled validation rows.

    The latter is that of a base which has not seen them and of its tilt, nats per row.
    """

    fit_base: FitBase
    best: Best
    validation_score: float


@dataclass(frozen=True)
class Trainer:
    """What every tilt of one fit shares: the rows in their parts, the settings, and the random key."""

    split: Split
    parts: Parts
    settings: Settings
    key: jax.Array

    def train(self, fit_base: FitBase, unseen: Base, folder: Path | None, progress: Progress) -> Trained:
        """A tilt on cross-fitted bases, stopped early on the validation rows, which `unseen` has not seen."""
        folds = self.parts.cross_fit(fit_base)
        with computing_in(np.float32):
            for_points, for_network, for_steps = jax.random.split(self.key, 3)
            validation = Validation.of(self.split.validation, unseen, for_points)
            network = make_network(for_network, unseen.n_features, self.settings.architecture)
            tilt = Tilt(network, self.settings.bound)
            best = _train_or_resume(tilt, folds, validation, self.settings.plan, folder, for_steps, progress)
        return Trained(fit_base, best, self.base_score(unseen) + best.gain)

    def base_score(self, base: Base) -> float:
        """Mean log-density of the validation rows under a base alone, nats."""
        return float(base.log_probs(self.split.validation).mean())


def fit_tilted_density(
    X: np.ndarray,
    weights: np.ndarray | None,
    X_val: np.ndarray | None,
    settings: Settings,
    random_state: RandomState,
    progress: Progress,
) -> Fitted:
    """Fit the rows ``(n, d)`` with their weights ``(n,)``; see `EnergyModel.fit`."""
    rng = generator_from(random_state)
    counts = None if weights is None else counts_from(weights, rng)
    if counts is not None:
        X, counts = X[counts > 0], counts[counts > 0]
    if len(X) < 2:
        raise DataError("a single row has all the weight, or nearly", "give more than one row its weight")
    scaling = ColumnScaling.of(X, counts)
    Z = scaling.apply(X)
    split = (
        hold_out(Z, settings.validation_fraction, rng, counts)
        if X_val is None
        else Split(Z, counts, scaling.apply(X_val), held_out=False)
    )
    key = key_from(rng)
    choose = settings.choose_base
    n_choice = choose.n_rows(*split.distinct.shape)
    if n_choice == 1:
        raise DataError(f"{len(X)} rows are too few to choose a base on", "give more, or base='gaussian'")
    parts = Parts.cut(split.distinct, n_choice, settings.n_folds, rng, split.counts)
    fit_base = choose(parts.for_choice, scaling, rng)
    trained = _best_tilt(Trainer(split, parts, settings, key), fit_base, progress)
    _say_if_draws_were_few(trained.best, settings.plan.n_proposals)
    density = finish(_simplest(trained.fit_base(split.everything)), trained.best, split)
    log_z = estimate_log_z(density, settings.precision, jax.random.fold_in(key, 1))
    return Fitted(density, scaling, log_z, trained.best)


def _best_tilt(trainer: Trainer, fit_base: FitBase, progress: Progress) -> Trained:
    """The tilt of the bases; of a stack's mixture alone, too, and then the one that validates better.

    A kernel estimate may be the better base and yet leave edges that a tilt of the mixture draws. Where the
    tilted mixture is already above the untilted stack, the stack is not tilted: it costs as much again.
    """
    folder, training = trainer.settings.checkpoint, trainer.split.training
    if not isinstance(fit_base, StackedFit):
        return trainer.train(fit_base, fit_base(training), folder, progress)
    stack, mixture = fit_base(training), fit_base.fit_mixture(training)
    if float(stack.share) == 0:
        return trainer.train(fit_base.fit_mixture, mixture, folder, progress)
    alone = trainer.train(fit_base.fit_mixture, mixture, folder, _half(progress, 0))
    if alone.validation_score >= trainer.base_score(stack):
        return alone
    stacked = trainer.train(fit_base, stack, folder and folder / "stacked", _half(progress, 1))
    return max(stacked, alone, key=lambda trained: trained.validation_score)


def _half(progress: Progress, which: int) -> Progress:
    """A listener for one of two runs; the second may not come."""

    def listen(done: int, total: int, message: str = "") -> None:
        progress(which * total + done, 2 * total, message)

    return listen


def _simplest(base: Base) -> Base:
    """Without the parts of a stack that have no share."""
    return base.simplest() if isinstance(base, StackedBase) else base


def _train_or_resume(
    tilt: Tilt,
    folds: Folds,
    validation: Validation,
    plan: Plan,
    folder: Path | None,
    key: jax.Array,
    progress: Progress,
) -> Best:
    _check_own_parts(tilt, folds, plan, key)
    state, best = start(tilt, folds, plan, key), Best(tilt)
    if folder is None:
        return train(state, best, folds, validation, plan, key, progress=progress)
    run = fingerprint(state, folds, validation, jax.random.key_data(key), plan)
    checkpoint = Checkpoint(folder, run)
    state, best = checkpoint.resume(state, best)
    return train(state, best, folds, validation, plan, key, keep=checkpoint.save, progress=progress)


def _check_own_parts(tilt: Tilt, folds: Folds, plan: Plan, key: jax.Array) -> None:
    """An objective or a proposal of the user's own is traced once before it is compiled.

    Raises
    ------
    SettingError
        If JAX cannot.
    """
    ours = {type(part) for part in (*OBJECTIVES.values(), *PROPOSALS.values())}
    if {type(plan.objective), type(plan.proposal)} <= ours:
        return
    with users_code("the objective or the proposal"):
        state = eqx.filter_eval_shape(start, tilt, folds, plan, key)
        eqx.filter_eval_shape(advance, state, folds, plan, key)


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
    seen = np.concatenate([split.training, split.validation])
    highest = densities.tilts(density, seen).max() if best.strength > 0 else np.float64(0)
    return TiltedDensity(base, FinishedTilt(best.tilt, uncapped.strength, highest)).in_double_precision()
