"""Files with a digest that fits and a content that does not: each check of each kind, one by one."""

import numpy as np
import pytest

from densimeter import storage
from densimeter.foundations.errors import DataError


def value(name, new):
    return lambda document, arrays: document["model"].update({name: new})


def array(name, change):
    return lambda document, arrays: arrays.update({name: change(arrays[name].copy())})


def cell(name, place, new):
    def change(found):
        found[place] = new
        return found

    return array(name, change)


FORGERIES = {
    # of every kind
    ("mixture", "parameters.tol is no number"): value("parameters.tol", "1e-3"),
    ("mixture", "parameters.tol is -1, out of range"): value("parameters.tol", -1),
    ("mixture", "parameters.max_iter is no whole number"): value("parameters.max_iter", 1.5),
    ("mixture", "parameters.warm_start is neither"): value("parameters.warm_start", 1),
    ("mixture", "parameters.n_init is out of range"): value("parameters.n_init", 2**70),
    ("mixture", "parameters.init_params is none of"): value("parameters.init_params", "best"),
    ("mixture", "n_features is out of range"): value("n_features", 0),
    ("mixture", "state.means has shape"): value("n_features", 3),
    ("mixture", "feature_names are not as many"): lambda document, arrays: document["model"].update(
        {"feature_names": "given", "feature_names.given": ["a"]}
    ),
    ("mixture", "feature_names is none of given, none"): value("feature_names", "import os"),
    ("mixture", "columns are not 2 different names"): lambda document, arrays: document.update(
        columns=["a", "a"]
    ),
    ("mixture", "provenance is no"): lambda document, arrays: document.update(provenance=[1]),
    # mixtures
    ("mixture", "state.weights has shape"): array("state.weights", lambda found: found[:, None]),
    ("mixture", "state.weights holds a number that is not finite"): cell("state.weights", 0, np.nan),
    ("mixture", "state.means is of type int64"): array("state.means", lambda found: found.astype(np.int64)),
    ("mixture", "state.means is of type float32"): array("state.means", np.float32),
    ("mixture", "the weights are no distribution"): cell("state.weights", 0, -0.1),
    ("mixture", "covariances has a shape that is not"): array("state.covariances", lambda found: found[0]),
    ("mixture", "a covariance is not positive definite"): cell("state.covariances", (0, 0, 0), -1.0),
    ("online mixture", "the rows held have no weights"): cell("state.held.given.weights", 0, 0.0),
    ("online mixture", "the rows held have no weights of"): array(
        "state.held.given.weights", lambda found: found[:-1]
    ),
    ("mixture", "a covariance is not symmetric"): cell("state.covariances", (0, 0, 1), 1e-3),
    ("mixture", "the weights are no distribution "): array("state.weights", lambda found: found * (1 + 1e-6)),
    ("mixture", "narrower than the spacing"): cell("state.covariances", (0,), np.eye(2) * 1e-320),
    ("mixture", "n_features is 1000000000, and there are not as many"): value("n_features", 10**9),
    ("online mixture", "n_components is 3 for 2 components"): value("parameters.n_components", 3),
    ("given mixture", "state.outcome.given.converged is missing"): value("state.outcome", "given"),
    ("bayesian", "a parameter of the posterior is not positive"): cell(
        "state.posterior.mean_precision", 0, 0.0
    ),
    ("bayesian", "those of another prior"): value("state.prior.weights", "dirichlet_distribution"),
    ("bayesian", "too few degrees of freedom"): value("state.prior.degrees_of_freedom", 0.5),
    ("bayesian", "the prior covariance is not positive definite"): cell(
        "state.prior.covariance", (0, 0), -1.0
    ),
    ("bayesian", "the weights are not those of the posterior"): array(
        "state.weights", lambda found: found[::-1]
    ),
    ("bayesian tied", "the degrees of freedom have"): array(
        "state.posterior.degrees_of_freedom", lambda found: np.array([found, found])
    ),
    # kernel estimates
    ("kernel of one width", "bandwidth.*out of range"): value("state.bandwidth.number", 1e-310),
    ("kernel of one width", "state.bandwidth.number is -1, out of range"): value(
        "state.bandwidth.number", -1
    ),
    ("kernel of a matrix", "not symmetric positive definite"): cell("state.bandwidth.matrix", (0, 1), 9.0),
    ("kernel of one width", "an origin goes with"): lambda document, arrays: (
        document["model"].update({"state.origin": "given"}),
        arrays.update({"state.origin.given": np.zeros(2)}),
    ),
    ("kernel", "the weights of the rows do not sum to one"): cell("state.rows.given.log_weights", 0, 0.5),
    ("kernel", "state.rows.given.log_weights has shape"): array(
        "state.rows.given.log_weights", lambda found: found[:-1]
    ),
    ("streamed kernel", "the box of the summary"): cell("state.stream.given.half_extent", 0, 1e9),
    ("streamed kernel", "the coefficients are not those"): cell("state.stream.given.half_extent", 0, 9e7),
    ("streamed kernel", "only a Gaussian kernel"): value("parameters.kernel", "tophat"),
    ("streamed kernel", "a weight is not positive"): cell("state.stream.given.stray_weights", 0, 0.0),
    ("streamed kernel", "the coefficients are not those of a density"): array(
        "state.stream.given.coefficients", lambda found: found + 1.0
    ),
    ("streamed kernel", "the coefficients are not those of a density "): value(
        "state.stream.given.weight", 49.0
    ),
    ("kernel of one width", "the rows are out of range of the bandwidth"): cell(
        "state.rows.given.points", (0, 0), 1e300
    ),
    # energies
    ("energy", "a scale is not positive"): cell("state.scale", 0, -1.0),
    ("energy", "the weights of the base"): cell("state.base_log_weights", 0, 1.0),
    ("energy", "a location or a scale is out of range"): cell("state.location", 0, 1e300),
    ("energy", "it claims a log Z of 0.1, and it is 0"): lambda document, arrays: (
        document["model"].update({"state.log_normalizer.value": 0.1}),
        arrays.update({"state.log_normalizer.interval": np.array([0.0, 0.2])}),
    ),
    ("energy", "state.ceiling is 1e\\+300, out of range"): value("state.ceiling", 1e300),
    ("energy", "no lower triangle with a positive diagonal"): cell("state.base_cholesky", (0, 0, 1), 1.0),
    ("energy", "the first layer does not fit"): array("state.frequencies", lambda found: found[:-1]),
    ("energy", "layer 1 of state.layers does not fit"): array(
        "state.layers.1.weight", lambda found: found[:, :-1]
    ),
    ("energy", "fewer layers are there"): value("state.layers", 10**15),
    ("energy", "do not end in one number"): value("state.layers", 1),
    ("energy", "log Z lies outside its interval"): value("state.log_normalizer.value", 500.0),
    ("energy", "state.log_normalizer.guarantee is none of"): value("state.log_normalizer.guarantee", "sworn"),
    ("energy", "state.strength is 2, out of range"): value("state.strength", 2),
    ("energy", "a step of the history is no whole number"): cell("state.history", (0, 0), 0.5),
    ("energy", "parameters.checkpoint is not kept"): value("parameters.checkpoint", "/tmp"),
    ("energy on a stack", "has no width or no centres"): cell("state.kernel.given.bandwidth", 0, 0.0),
    ("energy on a stack", "state.kernel.given.share is 1, out of range"): value(
        "state.kernel.given.share", 1
    ),
    ("energy on a mixture", "parameters.base.mixture is no GaussianMixture"): value(
        "parameters.base.mixture", "os"
    ),
    ("energy on a mixture", "state.code.* is not known"): value("parameters.base.mixture.state.code", 1),
}


@pytest.mark.parametrize(("name", "reason"), FORGERIES)
def test_each_forgery_is_refused_for_its_reason(name, reason, fitted, file, resealed):
    storage.save(fitted(name), file)
    file.write_bytes(resealed(file.read_bytes(), FORGERIES[name, reason]))
    with pytest.raises(DataError, match=reason.strip()):
        storage.load(file)


def test_without_a_change_a_resealed_file_is_the_same(fitted, file, resealed):
    storage.save(fitted("energy"), file)
    content = file.read_bytes()
    assert resealed(content, lambda document, arrays: None) == content
