import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from densimeter.datasets import RingOfGaussians
from densimeter.foundations.errors import DataError, NonFiniteError, SettingError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.variational import (
    categorical_elbo,
    elbo,
    evidence_gap,
    importance_weighted_bound,
    kl_divergence,
    posterior,
    uniform,
)

OBSERVED = 2.0
LOG_EVIDENCE = stats.norm(0, math.sqrt(2)).logpdf(OBSERVED)
POSTERIOR = stats.norm(1, math.sqrt(0.5))


def log_joint(z):
    """Prior N(0, 1), one observation with unit noise."""
    return -0.5 * (z @ z + (OBSERVED - z[0]) ** 2) - jnp.log(2 * jnp.pi)


def test_the_posterior_leaves_no_gap():
    bound = elbo(log_joint, POSTERIOR, random_state=0)
    assert bound.value == pytest.approx(LOG_EVIDENCE, abs=1e-12)
    assert bound.guarantee is Guarantee.NONE  # no term varies, and so none tells what others there might be
    assert bound.contains(LOG_EVIDENCE)


@settings(max_examples=25, deadline=None)
@given(st.floats(-2, 4), st.floats(0.2, 2))
def test_elbo_plus_kl_is_the_log_evidence(mean, scale):
    q = stats.norm(mean, scale)
    gap = kl_divergence(q, POSTERIOR).value
    bound = elbo(log_joint, q, confidence=0.9999, random_state=0)
    assert bound.contains(LOG_EVIDENCE - gap)
    assert bound.lower <= LOG_EVIDENCE


def test_the_importance_weighted_bound_grows_towards_the_evidence():
    q = stats.norm(0, 1.2)
    bounds = [importance_weighted_bound(log_joint, q, k, random_state=k) for k in (1, 4, 16, 64)]
    for few, many in itertools.pairwise(bounds):
        assert few.upper < many.lower
    assert bounds[-1].lower < LOG_EVIDENCE < bounds[-1].value + 0.02


def test_the_gap_is_the_divergence_and_never_negative():
    q = stats.norm(0.5, 1)
    gap = evidence_gap(LOG_EVIDENCE, elbo(log_joint, q, random_state=1))
    assert gap.contains(kl_divergence(q, POSTERIOR).value)
    tiny = evidence_gap(LOG_EVIDENCE, elbo(log_joint, POSTERIOR, random_state=1))
    assert tiny.lower >= 0
    contradiction = evidence_gap(-10.0, Estimate(-1.0, -1.1, -0.9, 0.95, "mean"))
    assert contradiction.guarantee is Guarantee.NONE
    assert evidence_gap(0.0, Estimate.exact(-math.inf)).value == math.inf


def test_elbo_is_minus_infinity_where_the_joint_is_zero():
    bound = elbo(lambda z: jnp.where(z[0] > 0, -z[0], -jnp.inf), stats.norm(), random_state=0)
    assert bound.value == bound.upper == -math.inf

    def half_normal(z):
        return jnp.where(z[0] > 0, math.log(2) - 0.5 * z @ z - 0.5 * math.log(2 * math.pi), -jnp.inf)

    grouped = importance_weighted_bound(half_normal, stats.norm(), 200, n_samples=500, random_state=0)
    assert grouped.value == pytest.approx(0, abs=0.02)  # no group of 200 is without a positive z


def test_an_infinite_mean_promises_nothing():
    bound = elbo(lambda z: -0.5 * z @ z, stats.cauchy(), random_state=0)
    assert bound.guarantee is Guarantee.NONE
    assert "may be infinite" in bound.method


@pytest.mark.parametrize("value", [jnp.nan, jnp.inf])
def test_a_joint_that_is_not_finite_is_refused(value):
    with pytest.raises(NonFiniteError, match="log-joint"):
        elbo(lambda z: value + 0 * z[0], stats.norm(), random_state=0)


def test_settings_are_checked():
    for bad in ({"n_samples": 1}, {"confidence": 0}):
        with pytest.raises(SettingError):
            elbo(log_joint, POSTERIOR, **bad)
    with pytest.raises(SettingError):
        importance_weighted_bound(log_joint, POSTERIOR, 0)
    with pytest.raises(SettingError, match="q is no density"):
        elbo(log_joint, 3)


def ring_log_joint(points, ring):
    squared = ((points[:, None, :] - ring.means) ** 2).sum(axis=2)
    return -squared / 2 - math.log(2 * math.pi) - math.log(len(ring.means))


POINTS = np.random.default_rng(0).normal(size=(50, 2)) * 6


def test_categorical_elbo_of_the_posterior_is_the_log_density():
    ring = RingOfGaussians(10, 10.0)
    joint = ring_log_joint(POINTS, ring)
    np.testing.assert_allclose(categorical_elbo(joint, posterior(joint)), ring.log_prob(POINTS), atol=1e-12)


@pytest.mark.parametrize("n_components", [2, 3, 10])
def test_categorical_elbo_of_the_uniform_on_the_ring(n_components):
    """-log 2 pi - (|x|^2 + R^2) / 2 for every K >= 2, as the means add up to zero."""
    ring = RingOfGaussians(n_components, 3.0)
    found = categorical_elbo(ring_log_joint(POINTS, ring), uniform(n_components))
    expected = -math.log(2 * math.pi) - ((POINTS**2).sum(axis=1) + 9) / 2
    np.testing.assert_allclose(found, expected, atol=1e-10)
    gap = RingOfGaussians(math.inf, 3.0).log_prob(POINTS) - expected
    np.testing.assert_allclose(gap, np.log(special.i0(3 * np.hypot(*POINTS.T))), rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_categorical_elbo_plus_kl_is_the_log_evidence_for_any_q(seed):
    rng = np.random.default_rng(seed)
    joint, q = rng.normal(size=(4, 6)) * 5, rng.dirichlet(np.ones(6), size=4)
    kl = special.rel_entr(q, posterior(joint)).sum(axis=1)
    np.testing.assert_allclose(categorical_elbo(joint, q) + kl, special.logsumexp(joint, axis=1), atol=1e-12)


def test_categorical_elbo_with_zeros():
    joint = np.array([[0.0, -np.inf]])
    assert categorical_elbo(joint, [1.0, 0.0])[0] == 0
    assert categorical_elbo(joint, [0.5, 0.5])[0] == -np.inf
    for q in ([0.5, 0.6], [1.5, -0.5], [1.0], [[0.5, 0.5]] * 3):
        with pytest.raises(DataError):
            categorical_elbo(joint, q)


def test_new_data_in_the_joint_does_not_recompile():
    traces = []

    def joint(observed, z):
        traces.append(1)
        return -0.5 * (z @ z + (observed - z[0]) ** 2)

    counts = []
    for observed in (1.0, 2.0, 3.0):
        elbo(jax.tree_util.Partial(joint, jnp.asarray(observed)), POSTERIOR, random_state=0)
        counts.append(len(traces))
    assert counts[0] == counts[1] == counts[2]
