"""The bound against the evidence, summed over every labelling of a few rows, and against draws."""

import warnings
from itertools import product
from math import lgamma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning

from densimeter.mixture import BayesianGaussianMixture
from densimeter.mixture.bayesian_bound import divergence
from densimeter.mixture.bayesian_updates import updated
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.priors import WEIGHT_PRIORS, DirichletDistribution, Prior

BETA, NU_ABOVE = 0.4, 1.5
"""Prior rows of a mean, and degrees of freedom above the number of columns."""


def scatter_of(name, d):
    """A prior C_0 of the family, and as a matrix."""
    values = 0.5 + np.arange(d)
    matrix = {"diag": np.diag(values), "spherical": 0.7 * np.eye(d)}.get(name, np.diag(values) + 0.2)
    return {"diag": values, "spherical": 0.7}.get(name, matrix), matrix


def fitted(X, name, k=1, kind="dirichlet_distribution", concentration=0.8, **others):
    d = X.shape[1]
    model = BayesianGaussianMixture(
        n_components=k,
        covariance_type=name,
        weight_concentration_prior_type=kind,
        weight_concentration_prior=concentration,
        mean_precision_prior=BETA,
        mean_prior=np.full(d, 0.3),
        degrees_of_freedom_prior=d + NU_ABOVE,
        covariance_prior=scatter_of(name, d)[0],
        **{"reg_covar": 0, "random_state": 0, "tol": 1e-10, "max_iter": 2000} | others,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X)


def normal_wishart_evidence(X, scatter):
    """``log p(X)``, row after row, each from its Student t given those before it."""
    d = X.shape[1]
    m, beta, nu, total = np.full(d, 0.3), BETA, d + NU_ABOVE, 0.0
    for x in X:
        df = nu - d + 1
        total += stats.multivariate_t(m, scatter * (beta + 1) / (beta * df), df).logpdf(x)
        scatter = scatter + beta / (beta + 1) * np.outer(x - m, x - m)
        m, beta, nu = (beta * m + x) / (beta + 1), beta + 1, nu + 1
    return total


def normal_gamma_evidence(X, scale, nu):
    """The same for one variance with prior ``Gamma(g nu / 2, g scale / 2)``, shared by the g columns."""
    g = X.shape[1]
    m, beta, total = np.full(g, 0.3), BETA, 0.0
    for x in X:
        shape = scale / nu * (beta + 1) / beta * np.eye(g)
        total += stats.multivariate_t(m, shape, g * nu).logpdf(x)
        scale = scale + beta / (beta + 1) * ((x - m) ** 2).mean()
        m, beta, nu = (beta * m + x) / (beta + 1), beta + 1, nu + 1
    return total


def rows_of(n, d, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ (np.eye(d) + 0.4) * 1.7 + 0.5


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("name", ["full", "tied"])
def test_one_full_component_reaches_the_evidence(name, d):
    X = rows_of(30, d, d)
    exact = normal_wishart_evidence(X, scatter_of(name, d)[1])
    assert_allclose(fitted(X, name).lower_bound_, exact, rtol=1e-11)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_in_one_column_every_family_reaches_the_evidence(name):
    X = rows_of(30, 1, 0)
    exact = normal_wishart_evidence(X, scatter_of(name, 1)[1].reshape(1, 1))
    assert_allclose(fitted(X, name).lower_bound_, exact, rtol=1e-11)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), d=st.integers(2, 5))
def test_a_restricted_component_stays_below_both_evidences(seed, n, d):
    X = rows_of(n, d, seed)
    for name in ("diag", "spherical"):
        own, matrix = scatter_of(name, d)
        bound = fitted(X, name).lower_bound_
        assert bound < normal_wishart_evidence(X, matrix)
        parts = [(X, own)] if name == "spherical" else [(X[:, [j]], own[j]) for j in range(d)]
        assert bound < sum(normal_gamma_evidence(*part, d + NU_ABOVE) for part in parts)


def mixture_evidence(X, matrix, log_probability, k):
    """``log sum_z p(z) p(X | z)`` over every labelling with k labels."""
    known = {(): 0.0}
    terms = []
    for labels in product(range(k), repeat=len(X)):
        groups = [tuple(np.flatnonzero(np.array(labels) == c)) for c in range(k)]
        for group in groups:
            if group not in known:
                known[group] = normal_wishart_evidence(X[list(group)], matrix)
        terms.append(log_probability(labels) + sum(known[group] for group in groups))
    return logsumexp(terms)


def dirichlet_multinomial(alpha, k):
    def log_probability(labels):
        counts = np.bincount(labels, minlength=k)
        grown = sum(lgamma(alpha + c) - lgamma(alpha) for c in counts)
        return grown + lgamma(k * alpha) - lgamma(k * alpha + len(labels))

    return log_probability


def chinese_restaurant(gamma):
    """Probabilities of partitions; labellings that do not name groups in the order they appear have none."""

    def log_probability(labels):
        firsts = [labels.index(c) for c in sorted(set(labels))]
        if sorted(set(labels)) != list(range(len(firsts))) or firsts != sorted(firsts):
            return -np.inf
        counts = np.bincount(labels)
        tables = sum(lgamma(c) for c in counts) + len(counts) * np.log(gamma)
        return tables + lgamma(gamma) - lgamma(gamma + len(labels))

    return log_probability


def two_groups(seed):
    rng = np.random.default_rng(seed)
    return np.array([[-4.0, 0], [4, 0]])[[0, 0, 0, 1, 1, 1]] + rng.standard_normal((6, 2))


@pytest.mark.parametrize("name", list(FAMILIES))
def test_bound_is_below_the_evidence_of_a_finite_mixture(name):
    X = two_groups(0)
    exact = mixture_evidence(X, scatter_of(name, 2)[1], dirichlet_multinomial(0.8, 3), 3)
    model = fitted(X, name, 3, n_init=5, init_params="random")
    assert (model.restart_bounds_ < exact).all()
    assert model.lower_bound_ > exact - 12  # and no trivial bound


@pytest.mark.parametrize("name", list(FAMILIES))
def test_bound_is_below_the_evidence_of_the_infinite_mixture(name):
    X = two_groups(0)[[0, 1, 2, 3, 4]]
    exact = mixture_evidence(X, scatter_of(name, 2)[1], chinese_restaurant(0.8), 5)
    bounds = [
        fitted(X, name, k, "dirichlet_process", n_init=4, init_params="random").lower_bound_
        for k in (1, 2, 4)
    ]
    assert max(bounds) < exact
    assert max(bounds) > exact - 12


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(list(FAMILIES)),
    kind=st.sampled_from(list(WEIGHT_PRIORS)),
    init=st.sampled_from(["kmeans", "random"]),
    reg_covar=st.sampled_from([0, 1e-3, 0.3]),
    gaps=st.booleans(),
)
def test_bound_never_falls(seed, name, kind, init, reg_covar, gaps):
    rng = np.random.default_rng(seed)
    X = 3 * rng.standard_normal((4, 3))[rng.integers(4, size=60)] + rng.standard_normal((60, 3))
    if gaps:
        X[rng.random(X.shape) < 0.2] = np.nan
    model = fitted(
        X,
        name,
        4,
        kind,
        init_params=init,
        n_init=2,
        reg_covar=reg_covar,
        tol=0,
        max_iter=15,
        random_state=seed,
    )
    assert len(model.lower_bounds_) == 15
    assert (np.diff(model.lower_bounds_) > -1e-9).all()


def test_blur_only_costs():
    X = two_groups(0)
    bounds = [fitted(X, "full", 2, reg_covar=reg).lower_bound_ for reg in (0, 1e-3, 0.1)]
    assert bounds[0] > bounds[1] > bounds[2]


@pytest.mark.parametrize("name", list(FAMILIES))
def test_divergence_is_the_mean_log_ratio_of_draws(name):
    family, d = FAMILIES[name], 2
    own, matrix = scatter_of(name, d)
    prior = Prior(
        DirichletDistribution(1.0), np.array([0.3, -0.2]), BETA, d + NU_ABOVE, np.asarray(own), np.zeros(d)
    )
    rows = rows_of(12, d, 3)
    posterior = updated(family, prior, family.expand(rows.T).sum(1)[None])
    degrees = float(posterior.degrees_of_freedom.reshape(-1)[0])
    covariance = family.as_full(posterior.covariances, d, 1)[0]
    q = stats.wishart(degrees, np.linalg.inv(covariance * degrees))
    p = stats.wishart(d + NU_ABOVE, np.linalg.inv(matrix))
    precisions = q.rvs(5_000, random_state=0)
    log_ratio = q.logpdf(np.moveaxis(precisions, 0, -1)) - p.logpdf(np.moveaxis(precisions, 0, -1))
    roots = np.linalg.cholesky(np.linalg.inv(precisions) / posterior.mean_precision[0])
    means = posterior.means[0] + np.einsum(
        "nij,nj->ni", roots, np.random.default_rng(0).standard_normal((5_000, d))
    )

    def log_normal(centre, beta):
        delta = means - centre
        return (
            d * np.log(beta) - beta * np.einsum("ni,nij,nj->n", delta, precisions, delta)
        ) / 2  # what both share is left out

    log_ratio += log_normal(posterior.means[0], posterior.mean_precision[0]) - log_normal(prior.mean, BETA)
    error = stats.sem(log_ratio)
    assert abs(divergence(family, prior, posterior) - log_ratio.mean()) < 4 * error
    assert error < 0.04
