"""Every objective against a slow obvious twin, and the laws they share."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from densimeter.energy.base import MixtureBase
from densimeter.energy.networks import Architecture, make_network, tanh
from densimeter.energy.objectives import OBJECTIVES
from densimeter.energy.objectives.contract import Batch, Learned
from densimeter.energy.objectives.importance import Importance
from densimeter.energy.objectives.noise_contrastive import NoiseContrastive
from densimeter.energy.objectives.score_matching import DenoisingScoreMatching, SlicedScoreMatching
from densimeter.energy.objectives.self_normalized import SelfNormalized
from densimeter.energy.proposal import Defensive, FromBase, weighted_draws
from densimeter.energy.tilt import TanhBound, Tilt
from densimeter.foundations.precision import double_precision

PROPOSALS = [FromBase(), Defensive()]


@pytest.fixture(autouse=True)
def float64():
    with double_precision():
        yield


def two_bumps():
    base = MixtureBase.of(
        np.array([0.4, 0.6]), np.array([[-1.0, 0], [1, 0.5]]), np.array([np.eye(2) * 0.3, np.eye(2)])
    )
    return jax.tree.map(jnp.asarray, base)


def tilt_of(seed=0, size=1.0):
    """A smooth tilt that is not zero."""
    key = jax.random.key(seed)
    network = make_network(key, 2, Architecture((8,), tanh, 3, 1.0))
    last = jax.random.normal(key, network.last.weight.shape) * size
    return Tilt(eqx.tree_at(lambda net: net.last.weight, network, last), TanhBound(2.0))


def batch_of(proposal, n_rows=300, n_proposals=4000, seed=1):
    rows = two_bumps().sample(jax.random.key(seed), n_rows)
    return Batch(rows, jnp.asarray(0), two_bumps(), proposal, n_proposals, jax.random.key(seed + 1))


def stacked(base):
    return jax.tree.map(lambda leaf: leaf[None], base)


def gradient_of(objective, learned, memory, batch):
    return jax.grad(lambda one: objective.loss(one, memory, batch)[0])(learned)


@pytest.mark.parametrize("proposal", PROPOSALS)
def test_importance_gradient_is_the_self_normalised_estimate(proposal):
    tilt, batch = tilt_of(), batch_of(proposal, n_rows=20, n_proposals=50)
    found = gradient_of(Importance(), Learned(tilt), None, batch)
    points, log_weights = weighted_draws(proposal, batch.base, batch.key, batch.n_proposals)
    w = np.exp([float(tilt(y)) + float(lw) for y, lw in zip(points, log_weights, strict=True)])
    slope = jax.jit(jax.grad(lambda t, y: t(y)))
    per_point = [slope(tilt, y) for y in points]
    per_row = [slope(tilt, x) for x in batch.rows]
    expected = jax.tree.map(lambda *g: np.average(np.stack(g), axis=0, weights=w), *per_point)
    expected = jax.tree.map(lambda e, *g: e - np.mean(np.stack(g), axis=0), expected, *per_row)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10), found.tilt, expected)


@pytest.mark.parametrize("proposal", PROPOSALS)
def test_defensive_weights_average_to_one_and_stay_bounded(proposal):
    _, log_weights = weighted_draws(proposal, two_bumps(), jax.random.key(3), 100_000)
    w = np.exp(np.asarray(log_weights))
    assert w.mean() == pytest.approx(1, abs=4 * w.std() / np.sqrt(len(w)) + 1e-12)
    assert w.max() <= 1 / 0.9 + 1e-9


def test_self_normalized_bound_lies_above_the_likelihood_and_touches_it():
    tilt, batch = tilt_of(), batch_of(FromBase())
    exact = float(Importance().loss(Learned(tilt), None, batch)[0])
    rows_term = float(jax.vmap(tilt)(batch.rows).mean())
    log_z = exact + rows_term
    losses = {
        b: float(SelfNormalized().loss(Learned(tilt, jnp.asarray(b)), None, batch)[0])
        for b in (log_z - 0.5, log_z, log_z + 0.5)
    }
    assert losses[log_z] == pytest.approx(exact, abs=1e-10)
    assert all(loss >= exact - 1e-10 for loss in losses.values())


@pytest.mark.parametrize("proposal", PROPOSALS)
def test_noise_contrastive_loss_is_logistic_regression(proposal):
    from sklearn.metrics import log_loss

    tilt, batch = tilt_of(), batch_of(proposal, n_rows=100, n_proposals=300)
    c = 0.3
    found = float(NoiseContrastive().loss(Learned(tilt, jnp.asarray(c)), None, batch)[0])
    draws, _ = weighted_draws(proposal, batch.base, batch.key, batch.n_proposals)
    x = np.r_[np.asarray(batch.rows), np.asarray(draws)]
    logit = np.asarray(jax.vmap(lambda r: tilt(r) + proposal.log_weight(batch.base, r))(jnp.asarray(x)))
    logit = logit - c - np.log(3.0)
    label = np.r_[np.ones(100), np.zeros(300)]
    assert found == pytest.approx(log_loss(label, 1 / (1 + np.exp(-logit))) * 400 / 100, rel=1e-9)


def test_noise_contrastive_optimum_is_at_log_z():
    """With rows drawn from the base and t = 0, the best c is log Z = 0."""
    tilt, batch = tilt_of(size=0.0), batch_of(FromBase(), n_rows=20_000, n_proposals=20_000)
    slope = gradient_of(NoiseContrastive(), Learned(tilt, jnp.zeros(())), None, batch).extra
    assert abs(float(slope)) < 1e-9


def test_sliced_score_matching_differs_from_fisher_divergence_by_a_constant():
    """Half the expected squared distance of the scores, for rows of a known density."""
    batch = batch_of(FromBase(), n_rows=30_000)
    objective = SlicedScoreMatching()

    def fisher(tilt):
        return 0.5 * np.mean(np.sum(np.asarray(jax.vmap(jax.grad(tilt))(batch.rows)) ** 2, axis=1))

    one, other = tilt_of(0, 0.5), tilt_of(5, 0.5)
    losses = [float(objective.loss(Learned(t), None, batch)[0]) for t in (one, other)]
    assert losses[0] - losses[1] == pytest.approx(fisher(one) - fisher(other), abs=0.05)


def test_denoising_score_matching_is_least_for_the_blurred_density():
    """Rows of a Gaussian: the loss at the score of the blurred Gaussian is below that of scores nearby."""
    objective = DenoisingScoreMatching(noise=0.5)
    rows = jax.random.normal(jax.random.key(0), (50_000, 2))
    zero = tilt_of(size=0.0)

    def loss(variance):
        base = MixtureBase.of(np.ones(1), np.zeros((1, 2)), variance * np.eye(2)[None])
        base = jax.tree.map(jnp.asarray, base)
        batch = Batch(rows, jnp.asarray(0), base, FromBase(), 10, jax.random.key(1))
        return float(objective.loss(Learned(zero), None, batch)[0])

    assert loss(1.25) < min(loss(1.15), loss(1.35))


@pytest.mark.parametrize("name", ["importance", "self_normalized", "noise_contrastive", "persistent"])
def test_gradient_vanishes_where_the_model_is_right(name):
    """Rows drawn from the base and t = 0: no direction pulls, beyond the noise of the batch."""
    objective, batch = OBJECTIVES[name], batch_of(FromBase(), n_rows=20_000, n_proposals=20_000)
    learned, memory = objective.start(tilt_of(size=0.0), stacked(batch.base), jax.random.key(7))
    gradient = gradient_of(objective, learned, memory, batch)
    noise = 5 / np.sqrt(512 if name == "persistent" else 20_000)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradient)) < noise


@pytest.mark.slow
def test_persistent_chains_keep_the_target():
    """A fixed tilt: after many steps the chains have the moments of importance sampling."""
    objective, batch, tilt = OBJECTIVES["persistent"], batch_of(FromBase()), tilt_of()
    learned, memory = objective.start(tilt, stacked(batch.base), jax.random.key(0))
    step = jax.jit(lambda memory, key: objective.loss(learned, memory, batch._replace(key=key))[1].memory)
    kept = []
    for number in range(200):
        memory = step(memory, jax.random.fold_in(jax.random.key(1), number))
        kept.append(np.asarray(memory.positions[0]).mean(axis=0))
    points = batch.base.sample(jax.random.key(2), 400_000)
    w = np.exp(np.asarray(jax.vmap(tilt)(points)))
    expected = np.average(np.asarray(points), axis=0, weights=w)
    np.testing.assert_allclose(np.mean(kept[50:], axis=0), expected, atol=0.05)
