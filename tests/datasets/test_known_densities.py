"""Every known density integrates to one, and its samples follow it."""

import math

import mpmath
import numpy as np
import pytest
from scipy import integrate, stats

from densimeter.datasets import Checkerboard, RingOfGaussians, TwoMoons, make_ring
from densimeter.foundations.errors import DataError, SettingError

DENSITIES = [
    RingOfGaussians(10, 10.0),
    RingOfGaussians(3, 1.0),
    RingOfGaussians(1, 0.0),
    RingOfGaussians(math.inf, 10.0),
    RingOfGaussians(math.inf, 0.0),
    TwoMoons(0.1),
    TwoMoons(0.5),
    Checkerboard(),
]


@pytest.mark.parametrize("density", DENSITIES, ids=repr)
def test_integrates_to_one(density):
    reach, cells = (6, 401) if isinstance(density, TwoMoons) else (16, 801)
    edges = np.linspace(-reach, reach, cells)
    middles = (edges[:-1] + edges[1:]) / 2
    grid = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    mass = np.exp(density.log_prob(grid)).sum() * (edges[1] - edges[0]) ** 2
    assert mass == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("density", DENSITIES, ids=repr)
def test_samples_follow_the_density(density):
    """Counts in the quadrants and rings of a coarse partition against the density's own mass there."""
    X = density.sample(40_000, random_state=1)
    reach = 4 if isinstance(density, TwoMoons) else 16
    edges = np.linspace(-reach, reach, 321)
    middles = (edges[:-1] + edges[1:]) / 2
    grid = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1)
    mass = np.exp(density.log_prob(grid.reshape(-1, 2))).reshape(320, 320) * (edges[1] - edges[0]) ** 2
    expected = mass.reshape(64, 5, 64, 5).sum(axis=(1, 3)) * len(X)
    observed, *_ = np.histogram2d(X[:, 0], X[:, 1], bins=[edges[::5]] * 2)
    kept = expected > 5
    chi_square = ((observed - expected)[kept] ** 2 / expected[kept]).sum()
    assert stats.chi2.sf(chi_square, kept.sum()) > 1e-4


def test_ring_equals_scipy_mixture():
    ring = RingOfGaussians(7, 3.0)
    X = np.random.default_rng(0).normal(size=(50, 2)) * 4
    by_scipy = np.log(np.mean([stats.multivariate_normal(mean).pdf(X) for mean in ring.means], axis=0))
    np.testing.assert_allclose(ring.log_prob(X), by_scipy, rtol=1e-12)


def test_infinite_ring_is_the_limit_of_finite_ones():
    X = RingOfGaussians(math.inf, 4.0).sample(200, random_state=0)
    np.testing.assert_allclose(
        RingOfGaussians(math.inf, 4.0).log_prob(X), RingOfGaussians(200, 4.0).log_prob(X), rtol=1e-12
    )


def test_far_points_stay_finite():
    far = np.array([[1e6, 0.0], [0.0, -1e5], [3e3, 3e3]])
    for density in (RingOfGaussians(10, 10.0), RingOfGaussians(math.inf, 10.0), TwoMoons(0.1)):
        assert np.isfinite(density.log_prob(far)).all()


@pytest.mark.parametrize("noise", [0.05, 0.3])
@pytest.mark.parametrize("point", [(0.0, 1.0), (0.3, 0.2), (-4.0, -3.0), (0.0, 0.0), (30.0, 2.0)])
def test_moons_against_mpmath(noise, point):
    def log_integral(x, y):
        """With the largest exponent taken out, so that mpmath's error control sees numbers near one."""
        peak = mpmath.atan2(y, x) if y >= 0 else mpmath.pi * (x < 0)

        def exponent(t):
            return -((x - mpmath.cos(t)) ** 2 + (y - mpmath.sin(t)) ** 2) / (2 * mpmath.mpf(noise) ** 2)

        top, pieces = exponent(peak), mpmath.linspace(0, mpmath.pi, 150)
        scaled = mpmath.quad(lambda t: mpmath.exp(exponent(t) - top), pieces, method="gauss-legendre")
        return mpmath.log(scaled) + top

    with mpmath.workdps(20):
        x, y = (mpmath.mpf(c) for c in point)
        upper, lower = log_integral(x, y), log_integral(1 - x, 0.5 - y)
        norm = mpmath.log(4 * mpmath.pi**2 * mpmath.mpf(noise) ** 2)
        exact = upper + mpmath.log1p(mpmath.exp(lower - upper)) - norm
    assert TwoMoons(noise).log_prob([point])[0] == pytest.approx(float(exact), rel=1e-13, abs=1e-13)


def test_entropy_of_the_ring_is_the_known_oracle():
    """Well apart, the entropy is log 10 + log 2 pi e = 5.14; the yardstick's oracle is about -5.13."""
    ring = RingOfGaussians(10, 10.0)
    score = ring.log_prob(ring.sample(100_000, random_state=0)).mean()
    assert score == pytest.approx(-5.13, abs=0.02)


def test_checkerboard_is_uniform_on_half_the_board():
    area, _ = integrate.dblquad(
        lambda y, x: float(np.exp(Checkerboard().log_prob([[x, y]])[0])), -4, -2, -4, -2
    )
    assert area == pytest.approx(1 / 8, rel=1e-9)
    assert Checkerboard().log_prob([[4.0, 4.0], [9.0, -9.0]]).tolist() == [-np.inf, -np.inf]


def test_same_seed_same_rows_and_labels_match():
    X, y = make_ring(300, n_components=5, radius=30.0, random_state=3)
    again, _ = make_ring(300, n_components=5, radius=30.0, random_state=3)
    np.testing.assert_array_equal(X, again)
    nearest = ((X[:, None] - RingOfGaussians(5, 30.0).means) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, y)


def test_labels_of_the_infinite_ring_are_angles():
    X, angles = make_ring(500, n_components=math.inf, radius=1000.0, random_state=0)
    np.testing.assert_allclose(np.mod(np.arctan2(X[:, 1], X[:, 0]), 2 * np.pi), angles, atol=0.01)


@pytest.mark.parametrize("bad", [0, -3, 2.5, float("nan"), "ten"])
def test_number_of_components_is_checked(bad):
    with pytest.raises(SettingError, match="n_components"):
        RingOfGaussians(bad)


def test_rows_of_another_shape_are_refused():
    with pytest.raises(DataError, match="plane"):
        RingOfGaussians().log_prob(np.zeros((3, 4)))
