"""Streams: what was fitted goes on, and neither the order nor the size of batches decides."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from densimeter.foundations.errors import FitError
from densimeter.mixture import GaussianMixture
from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.families import Parameters
from densimeter.mixture.fitting import is_proper
from densimeter.mixture.online import ROWS_TO_START, followed, pieces_of
from densimeter.storage import load, save


def blobs(k=3, d=2, n=10_000, seed=0):
    rng = np.random.default_rng(seed)
    return 4 * rng.standard_normal((k, d))[rng.integers(k, size=n)] + rng.standard_normal((n, d))


def two_clusters(n=10_000):
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(-4, 1, (n // 2, 1)), rng.normal(4, 1, (n // 2, 1))])


@pytest.mark.parametrize("how", ["fit", "fit_batches", "load", "pickle"])
def test_a_small_batch_after_a_fit_hardly_moves_it(how, tmp_path):
    X = two_clusters()
    model = GaussianMixture(2, random_state=0)
    model = model.fit_batches([X[:4000], X[4000:]]) if how == "fit_batches" else model.fit(X)
    if how == "load":
        save(model, tmp_path / "model.dm")
        model = load(tmp_path / "model.dm")
    model = pickle.loads(pickle.dumps(model)) if how == "pickle" else model
    before, score = model.means_.copy(), model.score(X)
    model.partial_fit(np.random.default_rng(1).normal(4, 1, (20, 1)))
    assert 0 < np.abs(model.means_ - before).max() < 0.1
    assert model.score(X) == pytest.approx(score, abs=1e-3)


def test_rows_count_with_their_weights():
    X, later = two_clusters(2000), np.random.default_rng(1).normal(4, 1, (100, 1))
    plain = GaussianMixture(2, random_state=0).fit(X).partial_fit(later)
    heavy = GaussianMixture(2, random_state=0).fit(X, sample_weight=np.full(2000, 7.0))
    heavy.partial_fit(later, sample_weight=np.full(100, 7.0))
    assert_allclose(heavy.means_, plain.means_, rtol=1e-12)
    light = GaussianMixture(2, random_state=0).fit(X).partial_fit(later, sample_weight=np.full(100, 1e-9))
    assert_allclose(light.means_, GaussianMixture(2, random_state=0).fit(X).means_, rtol=1e-6)


@pytest.mark.parametrize(
    ("k", "d", "seed"), [(2, 1, 0), (4, 2, 1), pytest.param(3, 5, 2, marks=pytest.mark.slow)]
)
def test_the_size_of_batches_does_not_decide(k, d, seed):
    X = blobs(k, d, seed=seed)
    whole = GaussianMixture(k, random_state=0).fit(X).score(X)
    for size in (3, 50, 100, 3000):
        model = GaussianMixture(k, random_state=0)
        for first in range(0, len(X), size):
            model.partial_fit(X[first : first + size])
        assert model.score(X) > whole - 0.02


@pytest.mark.filterwarnings("ignore:2 of 3 components have no rows")  # for as long as there is one row
def test_a_tiny_first_batch_kills_no_component():
    X = blobs(3)
    model = GaussianMixture(3, random_state=0).partial_fit(X[:1])
    assert not hasattr(model, "means_")  # fewer rows than components
    model.partial_fit(np.repeat(X[:1], 4, axis=0)).partial_fit(X[1:5]).partial_fit(X[5:])
    assert model.score(X) > GaussianMixture(3, random_state=0).fit(X).score(X) - 0.02


def test_while_rows_are_held_they_are_fitted_together():
    X = blobs(2, n=ROWS_TO_START // 2)
    model = GaussianMixture(2, random_state=0).partial_fit(X[:50]).partial_fit(X[50:])
    assert_allclose(model.means_, GaussianMixture(2, random_state=0).fit(X).means_, rtol=1e-12)


def test_gaps_and_single_precision_in_a_stream():
    X = blobs(2, 3, 4000)
    X[np.random.default_rng(1).random(X.shape) < 0.1] = np.nan
    whole = GaussianMixture(2, random_state=0).fit(X).score(X)
    for dtype in (np.float64, np.float32):
        model = GaussianMixture(2, random_state=0)
        for part in np.array_split(X.astype(dtype), 13):
            model.partial_fit(part)
        assert model.means_.dtype == dtype
        assert model.score(X) > whole - 0.02


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_step_without_news_leaves_the_mixture_as_it_is(name):
    X = blobs(2, 3, 500)
    model = GaussianMixture(2, covariance_type=name, random_state=0, tol=1e-12, max_iter=5000).fit(X)
    moved, _ = followed(model._family, Parameters(*model._parameters), X, np.ones(500), 1e12, model.reg_covar)
    assert is_proper(model._family, moved)
    for after, before in zip(moved, model._parameters, strict=True):
        assert_allclose(after, before, rtol=1e-7, atol=1e-9)


def test_steps_are_light_against_what_has_been_seen():
    weights = np.random.default_rng(0).uniform(0, 2, 5000)
    parts = pieces_of(weights, 100.0)
    assert np.concatenate([np.arange(part.start, part.stop) for part in parts]).tolist() == list(range(5000))
    before = 100.0
    for part in parts:
        assert weights[part].sum() < 0.08 * before  # a twentieth, and the row that crosses it
        before += weights[part].sum()


def test_a_mixture_that_was_given_does_not_know_what_it_weighs():
    model = GaussianMixture.from_parameters([1.0], [[0.0]], [[[1.0]]])
    with pytest.raises(FitError, match="how many rows"):
        model.partial_fit([[1.0], [2.0]])
