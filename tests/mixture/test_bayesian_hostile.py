"""Data that break variational fits elsewhere: right, or an error that says what to do; nothing is NaN."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from densimeter.foundations.errors import DataError, DensimeterError, DensimeterWarning
from densimeter.mixture import BayesianGaussianMixture
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.priors import WEIGHT_PRIORS

ATTRIBUTES = (
    "weights_",
    "means_",
    "covariances_",
    "precisions_",
    "precisions_cholesky_",
    "weight_concentration_",
    "mean_precision_",
    "degrees_of_freedom_",
    "lower_bounds_",
    "covariance_prior_",
)


def fit(X, k=3, sample_weight=None, **parameters):
    model = BayesianGaussianMixture(n_components=k, **{"random_state": 0, "max_iter": 30} | parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, sample_weight=sample_weight)
    for name in ATTRIBUTES:
        assert np.isfinite(getattr(model, name)).all(), name
    assert_allclose(model.weights_.sum(), 1, rtol=1e-6)
    assert np.isfinite(model.score_samples(X)).all()
    assert_allclose(model.predict_proba(X).sum(1), 1, rtol=1e-5)
    return model


@pytest.fixture(name="X")
def table():
    rng = np.random.default_rng(0)
    return np.array([[0.0, 0], [5, 5], [0, 8]])[rng.integers(3, size=200)] + rng.standard_normal((200, 2))


@pytest.mark.parametrize("name", list(FAMILIES))
def test_singular_data(name, X):
    with pytest.warns(DensimeterWarning, match="column 2 = column 0 in every row"):
        fit(np.hstack([X, X]), covariance_type=name)
    fit(X[:4].repeat(2, axis=1), covariance_type=name)  # fewer rows than columns
    fit(np.hstack([X, np.full((200, 1), 1e8)]), covariance_type=name)  # a constant column
    one = fit(np.full((10, 2), 0.1), covariance_type=name)  # one row repeated
    assert_allclose(one.weights_ @ one.means_, [0.1, 0.1])
    fit(np.array([[0.0, 0], [1, 1]]).repeat(5, axis=0), 4, covariance_type=name)  # K > distinct rows


@pytest.mark.parametrize("name", ["full", "tied"])
def test_a_singular_prior_is_told(name, X):
    told, refused = pytest.warns(DensimeterWarning, match="column 2 = column 0"), pytest.raises
    with told, refused(DensimeterError, match="ill-defined covariances"):
        fit(np.hstack([X, X]), covariance_type=name, reg_covar=0)


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("scale", [1e-140, 1e140])
def test_extreme_scales_change_nothing_but_the_units(name, scale, X):
    plain, scaled = fit(X, covariance_type=name), fit(X * scale, covariance_type=name)
    assert_allclose(scaled.means_ / scale, plain.means_, rtol=1e-8)
    assert_allclose(scaled.covariances_ / scale / scale, plain.covariances_, rtol=1e-7)
    assert_allclose(scaled.lower_bound_, plain.lower_bound_ - X.size * np.log(scale), rtol=1e-9)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_an_offset_of_1e8_keeps_the_bound(name, X):
    rounded = np.round(X * 64) / 64  # exact in float64 after the shift
    plain, far = fit(rounded, covariance_type=name), fit(rounded + 2.0**27, covariance_type=name)
    assert_allclose(far.lower_bounds_, plain.lower_bounds_, rtol=1e-10)
    assert_allclose(far.covariances_, plain.covariances_, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tiny_far_components_take_differences_first(name, dtype):
    rng = np.random.default_rng(0)
    X = np.array([[0.0, 0], [1, 1]])[rng.integers(2, size=600)] + 1e-7 * rng.standard_normal((600, 2))
    d = 2
    prior = {"diag": np.full(d, 1e-14), "spherical": 1e-14}.get(name, 1e-14 * np.eye(d))
    if dtype == np.float32:
        X, prior = (
            np.array([[0.0, 0], [1, 1]])[X[:, 0].round().astype(int)] + 1e4 * (X - X.round()),
            1e8 * np.array(prior),
        )
    model = fit(
        X.astype(dtype),
        2,
        covariance_type=name,
        covariance_prior=prior,
        reg_covar=0,
        mean_precision_prior=1e-16,
    )
    labels = model.predict(X.astype(dtype))
    expected = np.var(X[labels == 0].astype(dtype), axis=0).mean()
    full = FAMILIES[name].as_full(model.covariances_, d, 2)
    assert_allclose(np.trace(full[0]) / d, expected, rtol=0.05)


@pytest.mark.parametrize("kind", WEIGHT_PRIORS)
@pytest.mark.parametrize("name", list(FAMILIES))
def test_zero_huge_and_tiny_weights(name, kind, X):
    shared = {"covariance_type": name, "weight_concentration_prior_type": kind, "max_iter": 5, "tol": 0}
    w = np.ones(200)
    w[100:] = 0
    half = fit(X[:100], **shared)
    assert_allclose(fit(X, sample_weight=w, **shared).lower_bounds_, half.lower_bounds_, rtol=1e-9)
    for size in (1e-300, 1e-3, 1e12):
        fit(X, sample_weight=w * size, **shared)
    w[0] = 1e12
    fit(X, sample_weight=w, **shared)
    with pytest.raises(DataError, match="add up to infinity"):
        fit(X, sample_weight=np.full(200, 1e308), **shared)
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        fit(X, sample_weight=-w, **shared)


@pytest.mark.parametrize("kind", WEIGHT_PRIORS)
@pytest.mark.parametrize("concentration", [1e-100, 1e-3, 1e10])
@pytest.mark.parametrize("precision", [1e-12, 1e12])
def test_extreme_priors(kind, concentration, precision, X):
    model = fit(
        X,
        6,
        weight_concentration_prior_type=kind,
        weight_concentration_prior=concentration,
        mean_precision_prior=precision,
        degrees_of_freedom_prior=1 + 1e-6,
    )
    slack = 1e-9 * np.abs(model.lower_bounds_).max()
    assert (np.diff(model.lower_bounds_) > -slack).all()


def test_an_outlier_and_rows_far_from_everything(X):
    fit(np.vstack([X, [[1e9, 1e9]]]), 2)
    model = fit(X)
    far = np.array([[1e200, 0], [1e6, 1e6]])
    assert model.score_samples(far)[0] == -np.inf
    assert_allclose(model.predict_proba(far).sum(1), 1)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(list(FAMILIES)),
    kind=st.sampled_from(list(WEIGHT_PRIORS)),
    gaps=st.booleans(),
)
def test_lattices_ties_and_gaps_never_give_nan(seed, name, kind, gaps):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (30, 2)) * 10.0 ** rng.integers(-5, 6, 2)
    if gaps:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[0] = 0
    fit(X, 4, covariance_type=name, weight_concentration_prior_type=kind, max_iter=15)
