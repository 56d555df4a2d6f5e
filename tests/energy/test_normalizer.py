"""log Z against what is known: no tilt, a linear tilt, quadrature in two dimensions."""

import equinox as eqx
import jax
import numpy as np
import pytest

from densimeter.energy import EnergyModel
from densimeter.energy import density as densities
from densimeter.energy.base import fit_gaussian
from densimeter.energy.density import TiltedDensity
from densimeter.energy.normalizer import Precision, estimate_log_z
from densimeter.energy.tilt import FinishedTilt, TanhBound, Tilt, Unbounded
from densimeter.foundations.errors import DensimeterWarning
from densimeter.foundations.estimates import Guarantee


class Slope(eqx.Module):
    """g(x) = slope * x."""

    slope: jax.Array

    def __call__(self, x):
        return self.slope * x[0]


def standard_normal(tilt, strength=1.0, ceiling=4.0):
    rows = np.random.default_rng(0).normal(size=(100, 1))
    base = fit_gaussian((rows - rows.mean()) / rows.std())
    finished = FinishedTilt(tilt, np.float64(strength), np.float64(ceiling))
    return TiltedDensity(base, finished).in_double_precision()


def test_no_tilt_is_exact():
    density = standard_normal(Tilt(Slope(np.float64(1)), TanhBound(2.0)), strength=0.0, ceiling=0.0)
    log_z = estimate_log_z(density, Precision(0.01, 0.95), jax.random.key(0))
    assert (log_z.value, log_z.lower, log_z.upper) == (0.0, 0.0, 0.0)
    assert log_z.guarantee is Guarantee.EXACT


def test_linear_tilt_of_a_normal():
    """Z = exp(slope^2 / 2), the ceiling being out of reach."""
    density = standard_normal(Tilt(Slope(np.float64(0.5)), Unbounded()), ceiling=4.0)
    log_z = estimate_log_z(density, Precision(0.02, 0.99), jax.random.key(0))
    assert log_z.contains(0.125)
    assert log_z.upper - log_z.lower <= 0.02
    assert log_z.guarantee is Guarantee.CERTIFIED


def test_an_unreached_width_is_said():
    density = standard_normal(Tilt(Slope(np.float64(0.5)), Unbounded()), ceiling=4.0)
    with pytest.warns(DensimeterWarning, match="certified to a width"):
        log_z = estimate_log_z(density, Precision(1e-4, 0.99, max_samples=2**14), jax.random.key(0))
    assert log_z.contains(0.125)


def test_certificate_of_a_trained_model_contains_quadrature():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2)) + 3 * rng.choice([-1, 1], (500, 1))
    model = EnergyModel(
        base="gaussian", hidden=(16,), n_frequencies=4, max_steps=300, log_z_width=0.05, random_state=0
    ).fit(X)
    # midpoints of a fine grid: for a smooth density that has vanished at the edge the error is negligible
    edges = np.linspace(-6, 6, 601)
    middles = (edges[1:] + edges[:-1]) / 2
    points = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    mass = np.exp(densities.values(model.density_, points)).sum() * (edges[1] - edges[0]) ** 2
    assert model.log_normalizer_.contains(np.log(mass))
