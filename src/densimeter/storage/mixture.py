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
from densimeter.mixture.frame import Frame
from densimeter.mixture.online import Online
from densimeter.mixture.starts import STARTS
from densimeter.mixture.statistics import ExpectedSums
from densimeter.storage.contract import Kind, Values
from densimeter.storage.fields import Array, Either, Group, maybe
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
    "location": Array(("d",)),
    "scale": Array(("d",)),
    "spread": Array(("d",)),
    "weights": Array((1, "k")),
    "means": Array((1, "k", "d")),
    "covariances": Array(),
    "sums": Array((1, "k", None)),
    "log_likelihood": Array((1,)),
    "weight": Number(above=0),
    "n_batches": Count(at_least=1),
}
"""The running statistics of `partial_fit`."""

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
    online = getattr(model, "_online", None)
    return {
        **take_density_apart(model),
        "outcome": outcome if outcome["converged"] is not None else None,
        "online": None if online is None else _take_online_apart(online),
    }


def _take_online_apart(online: Online) -> Values:
    frame, inner, statistics = online.frame, online.inner, online.statistics
    assert statistics is not None  # of the first batch at least
    return {
        **{name: getattr(frame, name) for name in ("location", "scale", "spread")},
        **inner._asdict(),
        **{name: getattr(statistics, name) for name in ("sums", "log_likelihood", "weight")},
        "n_batches": online.n_batches,
    }


def _restore(model: GaussianMixture, values: Values) -> None:
    restore_density(model, values)
    if values["outcome"] is not None:
        for name, value in values["outcome"].items():
            setattr(model, f"{name}_", value)
        model._online = None if values["online"] is None else _online(model, values["online"])
    elif values["online"] is not None:
        raise UnfitError("there are statistics of a fit, and no fit")


def _online(model: GaussianMixture, values: Values) -> Online:
    family, (k, d) = FAMILIES[model.covariance_type], model.means_.shape
    if model.n_components != k:
        raise UnfitError(f"n_components is {model.n_components} for {k} components")
    if values["covariances"].shape != (1, *family.shape(d, k)):
        raise UnfitError("the running covariances have the shape of another covariance type")
    if values["sums"].shape[-1] != family.n_terms(d):
        raise UnfitError("the running sums have the shape of another covariance type")
    if not ((values["scale"] > 0).all() and (values["spread"] > 0).all()):
        raise UnfitError("a scale is not positive")
    return Online(
        model._recipe(d, None),
        Frame(values["location"], values["scale"], values["spread"]),
        Parameters(values["weights"], values["means"], values["covariances"]),
        ExpectedSums(values["sums"], values["log_likelihood"], float(values["weight"])),
        values["n_batches"],
    )


KIND = Kind(
    "GaussianMixture",
    GaussianMixture,
    {
        **SETTINGS,
        "weights_init": maybe(Array((None,))),
        "means_init": maybe(Array((None, "d"))),
        "precisions_init": maybe(Array()),
    },
    {**DENSITY, "outcome": maybe(Group(_OUTCOME)), "online": maybe(Group(_ONLINE))},
    _take_apart,
    _restore,
)
