import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter import partition
from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.foundations.estimates import Guarantee
from densimeter.partition.bernstein import BLOCK, Sums
from densimeter.partition.certificate import _Goal, _planned

STANDARD = partition.Gaussian(jnp.zeros(1), jnp.eye(1))


def two_level(key, n_samples):
    """Weights 1 and 3 with probabilities 3/4 and 1/4: Z = 1.5."""
    return jnp.where(jax.random.uniform(key, (n_samples,)) < 0.25, math.log(3.0), 0.0)


def test_no_tilt_with_no_room_is_exactly_zero():
    found = partition.certificate(
        partition.TiltWeights(lambda x: 0.0 * x[0], STANDARD), bounds=(0, 0), random_state=0
    )
    assert found.estimate.value == found.estimate.lower == found.estimate.upper == 0
    assert found.estimate.guarantee is Guarantee.EXACT


def test_no_tilt_inside_wide_bounds_has_value_exactly_zero():
    found = partition.certificate(
        partition.TiltWeights(lambda x: 0.0 * x[0], STANDARD), bounds=(-3, 3), random_state=0
    )
    assert found.estimate.value == 0
    assert found.width_reached


def test_interval_is_the_inequality_of_maurer_and_pontil():
    """Against the theorem written out on the very same draws, for one look."""
    n = BLOCK
    found = partition.certificate(
        two_level,
        bounds=(0, math.log(3)),
        width=10,
        confidence=0.9,
        max_samples=n,
        random_state=jax.random.key(5),
    )
    with jax.enable_x64(True):
        _, key = jax.random.split(jax.random.key(5))  # the first half is the pilot's
        draws = np.exp(np.asarray(two_level(jax.random.fold_in(key, 0), n), np.float64))
    log_term = math.log(2 / 0.05)
    error = math.sqrt(2 * draws.var(ddof=1) * log_term / n) + 7 * 2 * log_term / (3 * (n - 1))
    ends = np.log([draws.mean() - error, draws.mean() + error])
    np.testing.assert_allclose([found.estimate.lower, found.estimate.upper], ends, atol=1e-6)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_covers_the_known_constant_over_500_seeds(confidence):
    """Stopped at any of several looks; the bound is conservative, so coverage may only lie above."""
    misses = 0
    for seed in range(500):
        found = partition.certificate(
            two_level,
            bounds=(0, math.log(3)),
            width=0.02,
            confidence=confidence,
            max_samples=2**21,
            random_state=seed,
        )
        assert found.width_reached
        misses += not found.estimate.contains(math.log(1.5))
    assert misses <= 500 * (1 - confidence)


def test_says_when_samples_end_before_the_width():
    found = partition.certificate(
        two_level, bounds=(0, math.log(3)), width=1e-6, max_samples=2 * BLOCK, random_state=0
    )
    assert not found.width_reached
    assert found.n_samples == 2 * BLOCK
    assert "max_samples ended before width" in found.estimate.method
    assert found.estimate.guarantee is Guarantee.CERTIFIED
    assert found.estimate.contains(math.log(1.5))


def test_a_mode_too_rare_to_be_drawn_stays_inside_the_interval():
    """A weight of e^12 with probability 1e-6 is not drawn here; the upper end knows that it may be there."""

    def rare(key, n_samples):
        return jnp.where(jax.random.uniform(key, (n_samples,)) < 1e-6, 12.0, 0.0)

    found = partition.certificate(rare, bounds=(0, 12), max_samples=BLOCK, random_state=1)
    assert found.estimate.value == 0
    assert found.estimate.contains(math.log1p(1e-6 * (math.exp(12) - 1)))


def test_weights_of_zero_are_weights():
    def half(key, n_samples):
        return jnp.where(jax.random.uniform(key, (n_samples,)) < 0.5, -jnp.inf, 0.0)

    found = partition.certificate(half, bounds=(-math.inf, 0), width=0.05, random_state=0)
    assert found.estimate.contains(math.log(0.5))


def test_a_seed_a_generator_and_a_key_each_repeat_themselves():
    def run(state):
        return partition.certificate(two_level, bounds=(0, 2), max_samples=BLOCK, random_state=state).estimate

    assert run(3) == run(3) != run(4)
    assert run(np.random.default_rng(3)) == run(3)
    assert run(jax.random.key(3)) == run(jax.random.key(3))


@pytest.mark.parametrize("bounds", [(1, 0), (0, math.inf), (math.nan, 0), (0, math.nan)])
def test_impossible_bounds_are_refused(bounds):
    with pytest.raises(SettingError, match="bounds of the log weights"):
        partition.certificate(two_level, bounds=bounds)


def test_weights_outside_the_bounds_are_refused():
    with pytest.raises(SettingError, match="outside the bounds"):
        partition.certificate(two_level, bounds=(0, 0.5), random_state=0)


def test_nan_weights_are_refused():
    with pytest.raises(NonFiniteError, match="NaN"):
        partition.certificate(lambda key, n: jnp.full(n, jnp.nan), bounds=(0, 1), random_state=0)


@given(st.floats(0, 1), st.floats(0, 0.3), st.floats(1e-4, 1), st.floats(1e-6, 0.5), st.integers(1, 2000))
def test_looks_double_end_at_the_most_and_spend_the_failure_probability_once(
    mean, variance, width, failure, most
):
    sums = [jnp.asarray(number) for number in (BLOCK, mean, variance * (BLOCK - 1), 0.0, 0.0)]
    looks = _planned(Sums(*sums), _Goal(-3.0, 0.0, width, failure), most)
    blocks, parts = zip(*looks, strict=True)
    assert blocks[-1] == most
    assert all(first < second <= 2 * first for first, second in itertools.pairwise(blocks))
    assert math.fsum(parts) == pytest.approx(failure)


def test_the_pilot_foretells_the_look_that_is_narrow_enough():
    """Moments are easy to know here, so that the first look succeeds and is not wasteful."""
    found = partition.certificate(two_level, bounds=(0, math.log(3)), width=0.01, random_state=0)
    assert found.width_reached
    assert found.estimate.upper - found.estimate.lower > 0.008
