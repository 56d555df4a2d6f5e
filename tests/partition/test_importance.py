import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from densimeter import partition
from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.foundations.estimates import Guarantee

STANDARD = partition.Gaussian(jnp.zeros(2), jnp.eye(2))
BROAD = partition.Gaussian(jnp.zeros(1), 2 * jnp.eye(1))


def bowl(x):
    return 0.5 * x @ x


def gumbel(shape, x):
    """Asymmetric; Z = Gamma(shape)."""
    return jnp.exp(x[0]) - shape * x[0]


@pytest.mark.parametrize("n_samples", [2, 100, 5000])
def test_the_target_itself_as_proposal_is_exact(n_samples):
    found = partition.importance(lambda x: -STANDARD.log_prob(x), STANDARD, n_samples, random_state=0)
    assert found.estimate.value == 0
    assert found.estimate.guarantee is Guarantee.NONE  # equal weights: nothing is known of what they missed
    assert (found.estimate.lower, found.estimate.upper) == (-math.inf, math.inf)
    assert found.chi_square == 0
    assert found.effective_sample_size == n_samples


def test_estimate_and_interval_are_those_of_the_textbook():
    found = partition.importance(
        bowl, partition.Gaussian(jnp.ones(2), 1.5 * jnp.eye(2)), 3000, random_state=1
    )
    weights = np.exp(found.log_weights)
    error = weights.std(ddof=1) / math.sqrt(3000) / weights.mean()
    assert found.estimate.value == pytest.approx(math.log(weights.mean()), abs=1e-12)
    assert found.estimate.half_width == pytest.approx(1.9607 * error, rel=1e-3)


def test_covers_an_asymmetric_target_over_500_seeds():
    """At 95 % between 92.4 and 97.6 % of 500 seeds cover with probability 0.99."""
    energy = jax.tree_util.Partial(gumbel, jnp.asarray(2.5))
    covered = sum(
        partition.importance(energy, BROAD, 4000, random_state=seed).estimate.contains(special.gammaln(2.5))
        for seed in range(500)
    )
    assert 0.924 <= covered / 500 <= 0.985


def two_modes(x):
    return -jnp.logaddexp(-bowl(x), -bowl(x - 12))


def test_a_missed_mode_takes_the_upper_end_away():
    found = partition.importance(two_modes, STANDARD, random_state=0)
    assert found.pareto_k < 0.5  # the weights alone see nothing
    assert found.estimate.guarantee is Guarantee.LOWER_BOUND
    assert found.estimate.contains(math.log(4 * math.pi))
    assert "out of the proposal's reach" in found.estimate.method


def test_a_proposal_that_reaches_both_modes_is_believed():
    wide = partition.Gaussian(jnp.full(2, 6.0), 7 * jnp.eye(2))
    found = partition.importance(two_modes, wide, random_state=0)
    assert found.estimate.guarantee is Guarantee.ASYMPTOTIC
    assert found.estimate.contains(math.log(4 * math.pi))


@pytest.mark.parametrize("scale", [1.01, 1.2, 2.0, 5.0])
def test_healthy_proposals_raise_no_alarm(scale):
    proposal = partition.Gaussian(jnp.zeros(2), scale * jnp.eye(2))
    for seed in range(20):
        found = partition.importance(bowl, proposal, 10_000, random_state=seed)
        assert found.estimate.guarantee is Guarantee.ASYMPTOTIC


def test_too_narrow_a_proposal_is_not_believed():
    narrow = partition.Gaussian(jnp.zeros(2), 0.5 * jnp.eye(2))
    found = partition.importance(bowl, narrow, random_state=0)
    assert found.estimate.guarantee in (Guarantee.NONE, Guarantee.LOWER_BOUND)


def test_disjoint_supports_promise_nothing():
    found = partition.importance(lambda x: jnp.where(x[0] > 1e3, 0.0, jnp.inf), STANDARD, random_state=0)
    assert found.estimate.guarantee is Guarantee.NONE
    assert found.estimate.value == -math.inf
    assert found.estimate.upper == math.inf


def test_nan_is_refused():
    with pytest.raises(NonFiniteError):
        partition.importance(lambda x: jnp.sqrt(x[0]), STANDARD, random_state=0)
    with pytest.raises(NonFiniteError):
        partition.importance(lambda x: -jnp.inf * jnp.abs(x[0]), STANDARD, random_state=0)


@pytest.mark.parametrize("settings", [{"n_samples": 1}, {"n_samples": 2.5}, {"confidence": 1.0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(SettingError):
        partition.importance(bowl, STANDARD, **settings)


def test_weights_of_ones_own():
    found = partition.importance_of(partition.TiltWeights(lambda x: jnp.tanh(x[0]), STANDARD), random_state=3)
    exact = partition.quadrature(lambda x: bowl(x) - jnp.tanh(x[0]), np.full(2, -np.inf), np.full(2, np.inf))
    assert found.estimate.contains(exact.estimate.value - math.log(2 * math.pi))
