"""Validation rows keep what a tilt has learned and throw away what it made up."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from densimeter.energy.base import fit_gaussian
from densimeter.energy.validation import N_POINTS, Validation, judge


class Slope(eqx.Module):
    """t(x) = slope * x."""

    slope: float

    def __call__(self, x):
        return self.slope * x[0]


def validation_of(n_rows, mean, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(mean, 1, (n_rows, 1))
    points = rng.normal(0, 1, (N_POINTS, 1))
    return Validation(jnp.asarray(rows), jnp.ones(n_rows), jnp.asarray(points))


def test_a_right_tilt_keeps_its_strength_and_gains_its_divergence():
    """Rows N(1, 1), base N(0, 1): t(x) = x is right, and gains 1/2 nat."""
    strength, gain = judge(Slope(1.0), validation_of(5000, 1.0))
    assert strength == pytest.approx(1, abs=0.11)
    assert gain == pytest.approx(0.5, abs=0.05)


def test_a_tilt_twice_too_strong_is_halved():
    strength, _ = judge(Slope(2.0), validation_of(5000, 1.0))
    assert strength == pytest.approx(0.5, abs=0.06)


def test_a_wrong_tilt_is_dropped():
    assert judge(Slope(-1.0), validation_of(5000, 1.0)) == (0.0, 0.0)


def test_a_tilt_of_noise_is_mostly_dropped():
    """Rows of the base itself: whatever is kept harms, in expectation less than without shrinking."""
    kept = [judge(Slope(0.3), validation_of(100, 0.0, seed)).strength for seed in range(40)]
    assert np.mean(np.array(kept) == 0) > 0.7


def test_a_single_row_supports_nothing():
    assert judge(Slope(1.0), validation_of(1, 3.0)) == (0.0, 0.0)


def test_padding_does_not_count():
    rows = np.random.default_rng(0).normal(size=(70, 1))
    validation = Validation.of(rows, fit_gaussian(rows), jax.random.key(0))
    assert validation.rows.shape[0] > 70
    exact = Validation(validation.rows[:70], jnp.ones(70), validation.points)
    assert judge(Slope(0.2), validation) == judge(Slope(0.2), exact)
