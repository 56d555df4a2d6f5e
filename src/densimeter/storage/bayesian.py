"""How a `BayesianGaussianMixture` is kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densimeter.mixture.bayesian import BayesianGaussianMixture
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitting import is_proper
from densimeter.mixture.priors import WEIGHT_PRIORS, Prior
from densimeter.storage.contract import Kind, Values
from densimeter.storage.fields import Array, Either, Group, maybe
from densimeter.storage.mixture import (
    DENSITY,
    DERIVED,
    SETTINGS,
    WEIGHTS_OFF,
    restore_density,
    take_density_apart,
)
from densimeter.storage.plain import Count, Flag, Number, Word
from densimeter.storage.record import Field, UnfitError

_POSITIVE = Number(above=0)

_PRIOR: Mapping[str, Field] = {
    "weights": Word(WEIGHT_PRIORS),
    "concentration": _POSITIVE,
    "mean": Array(("d",)),
    "mean_precision": _POSITIVE,
    "degrees_of_freedom": _POSITIVE,
    "covariance": Array(),
    "blur": Array(("d",)),
}

_POSTERIOR: Mapping[str, Field] = {
    "concentration": Array((None, "k"), double=False),
    "mean_precision": Array(("k",), double=False),
    "degrees_of_freedom": Array(double=False),
}

_OUTCOME: Mapping[str, Field] = {
    "converged": Flag(),
    "n_iter": Count(),
    "lower_bound": Number(),
    "lower_bounds": Array((None,), finite=False),
    "restart_bounds": Array((None,), finite=False),
}

_WORDS = {prior: word for word, prior in WEIGHT_PRIORS.items()}


def _take_apart(model: BayesianGaussianMixture) -> Values:
    prior = model._prior
    dtype = model.means_.dtype
    return {
        **take_density_apart(model),
        "prior": {
            "weights": _WORDS[type(prior.weights)],
            "concentration": prior.weights.concentration,
            **{
                name: getattr(prior, name)
                for name in ("mean", "mean_precision", "degrees_of_freedom", "covariance", "blur")
            },
        },
        "posterior": {
            "concentration": prior.weights.from_attribute(model.weight_concentration_).astype(dtype),
            "mean_precision": model.mean_precision_,
            "degrees_of_freedom": model.degrees_of_freedom_,
        },
        "outcome": {name: getattr(model, f"{name}_") for name in _OUTCOME},
    }


def _restore(model: BayesianGaussianMixture, values: Values) -> None:
    restore_density(model, values)
    model._store_prior(_prior(model, values["prior"]))
    posterior, (k, _) = values["posterior"], model.means_.shape
    degrees = posterior["degrees_of_freedom"]
    if degrees.shape != (() if FAMILIES[model.covariance_type].shared else (k,)):
        raise UnfitError("the degrees of freedom have the shape of another covariance type")
    if not all((part > 0).all() for part in posterior.values()):
        raise UnfitError("a parameter of the posterior is not positive")
    if len(posterior["concentration"]) != np.shape(model._prior.weights.update(np.zeros(k)))[0]:
        raise UnfitError("the concentrations are those of another prior of weights")
    weights = model._prior.weights.mean_weights(np.asarray(posterior["concentration"], np.float64))
    if not np.abs(weights - model.weights_).max() < WEIGHTS_OFF[model.weights_.dtype]:
        raise UnfitError("the weights are not those of the posterior")
    model.weight_concentration_ = model._prior.weights.to_attribute(posterior["concentration"])
    model.mean_precision_ = posterior["mean_precision"]
    model.degrees_of_freedom_ = degrees[()]
    for name, value in values["outcome"].items():
        setattr(model, f"{name}_", value)


def _prior(model: BayesianGaussianMixture, values: Values) -> Prior:
    family, d = FAMILIES[model.covariance_type], len(values["mean"])
    covariance = values["covariance"]
    one = covariance if family.shared else covariance[None]
    if one.shape != family.shape(d, 1):
        raise UnfitError("the prior covariance has the shape of another covariance type")
    if not is_proper(family, Parameters(np.ones(1), values["mean"][None], one)):
        raise UnfitError("the prior covariance is not positive definite")
    if not (values["degrees_of_freedom"] > d - 1 and (values["blur"] >= 0).all()):
        raise UnfitError("the prior has too few degrees of freedom, or a negative blur")
    return Prior(
        WEIGHT_PRIORS[values["weights"]](values["concentration"]),
        values["mean"],
        values["mean_precision"],
        values["degrees_of_freedom"],
        covariance,
        values["blur"],
    )


KIND = Kind(
    "BayesianGaussianMixture",
    BayesianGaussianMixture,
    {
        **SETTINGS,
        "weight_concentration_prior_type": Word(WEIGHT_PRIORS),
        "weight_concentration_prior": maybe(_POSITIVE),
        "mean_precision_prior": maybe(_POSITIVE),
        "mean_prior": maybe(Array((None,))),
        "degrees_of_freedom_prior": maybe(_POSITIVE),
        "covariance_prior": maybe(Either({"number": _POSITIVE, "array": Array()})),
    },
    {**DENSITY, "prior": Group(_PRIOR), "posterior": Group(_POSTERIOR), "outcome": Group(_OUTCOME)},
    _take_apart,
    _restore,
    DERIVED,
)
