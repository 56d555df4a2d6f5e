"""The certificate against quadrature on bounded tilts of a Gaussian in two dimensions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from densimeter import partition

BASE = partition.Gaussian(jnp.array([0.5, -1.0]), jnp.array([[1.0, 0.0], [0.6, 0.7]]))
EVERYWHERE = np.full(2, -np.inf), np.full(2, np.inf)


def tilt(parameters, x):
    """A small random network, bounded by 2."""
    inner, outer = parameters
    return 2 * jnp.tanh(outer @ jnp.tanh(inner @ x))


def energy(parameters, x):
    return -tilt(parameters, x) - BASE.log_prob(x)


def network(seed):
    inner_key, outer_key = jax.random.split(jax.random.key(seed))
    return 2 * jax.random.normal(inner_key, (8, 2)), jax.random.normal(outer_key, (8,))


@pytest.mark.parametrize("seed", range(25))
def test_interval_contains_the_quadrature(seed):
    """25 intervals at 99.9 %: all of them, and the bound is conservative besides."""
    parameters = network(seed)
    oracle = partition.quadrature(jax.tree_util.Partial(energy, parameters), *EVERYWHERE, tolerance=1e-6)
    found = partition.certificate(
        partition.TiltWeights(jax.tree_util.Partial(tilt, parameters), BASE),
        bounds=(-2, 2),
        width=0.03,
        confidence=0.999,
        random_state=seed,
    )
    assert found.width_reached
    assert found.estimate.contains(oracle.estimate.value)
