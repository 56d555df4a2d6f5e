from __future__ import annotations

import numpy as np
import pytest

from densimeter.foundations.errors import DataError, DensimeterWarning, FitError, SettingError
from densimeter.foundations.estimates import Guarantee
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.kernel_density.stream import StreamedSum
from densimeter.storage import load, save


def rows(n=3000, n_features=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, n_features)) * 2


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_batches_equal_one_shot(n_features):
    X, queries = rows(n_features=n_features), rows(200, n_features, seed=1) / 2
    weights = np.random.default_rng(2).uniform(0.5, 2, size=len(X))
    one_shot = KernelDensity(bandwidth=1.5).fit(X, sample_weight=weights)
    streamed = KernelDensity(bandwidth=1.5)
    for batch in np.array_split(np.arange(len(X)), 5):
        streamed.partial_fit(X[batch], sample_weight=weights[batch])
    np.testing.assert_allclose(
        np.exp(streamed.score_samples(queries)), np.exp(one_shot.score_samples(queries)), atol=1e-12
    )
    assert streamed.guarantee_ is Guarantee.UPPER_BOUND
    assert one_shot.guarantee_ is Guarantee.BOUNDED


def test_the_summary_is_the_same_in_any_batches():
    X = rows()
    empty = StreamedSum.around(X[:500], np.ones(2))
    weights = np.ones(len(X))
    whole = empty.add(X, weights)
    parts = [empty.add(X[i : i + 700], weights[i : i + 700]) for i in range(0, 3000, 700)]
    forwards, backwards = empty, empty
    for part in parts:
        forwards = forwards.merge(part)
    for part in reversed(parts):
        backwards = part.merge(backwards)
    for merged in (forwards, backwards):
        np.testing.assert_allclose(merged.summary.finish(), whole.summary.finish(), atol=1e-12, rtol=0)
        assert merged.n_rows == whole.n_rows == 3000


def test_what_the_tails_lose_is_said_and_is_an_upper_bound():
    X = rows()
    streamed = KernelDensity(bandwidth=0.5).partial_fit(X)
    queries = np.array([[0.0, 0.0], [13.0, 0.0], [1e6, 0.0]])
    with pytest.warns(DensimeterWarning, match="2 of 3 rows"):
        found = streamed.score_samples(queries)
    exact = KernelDensity(bandwidth=0.5).fit(X).score_samples(queries)
    bound = streamed.log_error_bound(queries)
    assert bound[0] < 1e-6 < bound[1]
    assert abs(found[0] - exact[0]) < 1e-6
    assert np.all(found >= exact - 1e-6)
    assert np.all(np.isfinite(found))


def test_rows_outside_the_box_are_kept_and_counted_exactly():
    X = np.concatenate([rows(), [[500.0, 0.0], [500.0, 1.0]]])
    streamed = KernelDensity(bandwidth=1.0).partial_fit(X[:1000]).partial_fit(X[1000:])
    exact = KernelDensity(bandwidth=1.0).fit(X)
    near = np.array([[500.0, 0.5], [0.0, 0.0]])
    np.testing.assert_allclose(streamed.score_samples(near), exact.score_samples(near), atol=1e-6)


def test_too_many_strays_are_an_error():
    streamed = KernelDensity(bandwidth=1.0).partial_fit(rows())
    with pytest.raises(DataError, match="shuffle"):
        streamed.partial_fit(rows(10_001) + 1e4)


def test_a_bandwidth_to_be_chosen_leaves_no_partial_fit():
    assert not hasattr(KernelDensity(), "partial_fit")
    assert hasattr(KernelDensity(bandwidth=1.0), "partial_fit")


def test_fit_after_partial_fit_keeps_rows_again():
    model = KernelDensity(bandwidth=1.0).partial_fit(rows()).fit(rows(50))
    assert model.guarantee_ is Guarantee.BOUNDED
    assert model.sample(3, random_state=0).shape == (3, 2)


@pytest.mark.parametrize("what", ["sample", "gradient"])
def test_what_needs_the_rows_says_so(what):
    streamed = KernelDensity(bandwidth=1.0).partial_fit(rows())
    with pytest.raises(FitError, match="rows"):
        streamed.sample(1) if what == "sample" else streamed.gradient(rows(3))


@pytest.mark.parametrize(
    ("settings", "n_features"),
    [
        ({"bandwidth": 1.0, "kernel": "tophat"}, 2),
        ({"bandwidth": 1.0}, 4),
        ({"bandwidth": 1e-9}, 2),
    ],
)
def test_refuses_what_constant_memory_cannot_do(settings, n_features):
    with pytest.raises(SettingError):
        KernelDensity(**settings).partial_fit(rows(n_features=n_features))


@pytest.mark.parametrize(
    "settings", [{"bandwidth": 0.5}, {"bandwidth": np.diag([0.3, 0.6])}, {"bandwidth": "scott"}]
)
def test_partial_fit_after_fit_goes_on_with_the_rows_fitted(settings, tmp_path):
    X, later = rows(2000), rows(20, seed=3) + 1
    weights = np.random.default_rng(4).uniform(0.5, 40, size=len(X))
    fitted = KernelDensity(**settings).fit(X, sample_weight=weights)
    save(fitted, tmp_path / "model.dm")
    whole = KernelDensity(fitted.bandwidth_).fit(
        np.concatenate([X, later]), sample_weight=np.concatenate([weights, np.ones(20)])
    )
    queries = rows(50, seed=1) / 2
    for model in (load(tmp_path / "model.dm"), fitted):
        model.set_params(bandwidth=model.bandwidth_)
        found = model.partial_fit(later).score_samples(queries)
        np.testing.assert_allclose(np.exp(found), np.exp(whole.score_samples(queries)), atol=1e-12)


def test_a_refused_partial_fit_leaves_the_fit_as_it_was():
    model = KernelDensity(bandwidth=1.0, kernel="tophat").fit(rows())
    before = model.score_samples(rows(20, seed=1))
    with pytest.raises(SettingError, match="Gaussian kernel"):
        model.partial_fit(rows(20, seed=2))
    np.testing.assert_array_equal(model.score_samples(rows(20, seed=1)), before)
    assert model.guarantee_ is Guarantee.BOUNDED
