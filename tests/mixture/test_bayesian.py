"""The scikit-learn face: its own checks, its own class as the reference, and what is ours."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture as Reference
from sklearn.utils.estimator_checks import parametrize_with_checks

from densimeter.foundations.errors import DataError, SettingError
from densimeter.mixture import BayesianGaussianMixture, GaussianMixture
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.priors import WEIGHT_PRIORS

POSTERIOR = (
    "weight_concentration_",
    "mean_precision_",
    "means_",
    "degrees_of_freedom_",
    "covariances_",
    "precisions_cholesky_",
)
PRIOR = (
    "weight_concentration_prior_",
    "mean_precision_prior_",
    "mean_prior_",
    "degrees_of_freedom_prior_",
    "covariance_prior_",
)
BOTH = [(name, kind) for name in FAMILIES for kind in WEIGHT_PRIORS]


@parametrize_with_checks(
    [
        BayesianGaussianMixture(),
        BayesianGaussianMixture(
            n_components=2,
            covariance_type="diag",
            n_init=2,
            weight_concentration_prior_type="dirichlet_distribution",
            tol=0.02,
        ),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def three_blobs(n=500, d=2, seed=0):
    rng = np.random.default_rng(seed)
    centres = 4 * rng.standard_normal((3, d))
    return centres[rng.integers(3, size=n)] + rng.standard_normal((n, d)) @ (np.eye(d) + 0.2)


def fit(X, sample_weight=None, **parameters):
    model = BayesianGaussianMixture(**{"n_components": 4, "random_state": 0} | parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, sample_weight=sample_weight)


def reference_from(model, X, **parameters):
    """scikit-learn's class, going on from the posterior of `model`."""
    settings = model.get_params()
    if settings["reg_covar"] == "auto":
        settings["reg_covar"] = 1e-6
    theirs = Reference(**settings).set_params(warm_start=True, **parameters)
    for name in (*POSTERIOR, "converged_"):
        setattr(theirs, name, getattr(model, name))
    theirs.lower_bound_ = -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return theirs.fit(X)


@pytest.mark.parametrize(("name", "kind"), BOTH)
def test_same_iterates_as_scikit_learn(name, kind):
    X = three_blobs()
    shared = {
        "covariance_type": name,
        "weight_concentration_prior_type": kind,
        "weight_concentration_prior": 0.4,
        "mean_precision_prior": 0.7,
        "degrees_of_freedom_prior": 3.2,
        "reg_covar": 0,
        "tol": 0,
    }
    ours = fit(X, max_iter=2, warm_start=True, init_params="random", **shared)
    theirs = reference_from(ours, X, max_iter=25)
    with pytest.warns(ConvergenceWarning, match="max_iter is 25"):
        ours.set_params(max_iter=25).fit(X)
    for attribute in ("weights_", "precisions_", *POSTERIOR, *PRIOR):
        assert_allclose(
            getattr(ours, attribute), getattr(theirs, attribute), rtol=1e-8, atol=1e-9, err_msg=attribute
        )
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-8, atol=1e-10)
    assert (ours.predict(X) == theirs.predict(X)).all()


@pytest.mark.parametrize(("name", "kind"), BOTH)
def test_bound_differs_from_scikit_learns_by_a_constant_of_the_prior(name, kind):
    X = three_blobs(150)
    gaps = []
    for seed in (0, 1):
        ours = fit(
            X,
            covariance_type=name,
            weight_concentration_prior_type=kind,
            weight_concentration_prior=300.0,
            random_state=seed,
            init_params="random",
            reg_covar=0,
            tol=1e-11,
            max_iter=1 + 400 * seed,  # the first is far from the optimum
        )
        theirs = reference_from(ours, X, max_iter=1)
        with_own = ours.set_params(warm_start=True, max_iter=2, tol=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            with_own.fit(X)
        gaps.append(with_own.lower_bounds_ - np.ravel(theirs.lower_bound_))
    # scikit-learn's is after the M-step, with the labels of before it: it lies between two of ours
    assert gaps[1][1] - gaps[1][0] < 1e-3  # the second has converged, which leaves no play
    assert gaps[0][0] <= gaps[1][1] + 1e-6
    assert gaps[0][1] >= gaps[1][0] - 1e-6


@pytest.mark.parametrize(("name", "kind"), BOTH)
def test_weights_are_repetitions(name, kind):
    X = three_blobs(80)
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    shared = {
        "covariance_type": name,
        "weight_concentration_prior_type": kind,
        "reg_covar": 1e-2,
        "max_iter": 10,
        "tol": 0,
    }
    weighted = fit(X, sample_weight=counts, **shared)
    repeated = fit(np.repeat(X, counts, axis=0), **shared)
    for attribute in (*POSTERIOR, *PRIOR, "lower_bounds_"):
        assert_allclose(getattr(weighted, attribute), getattr(repeated, attribute), rtol=1e-8, atol=1e-9)


def test_weights_count_against_the_prior():
    X = three_blobs(40)
    light, heavy = (fit(X, sample_weight=np.full(40, w), n_components=1) for w in (0.1, 10))
    assert_allclose(light.mean_precision_, 1 + 4)
    assert_allclose(heavy.mean_precision_, 1 + 400)


def test_all_restarts_at_once_are_the_same_as_one_by_one():
    X = three_blobs(200)
    many = fit(X, n_init=4, init_params="random", tol=1e-6, max_iter=400)
    rng = np.random.default_rng(0)
    X_rng = [
        fit(X, n_init=1, init_params="random", tol=1e-6, max_iter=400, random_state=rng) for _ in range(1)
    ]
    assert many.restart_bounds_.shape == (4,)
    assert many.lower_bound_ == many.restart_bounds_.max()
    assert_allclose(many.restart_bounds_[0], X_rng[0].lower_bound_, rtol=1e-9)
    assert len(many.lower_bounds_) == many.n_iter_


@pytest.mark.parametrize("kind", WEIGHT_PRIORS)
def test_unused_components_shrink(kind):
    rng = np.random.default_rng(0)
    X = np.array([[-6.0, 0], [6, 0]])[rng.integers(2, size=600)] + rng.standard_normal((600, 2))
    model = fit(
        X,
        n_components=8,
        weight_concentration_prior_type=kind,
        weight_concentration_prior=1e-3,
        max_iter=2000,
        tol=1e-6,
    )
    assert (model.weights_ > 0.01).sum() == 2
    assert model.weights_[model.weights_ < 0.01].sum() < 0.02
    empty = model.mean_precision_ < 1 + 1e-6
    assert empty.sum() >= 2
    assert_allclose(model.means_[empty] - model.mean_prior_, 0, atol=1e-4)  # these are at their prior
    few = fit(X, n_components=2, weight_concentration_prior_type=kind, max_iter=200)
    assert few.lower_bound_ > fit(X, n_components=1, weight_concentration_prior_type=kind).lower_bound_


@pytest.mark.parametrize("name", FAMILIES)
def test_scores_are_the_density_of_the_plugged_in_mixture(name):
    X = three_blobs()
    model = fit(X, covariance_type=name)
    full = FAMILIES[name].as_full(model.covariances_, 2, 4)
    density = sum(
        w * multivariate_normal(m, c).pdf(X)
        for w, m, c in zip(model.weights_, model.means_, full, strict=True)
    )
    assert_allclose(np.exp(model.score_samples(X)), density, rtol=1e-8)
    assert_allclose(model.score(X), np.log(density).mean(), rtol=1e-10)


def test_scores_integrate_to_one_and_scikit_learns_do_not():
    X = three_blobs(30, 1)
    model = fit(X)
    theirs = reference_from(model, X, max_iter=1)

    def mass(of):
        return integrate.quad(lambda x: np.exp(of.score_samples([[x]])[0]), -60, 60, points=[-5, 0, 5])[0]

    assert_allclose(mass(model), 1, rtol=1e-6)
    assert mass(theirs) < 0.99


def test_what_any_mixture_can_do():
    X = three_blobs(d=3)
    model = fit(X)
    part = model.marginal([2, 0])
    assert isinstance(part, GaussianMixture)
    assert_allclose(part.means_, model.means_[:, [2, 0]])
    rows, labels = model.sample(50_000, random_state=0)
    assert_allclose(np.bincount(labels, minlength=4) / 50_000, model.weights_, atol=0.01)
    assert_allclose(rows.mean(0), model.weights_ @ model.means_, atol=0.1)
    assert model.entropy(2000).lower < -model.score(rows) < model.entropy(2000).upper
    assert np.isfinite([model.bic(X), model.aic(X)]).all()
    assert len(model.condition([0], [[0.0]]).weights) == 1


@pytest.mark.parametrize("name", FAMILIES)
def test_float32_stays_float32(name):
    X = three_blobs()
    single, double = (fit(rows, covariance_type=name, max_iter=1000) for rows in (X.astype(np.float32), X))
    for attribute in ("weights_", "means_", "covariances_", "precisions_", "mean_precision_"):
        assert getattr(single, attribute).dtype == np.float32, attribute
    assert single.score_samples(X.astype(np.float32)).dtype == np.float32
    assert single.converged_
    assert_allclose(single.score(X.astype(np.float32)), double.score(X), atol=1e-3)
    assert_allclose(single.lower_bound_, double.lower_bound_, rtol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_shift_and_scale_change_nothing_but_the_units(name):
    X = three_blobs()
    plain, moved = fit(X, covariance_type=name), fit(X * 1e3 + 1e8, covariance_type=name)
    assert_allclose(moved.means_, plain.means_ * 1e3 + 1e8, rtol=1e-10)
    assert_allclose(moved.covariances_, plain.covariances_ * 1e6, rtol=1e-4)  # the shift costs digits of X
    assert_allclose(moved.lower_bound_, plain.lower_bound_ - X.size * np.log(1e3), rtol=1e-6)


def test_given_priors_are_in_the_units_of_the_columns():
    X = three_blobs()
    given = {"mean_prior": [1.0, -2], "covariance_prior": [[2.0, 0.3], [0.3, 1]], "reg_covar": 0, "tol": 1e-9}
    plain = fit(X, max_iter=20, **given)
    for name in ("mean_prior_", "covariance_prior_"):
        assert_allclose(getattr(plain, name), given[name[:-1]])
    scale = np.array([10.0, 0.1])
    moved = fit(
        X * scale,
        max_iter=20,
        **given | {"mean_prior": [10.0, -0.2], "covariance_prior": np.array([[200.0, 0.3], [0.3, 0.01]])},
    )
    assert_allclose(moved.means_, plain.means_ * scale, rtol=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # one iteration at a time
def test_warm_start_goes_on_where_it_ended():
    X = three_blobs()
    model = BayesianGaussianMixture(n_components=4, warm_start=True, max_iter=1, tol=0, random_state=0)
    bounds = [model.fit(X).lower_bound_ for _ in range(6)]
    assert (np.diff(bounds) > 0).all()
    assert_allclose(bounds, fit(X, max_iter=6, tol=0).lower_bounds_, rtol=1e-12)
    fresh = fit(X, max_iter=3, weight_concentration_prior_type="dirichlet_distribution")
    with pytest.warns(ConvergenceWarning):  # another kind of posterior is a new start
        model.set_params(weight_concentration_prior_type="dirichlet_distribution", max_iter=3).fit(X)
    assert_allclose(model.lower_bounds_, fresh.lower_bounds_, rtol=1e-12)


def test_fit_predict_and_missing_cells():
    X = three_blobs()
    labels = BayesianGaussianMixture(n_components=3, random_state=0).fit_predict(X)
    assert (labels == fit(X, n_components=3).predict(X)).all()
    gaps = X.copy()
    gaps[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    model = fit(gaps, n_components=3, n_init=3)  # one start in four ends in a poorer optimum
    assert np.isfinite(model.score_samples(gaps)).all()
    assert not np.isnan(model.impute(gaps)).any()
    assert_allclose(np.sort(model.means_[:, 0]), np.sort(fit(X, n_components=3).means_[:, 0]), atol=0.3)


def test_wrong_use_is_told():
    X = three_blobs(20)
    for wrong, words in [
        ({"n_components": 0}, "n_components"),
        ({"covariance_type": "ful"}, "did you mean 'full'"),
        ({"weight_concentration_prior_type": "dirichlet"}, "weight_concentration_prior_type has no"),
        ({"weight_concentration_prior": 0}, "weight_concentration_prior"),
        ({"mean_precision_prior": -1}, "mean_precision_prior"),
        ({"degrees_of_freedom_prior": 1}, "above 1"),
        ({"mean_prior": [0.0]}, "mean_prior"),
        ({"covariance_prior": np.zeros((2, 2))}, "positive definite"),
        ({"covariance_prior": [[1.0, 0.5], [0, 1]]}, "symmetric"),
        ({"covariance_type": "diag", "covariance_prior": [1.0, -1]}, "positive definite"),
    ]:
        with pytest.raises(SettingError, match=words):
            fit(X, **wrong)
    with pytest.raises(DataError, match="Expected n_samples >= n_components"):
        fit(X, n_components=30)
    with pytest.raises(DataError, match="every sample weight is zero"):
        fit(X, sample_weight=np.zeros(20))
