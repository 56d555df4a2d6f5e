"""Missing cells: EM against a row-by-row twin, expectations against conditionals, what gaps must not do."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from densimeter.foundations.errors import DataError
from densimeter.mixture import GaussianMixture
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.estep import natural_step
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitting import batches_of
from densimeter.mixture.frame import Frame, column_moments
from densimeter.mixture.missing import fill_by_one_gaussian
from densimeter.mixture.sources import SHORTEST_PATTERN, Layout, Resident, Streamed

spec = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)


def gappy(n=150, d=3, seed=0, share=0.3):
    rng = np.random.default_rng(seed)
    X = 3 * rng.standard_normal((2, d))[rng.integers(2, size=n)] + rng.standard_normal((n, d)) @ (
        np.eye(d) + 0.4
    )
    X[rng.random(X.shape) < share] = np.nan
    return X


def start(d=3, k=2):
    rng = np.random.default_rng(7)
    root = rng.standard_normal((k, d, d)) * 0.3 + np.eye(d)
    return np.array([0.4, 0.6]), rng.standard_normal((k, d)), root @ root.transpose(0, 2, 1)


@pytest.mark.parametrize("source_kind", [Resident, Streamed])
@pytest.mark.parametrize("name", list(FAMILIES))
def test_one_step_equals_the_twin(name, source_kind):
    X, family = gappy(), FAMILIES[name]
    w = np.random.default_rng(1).integers(1, 4, len(X)).astype(float)
    weights, means, covariances = start()
    covariances = reference.restrict(name, weights, covariances)
    full = family.as_full(covariances, 3, 2)
    some = ~np.isnan(X).all(1)
    expected, (new_weights, new_means, new_full) = reference.em_step(
        X[some], w[some], weights, means, full, np.zeros(3)
    )
    dtype = np.dtype(float)
    batches = batches_of(X, w)
    frame = Frame.of(column_moments(batches), family, dtype)
    inner = frame.inward(family, Parameters(weights[None], means[None], covariances[None]))
    source = source_kind(Layout.of(family, 3, 2, dtype), batches, complete=False)
    sums = natural_step(family, frame, source, dtype, inner)
    moved = frame.outward(family, Parameters(*(p[0] for p in sums.finish(family, 3, np.zeros(3)))))
    assert_allclose(sums.mean_log_likelihood[0], expected, rtol=1e-12)
    assert_allclose(moved.weights, new_weights, rtol=1e-10)
    assert_allclose(moved.means, new_means, rtol=1e-10, atol=1e-12)
    assert_allclose(moved.covariances, reference.restrict(name, new_weights, new_full), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_likelihood_never_falls_with_gaps(name):
    X = gappy(300)
    model = GaussianMixture(
        2, covariance_type=name, warm_start=True, max_iter=1, tol=0, reg_covar=0, random_state=0
    )
    bounds = np.array([model.fit(X).lower_bound_ for _ in range(15)])
    assert (np.diff(bounds) > -1e-12).all()
    assert bounds[-1] > bounds[0]


def test_scores_are_those_of_the_observed_cells():
    model = GaussianMixture.from_parameters(*start())
    row = np.array([[0.3, np.nan, -1.0]])
    assert_allclose(model.score_samples(row), model.marginal([0, 2]).score_samples(row[:, [0, 2]]))
    assert_allclose(model.score_samples(np.full((1, 3), np.nan)), 0, atol=1e-12)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_imputation_is_the_conditional_mean(name):
    weights, means, covariances = start()
    covariances = reference.restrict(name, weights, covariances)
    model = GaussianMixture.from_parameters(weights, means, covariances, covariance_type=name)
    X = gappy(40)
    filled = model.impute(X)
    seen = ~np.isnan(X)
    assert_allclose(filled[seen], X[seen])
    for row, full in zip(X, filled, strict=True):
        known = np.flatnonzero(~np.isnan(row))
        if 0 < len(known) < 3:
            assert_allclose(full[np.isnan(row)], model.condition(known, row[known]).mean()[0], rtol=1e-9)
        if not len(known):
            assert_allclose(full, weights @ means)


def test_gaps_at_random_leave_the_estimate_where_it_was():
    rng = np.random.default_rng(3)
    X = np.array([[-3.0, 0, 1], [3, 1, 0]])[rng.integers(2, size=20_000)] + rng.standard_normal((20_000, 3))
    gaps = X.copy()
    gaps[rng.random(X.shape) < 0.25] = np.nan
    whole = GaussianMixture(2, random_state=0, tol=1e-7, max_iter=500).fit(X)
    holed = GaussianMixture(2, random_state=0, tol=1e-7, max_iter=500).fit(gaps)
    order, other = np.argsort(whole.means_[:, 0]), np.argsort(holed.means_[:, 0])
    assert_allclose(holed.means_[other], whole.means_[order], atol=0.05)
    assert_allclose(holed.covariances_[other], whole.covariances_[order], atol=0.08)


def test_a_column_or_a_table_without_values_is_told():
    X = gappy(20)
    X[:, 1] = np.nan
    with pytest.raises(DataError, match="column 1 has no value"):
        GaussianMixture(2).fit(X)
    with pytest.raises(ValueError, match="infinity"):
        GaussianMixture(2).fit([[np.inf], [0.0]])


def test_first_filling_keeps_what_is_known_and_the_correlation():
    rng = np.random.default_rng(0)
    whole = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 5000)
    holed = whole.copy()
    holed[rng.random(5000) < 0.4, 1] = np.nan
    filled = fill_by_one_gaussian(holed, np.ones(5000), rng)
    assert_allclose(filled[~np.isnan(holed)], holed[~np.isnan(holed)])
    assert_allclose(np.cov(filled.T), [[1, 0.8], [0.8, 1]], atol=0.06)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_terms_are_where_the_features_of_some_columns_are(name):
    family, x = FAMILIES[name], np.array([2.0, 3.0, 5.0, 7.0])
    for columns in ([0], [1, 3], [0, 2, 3], [0, 1, 2, 3]):
        chosen = np.array(columns)
        only = np.where(np.isin(np.arange(4), chosen), x, 0)
        picked = family.expand(only[:, None])[family.terms(chosen, 4)]
        assert_allclose(picked, family.expand(x[chosen][:, None]))


def test_many_patterns_take_no_more_memory_than_their_rows_are_worth():
    X = gappy(3000, 11)
    layout = Layout.of(FAMILIES["full"], 11, 3, np.dtype(float))
    pieces = [item.lay_out() for item in layout.items(X, np.ones(len(X)))]
    assert len(pieces) > 500
    held = sum(piece.columns.nbytes for piece in pieces)
    assert held < len(pieces) * SHORTEST_PATTERN * 11 * 8 + 4 * X.nbytes
