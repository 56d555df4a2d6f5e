"""How a `GaussianMixture` is kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densimeter.foundations.randomness import generator_from
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.estimator import GaussianMixture
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.fitted import FittedMixture
from densimeter.mixture.fitting import is_proper
from densimeter.mixture.starts import STARTS
from densimeter.storage.contract import Kind, Values
from densimeter.storage.fields import Array, Either, Former, Group, Later, maybe
from densimeter.storage.plain import Count, Flag, Number, Seed, Word
from densimeter.storage.record import Field, UnfitError

DENSITY: Mapping[str, Field] = {
    "weights": Array(("k",), double=False),
    "means": Array(("k", "d"), double=False),
    "covariances": Array(double=False),
    "precisions": Array(double=False),
    "precisions_cholesky": Array(double=False),
}
"""What the density of every mixture is made of, as attributes with an underscore.

The shape of the last three is that of the covariance type, and checked when the mixture is restored."""

SETTINGS: Mapping[str, Field] = {
    "n_components": Count(at_least=1),
    "covariance_type": Word(FAMILIES),
    "tol": Number(at_least=0),
    "reg_covar": Number(at_least=0),
    "max_iter": Count(at_least=1),
    "n_init": Count(at_least=1),
    "init_params": Word(STARTS),
    "random_state": Seed(),
    "warm_start": Flag(),
    "verbose": Either({"flag": Flag(), "level": Count()}),
    "verbose_interval": Count(),
}
"""The constructor's parameters that all mixtures have."""


def take_density_apart(model: FittedMixture) -> Values:
    """The values of `DENSITY`."""
    return {name: getattr(model, f"{name}_") for name in DENSITY}


def restore_density(model: FittedMixture, values: Values) -> None:
    """Give a mixture the values of `DENSITY`.

    Raises
    ------
    UnfitError
        If they are not a distribution over Gaussians.
    """
    k, d = values["means"].shape
    family: Family = FAMILIES[model.covariance_type]
    for name in ("covariances", "precisions", "precisions_cholesky"):
        if values[name].shape != family.shape(d, k):
            raise UnfitError(f"{name} has a shape that is not of {model.covariance_type} covariances")
    weights, factors = values["weights"], np.asarray(values["precisions_cholesky"], np.float64)
    if not ((weights >= 0).all() and abs(float(weights.sum(dtype=np.float64)) - 1) < 1e-3):
        raise UnfitError("the weights are no distribution")
    if not is_proper(
        family, Parameters(*(np.asarray(values[name], np.float64) for name in list(DENSITY)[:3]))
    ):
        raise UnfitError("a covariance is not positive definite")
    if not np.isfinite(family.log_determinants(factors, d, k)).all():
        raise UnfitError("a factor of a precision is not positive")
    for name in DENSITY:
        setattr(model, f"{name}_", values[name])
    model._generator = generator_from(model.random_state)  # type: ignore[attr-defined]


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
)
