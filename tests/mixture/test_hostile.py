"""Data that break mixtures elsewhere: the fit is right, or an error says what to do, and nothing is NaN."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from densimeter.foundations.errors import DataError, DensimeterError, DensimeterWarning, SettingError
from densimeter.mixture import GaussianMixture, select_components
from densimeter.mixture.catalogue import FAMILIES

ATTRIBUTES = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "lower_bound_")

pytestmark = pytest.mark.filterwarnings("ignore:.*components have no rows")


def fit(X, k=3, sample_weight=None, **parameters):
    model = GaussianMixture(k, random_state=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, sample_weight=sample_weight)
    for name in ATTRIBUTES:
        assert np.isfinite(getattr(model, name)).all(), name
    assert_allclose(model.weights_.sum(), 1)
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
    with pytest.raises((ValueError, DensimeterError)):
        fit(np.full((10, 2), 0.1), covariance_type=name, reg_covar=0)


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
def test_extreme_scales_change_nothing_but_the_units(name, scale, X):
    plain, scaled = fit(X, covariance_type=name), fit(X * scale, covariance_type=name)
    assert_allclose(scaled.means_ / scale, plain.means_, rtol=1e-8)
    assert_allclose(scaled.covariances_ / scale / scale, plain.covariances_, rtol=1e-7, atol=1e-9)
    assert_allclose(scaled.score_samples(X * scale), plain.score_samples(X) - 2 * np.log(scale), rtol=1e-9)


def test_scales_out_of_range_are_told(X):
    for scale in (1e-156, 1e156, 1e300):
        with pytest.raises(DataError, match="column 0 has a spread"):
            fit(X * scale)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_columns_of_very_different_scales(name, X):
    model = fit(X * [1e-9, 1e9], covariance_type=name)
    assert np.isfinite(model.score(X * [1e-9, 1e9]))
    if name != "spherical":  # one variance for both columns cannot follow their scales
        assert_allclose(model.score(X * [1e-9, 1e9]), fit(X, covariance_type=name).score(X), rtol=1e-9)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_zero_and_huge_weights(name, X):
    w = np.ones(200)
    w[100:] = 0
    half = fit(X[:100], covariance_type=name)
    assert_allclose(fit(X, sample_weight=w, covariance_type=name).means_, half.means_, rtol=1e-9, atol=1e-12)
    assert_allclose(
        fit(X, sample_weight=w * 1e300, covariance_type=name).means_, half.means_, rtol=1e-9, atol=1e-12
    )
    assert_allclose(
        fit(X, sample_weight=w * 1e-300, covariance_type=name).means_, half.means_, rtol=1e-9, atol=1e-12
    )
    w[0] = 1e12
    fit(X, sample_weight=w, covariance_type=name)
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        fit(X, sample_weight=-w, covariance_type=name)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_component_without_members_stays_out_of_the_way(name, X):
    d = X.shape[1]
    family = FAMILIES[name]
    unit = np.broadcast_to({"full": np.eye(d), "tied": np.eye(d)}.get(name, 1.0), family.shape(d, 3))
    model = fit(
        X,
        covariance_type=name,
        means_init=[[0, 0], [5, 5], [1e4, 1e4]],
        weights_init=[0.5, 0.5, 0],
        precisions_init=unit,
    )
    assert model.weights_[2] == 0
    assert np.isfinite(model.score_samples(X)).all()


def test_a_row_far_from_everything(X):
    model = fit(X)
    far = np.array([[1e200, 0], [1e6, 1e6]])
    scores = model.score_samples(far)
    assert scores[0] == -np.inf
    assert np.isfinite(scores[1])
    assert_allclose(model.predict_proba(far).sum(1), 1)


def test_an_outlier_does_not_ruin_the_digits_of_the_rest(X):
    rows = np.vstack([X, [[1e9, 1e9]]])
    model = fit(rows, 2)
    assert np.isfinite(model.score(rows))


def test_float32_of_far_and_small_components():
    rng = np.random.default_rng(0)
    X = np.array([[0.0, 0], [1, 1]])[rng.integers(2, size=2000)] + 2e-3 * rng.standard_normal((2000, 2))
    double, single = fit(X, 2), fit(X.astype(np.float32), 2)
    order, other = np.argsort(double.means_[:, 0]), np.argsort(single.means_[:, 0])
    assert_allclose(single.covariances_[other], double.covariances_[order], rtol=1e-3, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(list(FAMILIES)),
    init=st.sampled_from(["kmeans", "k-means++", "random", "random_from_data"]),
    gaps=st.booleans(),
)
def test_lattices_ties_and_gaps_never_give_nan(seed, name, init, gaps):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (30, 2)) * 10.0 ** rng.integers(-5, 6, 2)
    if gaps:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[0] = 0
    model = fit(X, 4, covariance_type=name, init_params=init)
    assert np.isfinite(model.score_samples(X)).all()
    assert_allclose(model.predict_proba(X).sum(1), 1)


def test_masked_cells_are_missing_cells():
    X = np.random.default_rng(0).normal(size=(60, 2))
    holes = np.random.default_rng(1).random(X.shape) < 0.1
    masked, gaps = np.ma.array(X, mask=holes), np.where(holes, np.nan, X)
    ours, same = (GaussianMixture(2, random_state=0).fit(rows) for rows in (masked, gaps))
    assert ours.score(masked) == same.score(gaps) == ours.score(gaps)
    chosen = [select_components(rows, 2, random_state=0).best.criterion for rows in (masked, gaps)]
    assert chosen[0] == chosen[1]
    assert ours.partial_fit(masked[:20]).score(masked) == same.partial_fit(gaps[:20]).score(gaps)


def test_a_column_of_dates_is_refused_and_a_row_of_weight_zero_is_not_there():
    days = pd.DataFrame({"t": pd.date_range("2024", periods=9), "x": np.arange(9.0)})
    with pytest.raises(DataError, match="column 't' holds dates"):
        GaussianMixture().fit(days)
    X = np.random.default_rng(0).normal(size=(30, 2))
    far, absent = np.r_[X, [[1e200, -1e200]]], np.r_[np.ones(30), 0]
    model = GaussianMixture(2, random_state=0).fit(X)
    weighted = GaussianMixture(2, random_state=0).fit(far, sample_weight=absent)
    assert_allclose(weighted.means_, model.means_, rtol=1e-10)
    with np.errstate(over="ignore"):
        assert model.score(far, sample_weight=absent) == pytest.approx(model.score(X), rel=1e-14)


@pytest.mark.parametrize("name", ["covariances", "precisions"])
def test_an_asymmetric_matrix_is_refused_by_its_component(name):
    matrices = np.stack([np.eye(2), [[2.0, 0.5], [0.9, 2.0]]])
    rows = np.random.default_rng(0).normal(size=(9, 2))
    made = {
        "covariances": lambda: GaussianMixture.from_parameters([0.5, 0.5], np.zeros((2, 2)), matrices),
        "precisions": lambda: GaussianMixture(2, precisions_init=matrices).fit(rows),
    }
    with pytest.raises(SettingError, match=rf"{name} of component 1 is not symmetric.* 0\.4 apart"):
        made[name]()
