"""How a `GaussianMixture` is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from densimeter.foundations.randomness import generator_from
from densimeter.mixture import density
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.estimator import GaussianMixture
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.fitting import is_proper
from densimeter.mixture.frame import AUTOMATIC
from densimeter.mixture.iterated import IteratedMixture
from densimeter.mixture.starts import STARTS
from densimeter.storage.contract import Derived, Kind, Values
from densimeter.storage.fields import Array, Either, Former, Group, Later, maybe
from densimeter.storage.plain import Count, Flag, Number, NumberOrWord, Seed, Word
from densimeter.storage.record import Field, UnfitError

DENSITY: Mapping[str, Field] = {
    "weights": Array(("k",), double=False),
    "means": Array(("k", "d"), double=False),
    "covariances": Array(double=False),
}
"""What the density of every mixture is made of, as attributes with an underscore.

The shape of the last is that of the covariance type, and checked when the mixture is restored."""

DERIVED: Mapping[str, Derived] = {
    "precisions": Derived(Array(double=False), lambda model: model.precisions_),
    "precisions_cholesky": Derived(Array(double=False), lambda model: model.precisions_cholesky_),
}
"""What follows from the covariances."""

ASYMMETRY = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-5}
"""Of a covariance, relative to the two standard deviations; rounding leaves less."""

WEIGHTS_OFF = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-5}
"""By which the sum of the weights may miss one, which is what the mass of the density is then."""

SETTINGS: Mapping[str, Field] = {
    "n_components": Count(at_least=1),
    "covariance_type": Word(FAMILIES),
    "tol": Number(at_least=0),
    "reg_covar": NumberOrWord(at_least=0, words=(AUTOMATIC,)),
    "max_iter": Count(),
    "n_init": Count(at_least=1),
    "init_params": Word(STARTS),
    "random_state": Seed(),
    "warm_start": Flag(),
    "verbose": Either({"flag": Flag(), "level": Count()}),
    "verbose_interval": Count(),
}
"""The constructor's parameters that all mixtures have."""


def take_density_apart(model: IteratedMixture) -> Values:
    """The values of `DENSITY`."""
    return {name: getattr(model, f"{name}_") for name in DENSITY}


def restore_density(model: IteratedMixture, values: Values) -> None:
    """Give a mixture the values of `DENSITY`.

    Raises
    ------
    UnfitError
        If they are not a distribution over Gaussians.
    """
    k, d = values["means"].shape
    family: Family = FAMILIES[model.covariance_type]
    if values["covariances"].shape != family.shape(d, k):
        raise UnfitError(f"covariances has a shape that is not of {model.covariance_type} covariances")
    weights = values["weights"]
    if not ((weights >= 0).all() and abs(math.fsum(weights) - 1) < WEIGHTS_OFF[weights.dtype]):
        raise UnfitError("the weights are no distribution")
    if not is_proper(family, Parameters(*(np.asarray(values[name], np.float64) for name in DENSITY))):
        raise UnfitError("a covariance is not positive definite")
    for name in DENSITY:
        setattr(model, f"{name}_", values[name])
    model._store_precisions()
    matrices = family.as_full(values["covariances"], d, k)
    widths = np.sqrt(np.diagonal(matrices, axis1=-2, axis2=-1))
    _check_symmetric(matrices, widths)
    check_in_range(
        family,
        np.asarray(weights, np.float64),
        np.asarray(values["means"], np.float64),
        np.asarray(widths, np.float64),
        np.asarray(model.precisions_cholesky_, np.float64),
    )
    model._generator = generator_from(model.random_state)  # type: ignore[attr-defined]


def _check_symmetric(covariances: np.ndarray, widths: np.ndarray) -> None:
    skew = np.abs(covariances - np.swapaxes(covariances, -1, -2))
    if not (skew <= ASYMMETRY[covariances.dtype] * widths[:, :, None] * widths[:, None, :]).all():
        raise UnfitError("a covariance is not symmetric")


def check_in_range(
    family: Family, weights: np.ndarray, means: np.ndarray, widths: np.ndarray, factors: np.ndarray
) -> None:
    """Whether the density can be computed at all where the mixture has its rows.

    `widths` are standard deviations ``(K, d)``, `factors` those of the precisions.

    Raises
    ------
    UnfitError
        If it overflows there.
    """
    present = weights > 0
    if not (widths >= np.spacing(np.abs(means)))[present].all():
        raise UnfitError("a component is narrower than the spacing of numbers at its mean")
    rows = np.concatenate([means, means + widths, means - widths])
    scores = density.normalise(density.log_joint(family, rows, weights, means, factors))[0]
    if not (np.isfinite(rows).all() and np.isfinite(scores[np.tile(present, 3)]).all()):
        raise UnfitError("a mean or a covariance is out of range")


_ONLINE: Mapping[str, Field] = {
    **dict.fromkeys(("location", "scale", "spread"), Array(("d",))),
    **dict.fromkeys(("weights", "means", "covariances", "sums", "log_likelihood"), Array()),
    "weight": Number(above=0),
    "n_batches": Count(at_least=1),
}
"""The running statistics that older files hold. They do not tell of how many rows, and are not used."""

_HELD: Mapping[str, Field] = {
    "rows": Array((None, "d"), double=False, finite=False),
    "weights": Array((None,), double=False),
}
"""The first rows of a stream."""

_OUTCOME: Mapping[str, Field] = {
    "converged": Flag(),
    "n_iter": Count(),
    "lower_bound": Number(),
    "lower_bounds": Array((None,), finite=False),
    "restart_bounds": Array((None,), finite=False),
    "on_floor": Later(maybe(Array(("k",)))),
}
"""How a fit ended; a mixture that was made of given parameters has none."""


def _take_apart(model: GaussianMixture) -> Values:
    outcome = {name: getattr(model, f"{name}_", None) for name in _OUTCOME}
    return {
        **take_density_apart(model),
        "outcome": outcome if outcome["converged"] is not None else None,
        "seen": model._seen,
        "held": None if model._held is None else dict(zip(_HELD, model._held, strict=True)),
        "online": None,
    }


def _restore(model: GaussianMixture, values: Values) -> None:
    restore_density(model, values)
    if values["outcome"] is not None:
        for name, value in values["outcome"].items():
            setattr(model, f"{name}_", value)
        floor = values["outcome"]["on_floor"]
        model.on_floor_ = np.zeros(len(model.weights_), bool) if floor is None else floor != 0
    elif values["seen"] is not None or values["held"] is not None:
        raise UnfitError("there are rows of a fit, and no fit")
    model._seen = values["seen"]
    if values["held"] is not None:
        rows, weights = (values["held"][name] for name in _HELD)
        if len(rows) != len(weights) or np.isinf(rows).any() or not (weights > 0).all():
            raise UnfitError("the rows held have no weights of their own")
        if model.n_components != len(model.means_):
            raise UnfitError(f"n_components is {model.n_components} for {len(model.means_)} components")
        model._held = rows, weights


KIND = Kind(
    "GaussianMixture",
    GaussianMixture,
    {
        **SETTINGS,
        "weights_init": maybe(Array((None,))),
        "means_init": maybe(Array((None, "d"))),
        "precisions_init": maybe(Array()),
    },
    {
        **DENSITY,
        "outcome": maybe(Group(_OUTCOME)),
        "seen": Later(maybe(Number(above=0))),
        "held": Later(maybe(Group(_HELD))),
        "online": Former(maybe(Group(_ONLINE))),
    },
    _take_apart,
    _restore,
    DERIVED,
)
