from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import stats

from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.profiles import KERNELS, draw_from

PROFILES = {
    "gaussian": lambda u: mpmath.exp(-(u**2) / 2),
    "exponential": lambda u: mpmath.exp(-u),
    "tophat": lambda u: mpmath.mpf(1),
    "epanechnikov": lambda u: 1 - u**2,
    "linear": lambda u: 1 - u,
    "cosine": lambda u: mpmath.cos(mpmath.pi * u / 2),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("n_features", [1, 2, 3, 8, 20, 60])
def test_normalizer_is_the_radial_integral(name, n_features):
    d = mpmath.mpf(n_features)
    reach = [0, 1] if np.isfinite(KERNELS[name].support_radius) else [0, 2, 8, 30, 80, 200, mpmath.inf]
    sphere = 2 * mpmath.pi ** (d / 2) / mpmath.gamma(d / 2)
    integral = sphere * mpmath.quad(lambda u: PROFILES[name](u) * u ** (n_features - 1), reach)
    assert KERNELS[name].log_normalizer(n_features) == pytest.approx(float(mpmath.log(integral)), abs=1e-12)


@pytest.mark.parametrize("name", KERNELS)
def test_profile_is_its_formula(name):
    u = np.linspace(0, 0.999, 57)
    with double_precision():
        found = np.asarray(KERNELS[name].log_profile(np.asarray(u**2)))
    np.testing.assert_allclose(
        found, [float(mpmath.log(PROFILES[name](mpmath.mpf(x)))) for x in u], atol=1e-12
    )


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("n_features", [1, 3, 20])
def test_draws_follow_the_kernel(name, n_features):
    draws = draw_from(KERNELS[name], np.random.default_rng(11), 4000, n_features)
    radii = np.linalg.norm(draws, axis=1)
    grid = np.linspace(0, max(1.0, radii.max()) * 1.2, 20_001)
    with double_precision(), np.errstate(divide="ignore"):
        weight = np.exp(np.asarray(KERNELS[name].log_profile(np.asarray(grid**2))))
    weight = weight * grid ** (n_features - 1)
    cumulative = np.concatenate([[0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    cumulative /= cumulative[-1]
    assert stats.kstest(radii, lambda u: np.interp(u, grid, cumulative)).pvalue > 1e-3
    assert abs(draws.mean(axis=0)).max() < 5 * draws.std() / np.sqrt(4000)
