import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from densimeter import partition
from densimeter.foundations.errors import DataError, FitError, NonFiniteError, SettingError
from densimeter.foundations.estimates import Guarantee
from densimeter.partition.annealing import Bridge, pilot, transition

BASE = partition.Gaussian(jnp.zeros(2), 2 * jnp.eye(2))
SMALL = {"n_chains": 256, "n_temperatures": 64}


def gumbel(x):
    """Asymmetric in each coordinate; Z = Gamma(2.5)^2."""
    return (jnp.exp(x) - 2.5 * x).sum()


LOG_Z_GUMBEL = 2 * special.gammaln(2.5)


def exact_gumbel(n_samples, seed):
    return np.log(np.random.default_rng(seed).gamma(2.5, size=(n_samples, 2)))


def lopsided(x):
    """Weights 0.3 and 0.7, widths 0.5 and 1, ten units apart; Z = 1."""
    narrow = math.log(0.3) - 0.5 * ((x + 6) @ (x + 6)) / 0.25 - 2 * math.log(0.5)
    broad = math.log(0.7) - 0.5 * (x - 4) @ (x - 4)
    return math.log(2 * math.pi) - jnp.logaddexp(narrow, broad)


def exact_lopsided(n_samples, seed):
    rng = np.random.default_rng(seed)
    left = rng.random(n_samples) < 0.3
    noise = rng.normal(size=(n_samples, 2))
    return np.where(left[:, None], -6 + 0.5 * noise, 4 + noise)


@pytest.mark.slow
def test_base_as_target_is_exact_both_ways():
    found = partition.annealed(
        lambda x: -BASE.log_prob(x), BASE, exact_samples=exact_gumbel(100, 0), random_state=0, **SMALL
    )
    assert found.estimate.value == 0
    # equal weights: a share p of others is missed n times with probability (1 - p)^n
    assert found.estimate.lower == pytest.approx(np.log(0.025) / SMALL["n_chains"])
    assert found.estimate.upper == pytest.approx(-np.log(0.025) / 100)
    assert not found.crossed


@pytest.mark.parametrize(
    ("energy", "exact", "log_z"), [(gumbel, exact_gumbel, LOG_Z_GUMBEL), (lopsided, exact_lopsided, 0.0)]
)
def test_bounds_close_in_on_asymmetric_targets(energy, exact, log_z):
    found = partition.annealed(energy, BASE, exact_samples=exact(1024, 1), random_state=0)
    assert found.estimate.guarantee is Guarantee.ASYMPTOTIC
    assert found.estimate.contains(log_z)
    assert found.forward.contains(log_z)
    assert found.reverse.contains(log_z)
    assert found.acceptance_rate > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("reverse", [False, True])
def test_covers_an_asymmetric_target_over_500_seeds(reverse):
    """At a nominal 95 %; 500 seeds fall below 92.6 % with probability 0.01 if it is just met."""
    covered = 0
    for seed in range(500):
        exact = exact_gumbel(64, seed) if reverse else None
        found = partition.annealed(
            gumbel, BASE, exact_samples=exact, n_chains=64, n_temperatures=32, random_state=seed
        )
        covered += found.estimate.contains(LOG_Z_GUMBEL)
    assert covered / 500 >= 0.926


def test_forward_weights_are_unbiased_for_z_and_reverse_ones_for_its_inverse():
    found = partition.annealed(
        gumbel,
        BASE,
        exact_samples=exact_gumbel(20_000, 3),
        n_chains=20_000,
        n_temperatures=12,
        random_state=3,
    )
    for log_weights, sign in ((found.forward_log_weights, 1), (found.reverse_log_weights, -1)):
        ratios = np.exp(sign * (log_weights - LOG_Z_GUMBEL))
        assert abs(ratios.mean() - 1) < 4 * ratios.std() / math.sqrt(len(ratios))
        assert ratios.std() > 0.1  # few temperatures: the weights do vary


def test_a_missed_mode_leaves_a_lower_bound_and_exact_samples_show_it():
    beside = partition.Gaussian(jnp.full(2, 4.0), jnp.eye(2))
    forward = partition.annealed(lopsided, beside, random_state=0, **SMALL)
    assert forward.estimate.guarantee is Guarantee.LOWER_BOUND
    assert forward.estimate.value == pytest.approx(math.log(0.7), abs=0.01)
    assert forward.estimate.upper == math.inf
    both = partition.annealed(lopsided, beside, exact_samples=exact_lopsided(1024, 2), random_state=0)
    assert both.estimate.contains(0.0)
    assert both.estimate.lower < math.log(0.75)


def test_crossed_ends_are_reported_not_sorted():
    """Samples that are not the target's: those of the mode to the left are missing."""
    exact = exact_lopsided(1024, 5)
    found = partition.annealed(lopsided, BASE, exact_samples=exact[exact[:, 0] > 0], random_state=0)
    assert found.crossed
    assert found.forward.lower > found.reverse.upper
    assert found.estimate.guarantee is Guarantee.NONE
    assert "crossed" in found.estimate.method


def test_transitions_leave_the_bridge_invariant():
    """Exact draws of pi_1, moved: still draws of pi_1, by a test that would see a shift of 5 %."""
    rows = exact_gumbel(20_000, 7)
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), len(rows))
        numbers = jnp.asarray(1.0), jnp.asarray(0.9), jnp.asarray([0.5, 0.5])
        moved, _ = jax.vmap(lambda k, x: transition(Bridge(gumbel, BASE), k, x, *numbers))(
            keys, jnp.asarray(rows)
        )
    for column in np.asarray(moved).T:
        assert stats.kstest(np.exp(column), stats.gamma(2.5).cdf).pvalue > 1e-3


def test_the_schedule_is_the_pilots_and_rises_from_zero_to_one():
    with jax.enable_x64(True):
        schedule = pilot(Bridge(lopsided, BASE), jax.random.key(0))
    betas = schedule.inverse_temperatures
    assert (betas[0], betas[-1]) == (0, 1)
    assert (np.diff(betas) > 0).all()
    refined = schedule.refined(300)
    assert refined.variances.shape == (300, 2)
    assert (np.diff(refined.inverse_temperatures) > 0).all()


def test_impossible_input_is_refused():
    with pytest.raises(FitError, match="no mass"):
        partition.annealed(lambda x: jnp.where(x[0] > 1e3, 0.0, jnp.inf), BASE, random_state=0)
    with pytest.raises(NonFiniteError):
        partition.annealed(lambda x: jnp.sqrt(x[0]), BASE, random_state=0)
    for rows in (np.zeros((5, 3)), np.full((5, 2), np.nan), np.zeros(5)):
        with pytest.raises(DataError, match="exact_samples"):
            partition.annealed(gumbel, BASE, exact_samples=rows, random_state=0, **SMALL)
    with pytest.raises(SettingError):
        partition.annealed(gumbel, BASE, n_temperatures=1)


def test_a_target_with_an_edge_keeps_its_chains_inside():
    """exp(-x) on x > 0, half of the base outside: Z = 1."""
    line = partition.Gaussian(jnp.zeros(1), 2 * jnp.eye(1))
    found = partition.annealed(lambda x: jnp.where(x[0] > 0, x[0], jnp.inf), line, random_state=0)
    assert found.estimate.value == pytest.approx(0.0, abs=0.2)
    assert found.estimate.lower <= 0
