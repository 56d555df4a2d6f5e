"""Samples follow the density, by rejection and by chains, and say how they were made."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest, norm

from densimeter.energy.base import fit_gaussian
from densimeter.energy.density import TiltedDensity
from densimeter.energy.sampling import draw
from densimeter.energy.tilt import FinishedTilt, Tilt, Unbounded
from densimeter.foundations.errors import DensimeterWarning, FitError
from densimeter.foundations.precision import double_precision


class Slope(eqx.Module):
    """g(x) = slope * x, which moves the standard normal by `slope`, with Z = exp(slope^2 / 2)."""

    slope: jax.Array

    def __call__(self, x):
        return self.slope * x[0]


def moved_normal(slope, ceiling):
    rows = np.random.default_rng(0).normal(size=(100, 1))
    base = fit_gaussian((rows - rows.mean()) / rows.std())
    tilt = FinishedTilt(Tilt(Slope(np.float64(slope)), Unbounded()), np.float64(1), np.float64(ceiling))
    return TiltedDensity(base, tilt).in_double_precision(), slope**2 / 2


def test_rejection_is_exact_and_tells_its_acceptance():
    density, log_z = moved_normal(1.0, ceiling=6.0)
    drawn = draw(density, log_z, jax.random.key(0), 3000)
    assert drawn.is_exact
    assert drawn.method == "rejection"
    assert drawn.rows.shape == (3000, 1)
    assert kstest(drawn.rows[:, 0], norm(1, 1).cdf).pvalue > 1e-3
    assert drawn.acceptance == pytest.approx(np.exp(log_z - 6), rel=0.1)


def test_chains_take_over_where_rejection_is_hopeless_and_say_so():
    density, log_z = moved_normal(1.0, ceiling=60.0)
    with pytest.warns(DensimeterWarning, match="MALA"):
        drawn = draw(density, log_z, jax.random.key(0), 3000)
    assert not drawn.is_exact
    assert kstest(drawn.rows[:, 0], norm(1, 1).cdf).pvalue > 1e-3
    assert 0.4 < drawn.acceptance < 0.75


def test_same_key_same_rows_and_another_key_others():
    density, log_z = moved_normal(0.5, ceiling=3.0)
    one, same, other = (draw(density, log_z, jax.random.key(k), 100).rows for k in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.isclose(one, other).any()


def test_ceiling_cuts_the_tilt():
    density, _ = moved_normal(1.0, ceiling=0.5)
    with double_precision():
        tilts = jax.vmap(density.tilt)(jnp.asarray([[-2.0], [0.25], [3.0]]))
    np.testing.assert_allclose(tilts, [-2.0, 0.25, 0.5], rtol=1e-6)
    assert density.tilt.range == (-np.inf, 0.5)


def test_sampling_ends_where_log_z_does_not_belong_to_the_tilt():
    density, _ = moved_normal(np.nan, ceiling=0.0)
    with pytest.raises(FitError, match="draws of the base 0 were accepted, where log Z foretells"):
        draw(density, 0.0, jax.random.key(0), 10)
