"""The scikit-learn face: its own checks, its own class as the reference."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture as Reference
from sklearn.utils.estimator_checks import parametrize_with_checks

from densimeter.foundations.errors import DataError, SettingError
from densimeter.mixture import GaussianMixture

FAMILIES = ["full", "tied", "diag", "spherical"]


@parametrize_with_checks(
    [GaussianMixture(), GaussianMixture(2, covariance_type="diag", init_params="kmeans")]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def three_blobs(n=600, d=2, seed=0):
    rng = np.random.default_rng(seed)
    centres = 4 * rng.standard_normal((3, d))
    return centres[rng.integers(3, size=n)] + rng.standard_normal((n, d)) @ (np.eye(d) + 0.2)


@pytest.mark.parametrize("family", FAMILIES)
def test_same_iterates_as_scikit_learn(family):
    X = three_blobs()
    X = (X - X.mean(0)) / X.std(0)  # reg_covar then means the same to both
    means = X[:3]
    settings = {
        "covariance_type": family,
        "means_init": means,
        "weights_init": np.full(3, 1 / 3),
        "max_iter": 30,
    }
    identity = {
        "full": np.stack([np.eye(2)] * 3),
        "tied": np.eye(2),
        "diag": np.ones((3, 2)),
        "spherical": np.ones(3),
    }
    settings["precisions_init"] = 2 * identity[family]
    settings["reg_covar"] = 1e-6
    ours = GaussianMixture(3, **settings).fit(X)
    theirs = Reference(3, **settings).fit(X)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.converged_ == theirs.converged_
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "lower_bound_"):
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-10, err_msg=name)
    for name in ("score_samples", "predict_proba", "predict", "score", "bic", "aic"):
        assert_allclose(getattr(ours, name)(X), getattr(theirs, name)(X), rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("start", ["kmeans", "k-means++", "random", "random_from_data"])
@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_repetitions(family, start):
    X = three_blobs(80)
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    settings = {
        "n_components": 3,
        "covariance_type": family,
        "init_params": start,
        "random_state": 3,
        "tol": 1e-9,
    }
    weighted = GaussianMixture(**settings, max_iter=20).set_params(tol=0.1).fit(X, sample_weight=counts)
    repeated = GaussianMixture(**settings, max_iter=20).set_params(tol=0.1).fit(np.repeat(X, counts, axis=0))
    assert_allclose(weighted.means_, repeated.means_, rtol=1e-9, atol=1e-9)
    assert_allclose(weighted.covariances_, repeated.covariances_, rtol=1e-9, atol=1e-9)
    assert_allclose(weighted.lower_bound_, repeated.lower_bound_, rtol=1e-11)


@pytest.mark.parametrize("family", FAMILIES)
def test_shift_and_scale_change_nothing_but_the_units(family):
    X = three_blobs()
    settings = {"n_components": 3, "covariance_type": family, "random_state": 0}
    plain = GaussianMixture(**settings).fit(X)
    moved = GaussianMixture(**settings).fit(X * 1e3 + 1e8)
    assert_allclose(moved.means_, plain.means_ * 1e3 + 1e8, rtol=1e-12)
    assert_allclose(
        moved.covariances_, plain.covariances_ * 1e6, rtol=1e-5
    )  # the shift costs eight digits of X
    assert_allclose(moved.score(X * 1e3 + 1e8), plain.score(X) - 2 * np.log(1e3), rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_samples_have_the_moments_of_the_mixture(family):
    model = GaussianMixture(3, covariance_type=family, random_state=0).fit(three_blobs())
    rows, labels = model.sample(200_000, random_state=0)
    again, _ = model.sample(5)
    anew, _ = model.sample(5)
    assert not np.array_equal(again, anew)
    assert_allclose(np.bincount(labels) / len(labels), model.weights_, atol=0.005)
    for k in range(3):
        assert_allclose(rows[labels == k].mean(0), model.means_[k], atol=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_float32_stays_float32(family):
    X = three_blobs().astype(np.float32)
    model = GaussianMixture(3, covariance_type=family, random_state=0).fit(X)
    assert {getattr(model, name).dtype for name in ("weights_", "means_", "covariances_")} == {
        np.dtype("float32")
    }
    double = GaussianMixture(3, covariance_type=family, random_state=0).fit(X.astype(np.float64))
    assert_allclose(model.covariances_, double.covariances_, rtol=1e-2)
    assert_allclose(model.score(X), double.score(X.astype(float)), atol=1e-3)


def test_wrong_use_is_told():
    X = three_blobs(20)
    with pytest.raises(SettingError, match="n_components"):
        GaussianMixture(0).fit(X)
    with pytest.raises(SettingError, match="did you mean 'spherical'"):
        GaussianMixture(covariance_type="sphericl").fit(X)
    with pytest.raises(DataError, match="Expected n_samples >= n_components"):
        GaussianMixture(30).fit(X)
    with pytest.raises(SettingError, match="'means' should have the shape"):
        GaussianMixture(2, means_init=[[1.0]]).fit(X)
    with pytest.raises(DataError, match="every sample weight is zero"):
        GaussianMixture(2).fit(X, sample_weight=np.zeros(20))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # one iteration at a time
def test_warm_start_goes_on_where_it_ended():
    X = three_blobs()
    model = GaussianMixture(3, warm_start=True, max_iter=1, random_state=0, tol=0)
    bounds = [model.fit(X).lower_bound_ for _ in range(5)]
    assert (np.diff(bounds) >= 0).all()
    assert bounds[-1] > bounds[0]


@pytest.mark.parametrize("rows", [600, 70_000])
def test_the_bound_of_every_iteration_is_kept(rows):
    X = three_blobs(rows)
    model = GaussianMixture(3, n_init=3, tol=1e-5, max_iter=400, random_state=0, init_params="random").fit(X)
    assert model.lower_bounds_.shape == (model.n_iter_,)
    assert model.lower_bounds_[-1] == model.lower_bound_
    assert_allclose(model.lower_bound_, model.restart_bounds_.max(), atol=1e-8)  # the first of equals
    assert model.restart_bounds_.shape == (3,)
    assert (np.diff(model.lower_bounds_) > -1e-12).all()
    with pytest.warns(match="did not converge"):
        assert len(model.set_params(max_iter=5, tol=0).fit(X).lower_bounds_) == 5


def test_warm_start_begins_anew_when_the_shape_changes():
    X = three_blobs()
    model = GaussianMixture(2, warm_start=True, random_state=0).fit(X)
    for change in ({"n_components": 3}, {"covariance_type": "diag"}):
        model.set_params(**change).fit(X)
        anew = GaussianMixture(**model.get_params()).fit(X)
        assert_allclose(model.means_, anew.means_)
    assert model.fit(X[:, :1]).means_.shape == (3, 1)
