"""Missing cells: EM against a row-by-row twin, expectations against conditionals, what gaps must not do."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from densimeter.foundations.errors import DataError
from densimeter.mixture import GaussianMixture
from densimeter.mixture.acceleration import LEFT, left_to_gain
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.estep import natural_step
from densimeter.mixture.families import NO_FLOOR, Parameters
from densimeter.mixture.fitting import batches_of
from densimeter.mixture.frame import Frame, column_moments
from densimeter.mixture.gaps import Normals, conditional, expected_sums, gap_blocks
from densimeter.mixture.missing import fill_by_one_gaussian
from densimeter.mixture.sources import SHORTEST_PATTERN, Layout, Resident, Streamed, split_by_pattern

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
    moved = frame.outward(family, Parameters(*(p[0] for p in sums.finish(family, 3, NO_FLOOR))))
    assert_allclose(sums.mean_log_likelihood[0], expected, rtol=1e-12)
    assert_allclose(moved.weights, new_weights, rtol=1e-10)
    assert_allclose(moved.means, new_means, rtol=1e-10, atol=1e-12)
    assert_allclose(moved.covariances, reference.restrict(name, new_weights, new_full), rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # one iteration at a time
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
    blocks = list(gap_blocks(X, np.ones(len(X))))
    assert len({tuple(row) for block in blocks for row in block.known}) > 500
    held = sum(getattr(block, name).nbytes for block in blocks for name in block.__dataclass_fields__)
    assert held < 4 * X.nbytes


def test_rows_that_share_a_pattern_and_rows_that_do_not_count_alike():
    X = gappy(900, 4, share=0.15)
    common, rare = split_by_pattern(X, SHORTEST_PATTERN)
    assert len(common) > 1
    assert len(rare) > 50
    family, dtype, w = FAMILIES["full"], np.dtype(float), np.random.default_rng(1).uniform(0.5, 2, 900)
    parameters = Parameters(*(part[None] for part in start(4)))
    batches = batches_of(X, w)
    frame = Frame.of(column_moments(batches), family, dtype)
    both = natural_step(
        family, frame, Streamed(Layout.of(family, 4, 2, dtype), batches, False), dtype, parameters
    )
    blocks = [expected_sums(family, b, parameters, frame.location, frame.scale) for b in gap_blocks(X, w)]
    assert_allclose(both.sums, sum(sums for sums, _ in blocks), rtol=1e-9, atol=1e-9)
    assert_allclose(both.log_likelihood, sum(value for _, value in blocks), rtol=1e-12)


@pytest.mark.parametrize("n_missing", [0, 1, 2, 3, 4])
def test_conditionals_are_those_of_the_normal_distribution(n_missing):
    rng = np.random.default_rng(n_missing)
    root = rng.standard_normal((5, 5))
    mean, covariance = rng.standard_normal(5), root @ root.T + np.eye(5)
    rows = rng.standard_normal((40, 5))
    for row in rows:
        row[rng.permutation(5)[:n_missing]] = np.nan
    normal = Normals.of(mean[None], covariance[None])
    [block] = gap_blocks(rows, np.arange(40.0))
    deviations = np.where(block.seen, block.rows - mean, 0.0)
    found = conditional(block, normal, deviations[None])
    for i, seen in enumerate(block.seen):
        o, m = np.flatnonzero(seen), np.flatnonzero(~seen)
        exact = multivariate_normal(np.zeros(len(o)), covariance[np.ix_(o, o)]).logpdf(deviations[i, o])
        log_det = found.log_det[0, block.pattern[i]]
        assert_allclose((log_det - found.squares[0, i] - len(o) * np.log(2 * np.pi)) / 2, exact, rtol=1e-10)
        slope = np.linalg.solve(covariance[np.ix_(o, o)], covariance[np.ix_(o, m)]).T
        assert_allclose(found.filled[0, i, m], slope @ deviations[i, o], rtol=1e-9, atol=1e-12)
        assert_allclose(found.filled[0, i, o], deviations[i, o], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("by_value", [False, True])
def test_a_fit_ends_at_the_closed_form_however_much_is_missing(share, by_value):
    # Anderson (1957), Maximum likelihood estimates ... when some observations are missing: with one column
    # complete, regression of the other on it. The default settings end within a tenth of a standard error
    for seed in range(3):
        X = np.random.default_rng(seed).multivariate_normal([1, 2], [[2, 1.2], [1.2, 1]], size=2000)
        X = X[np.argsort(X[:, 0])] if by_value else X
        n = int(len(X) * (1 - share))
        X[n:, 1] = np.nan
        covariance = np.cov(X[:n].T, ddof=0)
        slope = covariance[0, 1] / covariance[0, 0]
        away = X[:, 0].mean() - X[:n, 0].mean()
        residual = covariance[1, 1] - slope * covariance[0, 1]
        error = np.sqrt(residual / n * (1 + away**2 / covariance[0, 0]) + slope**2 * X[:, 0].var() / len(X))
        model = GaussianMixture(1).fit(X)
        assert model.converged_
        assert (np.diff(model.lower_bounds_) > -1e-12).all()
        assert abs(model.means_[0, 1] - (X[:n, 1].mean() + slope * away)) < 0.1 * error


@pytest.mark.parametrize(("k", "d", "share"), [(2, 2, 0.3), (3, 5, 0.2), (2, 4, 0.4)])
def test_what_is_left_to_gain_is_little_when_a_fit_says_it_has_converged(k, d, share):
    rng = np.random.default_rng(5)
    X = 3 * rng.standard_normal((k, d))[rng.integers(k, size=800)] + rng.standard_normal((800, d))
    X[rng.random(X.shape) < share] = np.nan
    model = GaussianMixture(k, random_state=0, max_iter=500).fit(X)
    assert model.converged_
    go_on = {"weights_init": model.weights_, "means_init": model.means_, "precisions_init": model.precisions_}
    further = GaussianMixture(k, tol=1e-10, max_iter=5000, **go_on).fit(X)
    assert 0 <= len(X) * (further.lower_bound_ - model.lower_bound_) < 2 * LEFT


def test_what_is_left_to_gain_is_a_geometric_series():
    gains = 0.7 * 0.9 ** (2 * np.arange(1, 400))
    assert_allclose(left_to_gain(0.7, 0.9), gains.sum(), rtol=1e-12)
    assert left_to_gain(0.0, 2.0) == 0
    assert left_to_gain(0.1, 1.0) == np.inf
