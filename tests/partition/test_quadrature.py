import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special

from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.foundations.estimates import Guarantee
from densimeter.partition import quadrature

EVERYWHERE = np.full(3, -np.inf), np.full(3, np.inf)


def everywhere(n_features):
    return tuple(end[:n_features] for end in EVERYWHERE)


def normal_energy(x, mean, scale):
    """Of a normalised Gaussian: log Z = 0."""
    return 0.5 * (((x - mean) / scale) ** 2).sum() + x.size * (jnp.log(scale) + 0.5 * math.log(2 * math.pi))


@pytest.mark.parametrize("n_features", [1, 2, 3])
@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (1e6, 1.0), (3.3, 1e-6), (-2.0, 1e5)])
def test_gaussians_wherever_they_lie_and_however_narrow(n_features, mean, scale):
    found = quadrature(lambda x: normal_energy(x, mean, scale), *everywhere(n_features), tolerance=1e-6)
    assert found.estimate.guarantee is Guarantee.BOUNDED
    assert found.estimate.contains(0.0)
    assert abs(found.estimate.value) < 1e-8


def test_asymmetric_energy_on_the_line_and_on_the_half_line():
    """exp(x) - a x has Z = Gamma(a), and so has x - (a - 1) log x on x > 0."""
    line = quadrature(lambda x: jnp.exp(x[0]) - 2.5 * x[0], -np.inf, np.inf)
    half = quadrature(lambda x: x[0] - 1.5 * jnp.log(x[0]), 0.0, np.inf)
    mirrored = quadrature(lambda x: -x[0] - 1.5 * jnp.log(-x[0]), -np.inf, 0.0)
    for found in (line, half, mirrored):
        assert found.estimate.contains(special.gammaln(2.5))
        assert found.estimate.half_width < 1e-7


def test_agrees_with_scipy_on_a_banana_in_a_box():
    def density(y, x):
        return math.exp(-0.5 * x**2 - 5 * (y - x**2) ** 2)

    expected, _ = integrate.dblquad(density, -2, 3, -1, 4, epsabs=1e-12)
    found = quadrature(lambda x: 0.5 * x[0] ** 2 + 5 * (x[1] - x[0] ** 2) ** 2, [-2, -1], [3, 4])
    assert found.estimate.value == pytest.approx(math.log(expected), abs=1e-8)


def test_heavy_tails_have_a_finite_integral():
    found = quadrature(lambda x: jnp.log1p(x**2).sum(), *everywhere(2))
    assert found.estimate.contains(2 * math.log(math.pi))


def two_widths(x, narrow):
    wide, spike = -normal_energy(x, 0.0, 1.0), -normal_energy(x, 5.0, narrow)
    return -jnp.logaddexp(wide, spike)


def test_a_narrow_spike_beside_the_bulk_is_found():
    found = quadrature(lambda x: two_widths(x, 1e-3), *everywhere(1))
    assert found.estimate.contains(math.log(2))


def test_a_spike_below_the_resolution_is_announced_and_a_hint_finds_it():
    narrow = 1e-7
    blind = quadrature(lambda x: two_widths(x, narrow), *everywhere(2))
    assert blind.resolution > narrow
    assert "blind to peaks narrower than" in blind.estimate.method
    hinted = quadrature(lambda x: two_widths(x, narrow), *everywhere(2), hints=[[5.0, 5.0]])
    assert hinted.estimate.contains(math.log(2))


def test_a_jump_at_an_edge_nobody_told():
    found = quadrature(
        lambda x: jnp.where(x @ x < 1, 0.0, jnp.inf), [-2, -2], [2, 2], tolerance=1e-3, max_evaluations=10**6
    )
    assert found.estimate.contains(math.log(math.pi))


def test_an_energy_that_cannot_be_normalised_promises_nothing():
    found = quadrature(lambda x: 0.0 * x[0], -np.inf, np.inf, max_evaluations=10**5)
    assert found.estimate.guarantee is Guarantee.NONE
    assert "did not converge" in found.estimate.method


def test_no_support_at_all():
    found = quadrature(lambda x: jnp.inf + 0 * x[0], 0, 1)
    assert found.estimate.guarantee is Guarantee.NONE
    assert found.estimate.value == -math.inf


def test_values_far_beyond_the_range_of_floats():
    found = quadrature(lambda x: normal_energy(x, 0.0, 1.0) - 5000, *everywhere(2))
    assert found.estimate.value == pytest.approx(5000, abs=1e-8)


@pytest.mark.parametrize(
    ("lower", "upper"), [([0] * 4, [1] * 4), ([1], [0]), ([0, 0], [1]), ([math.nan], [1])]
)
def test_impossible_boxes_are_refused(lower, upper):
    with pytest.raises(SettingError, match="ends of the box"):
        quadrature(lambda x: x @ x, lower, upper)


def test_nan_is_refused():
    with pytest.raises(NonFiniteError, match="not finite"):
        quadrature(lambda x: jnp.sqrt(x[0]), -1, 1)


def test_new_parameters_do_not_recompile():
    traces = []

    def energy(scale, x):
        traces.append(scale)
        return scale * x @ x

    counts = []
    for scale in (1.0, 2.0):
        quadrature(jax.tree_util.Partial(energy, jnp.asarray(scale)), *everywhere(1))
        counts.append(len(traces))
    assert counts[0] == counts[1]
