"""Other metrics against scikit-learn, and the sphere's kernel against quadrature."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.neighbors import KernelDensity as Reference

from densimeter.foundations.errors import DataError, FitError, SettingError
from densimeter.kernel_density.estimator import KernelDensity


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "haversine"])
@pytest.mark.parametrize("kernel", ["gaussian", "tophat", "epanechnikov", "exponential"])
def test_other_metrics_are_those_of_scikit_learn(metric, kernel):
    rng = np.random.default_rng(0)
    X, Y, weights = rng.normal(size=(50, 2)), rng.normal(size=(20, 2)), rng.random(50)
    ours = KernelDensity(0.8, kernel=kernel, metric=metric).fit(X, sample_weight=weights)
    theirs = Reference(bandwidth=0.8, kernel=kernel, metric=metric, rtol=0).fit(X, sample_weight=weights)
    np.testing.assert_allclose(ours.score_samples(Y), theirs.score_samples(Y), rtol=1e-6, atol=1e-6)


def test_the_power_of_minkowski():
    X = np.random.default_rng(0).normal(size=(50, 2))
    plain = KernelDensity(0.5).fit(X).score_samples(X)
    two = KernelDensity(0.5, metric="minkowski", metric_params={"p": 2}).fit(X).score_samples(X)
    one = KernelDensity(0.5, metric="minkowski", metric_params={"p": 1}).fit(X).score_samples(X)
    other = KernelDensity(0.5, metric="manhattan").fit(X).score_samples(X)
    np.testing.assert_array_equal(two, plain)
    np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(("atol", "rtol"), [(1e-2, 0), (0, 1e-2), (1e-6, 1e-6)])
def test_tolerances_are_kept(atol, rtol):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 2)), rng.normal(size=(50, 2))
    loose = np.exp(KernelDensity(0.3, atol=atol, rtol=rtol).fit(X).score_samples(Y))
    exact = np.array([stats.norm(0, 0.3).pdf(Y[:, None] - X).prod(-1).mean(1)])[0]
    np.testing.assert_allclose(loose, exact, atol=atol, rtol=max(rtol, 1e-6))


@pytest.mark.parametrize("bandwidth", [0.05, 0.5, 3.0])
def test_the_kernel_of_the_sphere_has_mass_one(bandwidth):
    X = np.array([[0.3, 1.0], [-1.2, 3.0], [np.pi / 2, 0.0]])
    model = KernelDensity(bandwidth, kernel="von_mises_fisher").fit(X, sample_weight=[1, 2, 3])

    def density(longitude, latitude):
        return np.exp(model.score_samples([[latitude, longitude]])[0]) * np.cos(latitude)

    latitudes, at = np.polynomial.legendre.leggauss(160)
    longitudes = np.linspace(-np.pi, np.pi, 320, endpoint=False)
    grid = np.stack(np.meshgrid(np.arcsin(latitudes), longitudes, indexing="ij"), -1).reshape(-1, 2)
    mass = np.exp(model.score_samples(grid)).reshape(160, 320).mean(1) @ at * 2 * np.pi
    assert mass == pytest.approx(1, abs=1e-6)
    part, _ = integrate.dblquad(density, 0.2, 0.4, 0.9, 1.1, epsabs=1e-7)
    drawn = model.sample(20_000, random_state=0)
    inside = ((drawn > [0.2, 0.9]) & (drawn < [0.4, 1.1])).all(1).mean()
    assert inside == pytest.approx(part, abs=4 * np.sqrt(part / 20_000) + 1e-3)


def test_the_sphere_turns_without_changing_scores():
    rng = np.random.default_rng(1)
    X = np.column_stack([np.arcsin(rng.uniform(-1, 1, 40)), rng.uniform(-np.pi, np.pi, 40)])
    model = KernelDensity(kernel="von_mises_fisher").fit(X)
    longitude = (X[:, 1] + 2.0 + np.pi) % (2 * np.pi) - np.pi  # over the date line
    turned_rows = np.column_stack([X[:, 0], longitude])
    turned = KernelDensity(kernel="von_mises_fisher").fit(turned_rows)
    assert turned.bandwidth_ == pytest.approx(model.bandwidth_, rel=1e-9)
    np.testing.assert_allclose(turned.score_samples(turned_rows), model.score_samples(X), atol=1e-9)


def test_what_cannot_be_is_told():
    X = np.zeros((3, 2)) + np.arange(3)[:, None]
    with pytest.raises(SettingError, match="invalid metric"):
        KernelDensity(1.0, algorithm="kd_tree", metric="haversine").fit(X)
    with pytest.raises(DataError, match="pole"):
        KernelDensity(1.0, kernel="von_mises_fisher").fit(X)
    with pytest.raises(FitError, match="draw"):
        KernelDensity(1.0, metric="manhattan").fit(X).sample()
    with pytest.raises(FitError, match="Euclid"):
        KernelDensity(1.0, metric="manhattan").fit(X).gradient(X)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev"])
def test_the_search_under_a_metric_goes_on_until_the_best_is_inside(metric):
    """Against direct sums over a dense grid: a far row, whose own term hides the others' in any sum."""
    X = np.vstack([np.random.default_rng(0).normal(size=(100, 2)), [[1000.0, 0.0]]])
    model = KernelDensity(metric=metric).fit(X)
    scan = model.bandwidth_scores_
    assert 0 < scan.best < len(scan.scores) - 1
    distances = cdist(X, X, {"manhattan": "cityblock"}.get(metric, metric))

    def leave_one_out(h):
        logs = -0.5 * (distances / h) ** 2 - np.log(2 * np.pi * h * h)
        np.fill_diagonal(logs, -np.inf)
        return np.mean(logsumexp(logs, axis=1) - np.log(len(X) - 1))

    assert scan.scores[scan.best] == pytest.approx(leave_one_out(model.bandwidth_), rel=1e-9)
    best = max(leave_one_out(h) for h in np.geomspace(model.bandwidth_ / 30, model.bandwidth_ * 30, 200))
    assert scan.scores[scan.best] > best - 0.02
    far = KernelDensity(metric=metric).fit(X[:-1], X_val=[[500.0, 0.0]])
    assert far.bandwidth_ > 100


@pytest.mark.filterwarnings("ignore:the widest bandwidth")
def test_rows_spread_evenly_over_the_sphere_and_rows_tied_throughout():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arcsin(rng.uniform(-1, 1, 200)), rng.uniform(-np.pi, np.pi, 200)])
    even = KernelDensity(kernel="von_mises_fisher").fit(X)
    assert even.score_samples(X) == pytest.approx(-np.log(4 * np.pi), abs=0.3)
    with pytest.raises(DataError, match="distinct row"):
        KernelDensity(metric="manhattan").fit(np.ones((5, 2)))
