import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from densimeter import partition
from densimeter.datasets import RingOfGaussians
from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.foundations.estimates import Guarantee
from densimeter.variational import Outcome, VariationalFit, fit_variational, kl_divergence

PRECISION = np.array([[2.0, -1.8], [-1.8, 2.0]])
MEAN = np.array([1.0, -2.0])
COVARIANCE = np.linalg.inv(PRECISION)
LOG_Z = math.log(2 * math.pi) + 0.5 * np.linalg.slogdet(COVARIANCE)[1]


def correlated(x):
    """A Gaussian without its normaliser."""
    return -0.5 * (x - MEAN) @ PRECISION @ (x - MEAN)


def two_modes(x):
    """Two unit Gaussians 8 sqrt(2) apart; Z = 4 pi."""
    return jnp.logaddexp(-0.5 * (x - 4) @ (x - 4), -0.5 * (x + 4) @ (x + 4))


def test_full_rank_reverse_recovers_a_gaussian_exactly():
    """At the optimum the gradient has no noise, so neither has the result."""
    fit = fit_variational(correlated, 2, random_state=0)
    assert fit.outcome is Outcome.CONVERGED
    np.testing.assert_allclose(fit.density.mean, MEAN, atol=1e-3)
    np.testing.assert_allclose(fit.density.cholesky @ fit.density.cholesky.T, COVARIANCE, rtol=5e-3)
    assert fit.elbo.value == pytest.approx(LOG_Z, abs=1e-3)


@pytest.mark.parametrize(
    ("direction", "variances"), [("reverse", 1 / np.diag(PRECISION)), ("forward", np.diag(COVARIANCE))]
)
def test_mean_field_variances_of_the_two_directions(direction, variances):
    """Reverse fits the conditional variances, forward the marginal ones (Bishop 2006, section 10.1.2)."""
    target = stats.multivariate_normal(MEAN, COVARIANCE) if direction == "forward" else correlated
    fit = fit_variational(target, 2, family="mean-field", direction=direction, random_state=0)
    np.testing.assert_allclose(np.exp(2 * fit.density.log_scale), variances, rtol=0.06)
    np.testing.assert_allclose(fit.density.mean, MEAN, atol=0.06)


def test_reverse_seeks_a_mode_and_forward_covers_both():
    reverse = fit_variational(two_modes, 2, direction="reverse", scale=3.0, random_state=0)
    assert np.abs(np.abs(reverse.density.mean) - 4).max() < 0.05
    np.testing.assert_allclose(np.exp(reverse.density.log_diagonal), 1, atol=0.05)
    assert reverse.elbo.value == pytest.approx(math.log(2 * math.pi), abs=0.01)  # half of Z is missed
    forward = fit_variational(two_modes, 2, direction="forward", scale=3.0, random_state=0)
    np.testing.assert_allclose(forward.density.mean, 0, atol=0.4)
    np.testing.assert_allclose(np.diag(forward.density.cholesky @ forward.density.cholesky.T), 17, rtol=0.15)


@pytest.mark.parametrize("direction", ["reverse", "forward"])
def test_a_mixture_finds_both_modes_and_is_a_proposal(direction):
    fit = fit_variational(
        two_modes, 2, family="mixture", n_components=4, direction=direction, scale=3.0, random_state=0
    )
    found = partition.importance(lambda x: -two_modes(x), fit, 2**14, random_state=1)
    if direction == "forward":  # a reverse fit may be thin in the tails, which the Pareto shape then tells
        assert found.estimate.guarantee is Guarantee.ASYMPTOTIC
    assert found.estimate.value == pytest.approx(math.log(4 * math.pi), abs=0.01)
    assert found.effective_sample_size > 0.8 * len(found.log_weights)


def test_the_mode_that_reverse_missed_is_noticed_by_partition():
    fit = fit_variational(two_modes, 2, direction="reverse", scale=3.0, random_state=0)
    found = partition.importance(lambda x: -two_modes(x), fit, 2**14, random_state=1)
    assert found.estimate.guarantee is Guarantee.LOWER_BOUND
    assert found.estimate.contains(math.log(4 * math.pi))


def test_forward_to_a_sampled_density_is_maximum_likelihood():
    ring = RingOfGaussians()
    fit = fit_variational(ring, family="mixture", direction="forward", n_components=10, random_state=0)
    assert fit.elbo is None
    assert kl_divergence(ring, fit, random_state=0).value < 0.01


def test_the_elbo_of_the_fit_is_below_log_z():
    fit = fit_variational(correlated, 2, family="mean-field", random_state=0)
    assert fit.elbo.upper < LOG_Z


def test_the_same_seed_gives_the_same_fit_and_history_falls():
    fits = [fit_variational(correlated, 2, family="mean-field", random_state=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(fits[0].density.mean, fits[1].density.mean)
    assert not np.array_equal(fits[0].density.mean, fits[2].density.mean)
    assert min(fits[0].history) < fits[0].history[0]


def test_steps_that_end_are_a_value_and_progress_is_told():
    told = []
    fit = fit_variational(
        correlated,
        2,
        max_steps=250,
        random_state=0,
        progress=lambda done, total, message="": told.append(done),
    )
    assert fit.outcome is Outcome.STEPS_ENDED
    assert told == [100, 200, 250]


def test_a_fit_is_a_density_inside_jit():
    fit = fit_variational(correlated, 2, max_steps=100, random_state=0)
    assert isinstance(fit, VariationalFit)
    values = jax.jit(jax.vmap(fit.log_prob))(jnp.zeros((3, 2)))
    assert values.shape == (3,)
    assert fit.sample(jax.random.key(0), 5).shape == (5, 2)


def test_a_target_that_is_zero_where_q_begins_stops_with_the_step():
    with pytest.raises(NonFiniteError, match="at step"):
        fit_variational(lambda x: jnp.where(x[0] > 0, -x[0], -jnp.inf), 1, random_state=0)
    with pytest.raises(NonFiniteError, match="at step"):
        fit_variational(lambda x: jnp.nan * x[0], 1, random_state=0)


def test_impossible_input_is_refused():
    with pytest.raises(SettingError, match="needs the gradient"):
        fit_variational(stats.norm(), direction="reverse")
    with pytest.raises(SettingError, match="n_features"):
        fit_variational(correlated)
    for bad in (
        {"family": "normal"},
        {"direction": "sideways"},
        {"scale": -1.0},
        {"centre": [0.0, 0.0, 0.0]},
        {"learning_rate": 0},
        {"max_steps": 0},
        {"n_components": 0},
    ):
        with pytest.raises(SettingError):
            fit_variational(correlated, 2, **bad)
