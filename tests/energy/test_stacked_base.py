"""A stack is the mean of its parts with the shares that unseen rows prefer."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import densimeter as dm
from densimeter.energy import fitting
from densimeter.energy.base import MixtureBase
from densimeter.energy.crossfit import Parts
from densimeter.energy.kernel_base import KernelBase
from densimeter.energy.stacked_base import ChooseStacked, StackedBase, StackedFit, best_shares, choose_share
from densimeter.foundations.precision import double_precision
from densimeter.foundations.scaling import ColumnScaling

RNG = np.random.default_rng(0)
CENTRES, BANDWIDTH = RNG.normal(size=(70, 2)), np.array([0.2, 0.5])
MIXTURE = MixtureBase.of(np.array([0.3, 0.7]), np.array([[0.0, 0], [1, -1]]), np.array([np.eye(2)] * 2))


def pointwise(base, rows):
    with double_precision():
        return np.asarray(jax.vmap(jax.tree.map(jnp.asarray, base).log_prob)(jnp.asarray(rows)))


def clusters_on_a_grid(n, seed):
    """More clusters than any mixture here has components."""
    rng = np.random.default_rng(seed)
    return rng.integers(9, size=(n, 2)) + 0.05 * rng.normal(size=(n, 2))


def a_gaussian(Z):
    return MixtureBase.of(np.ones(1), Z.mean(axis=0, keepdims=True), np.cov(Z.T)[None])


def test_kernel_base_is_the_mean_of_scipys_gaussians():
    rows = np.concatenate([RNG.normal(size=(40, 2)), [[30.0, -40.0]]])
    each = [multivariate_normal(c, np.diag(BANDWIDTH**2)).logpdf(rows) for c in CENTRES]
    expected = logsumexp(each, axis=0) - np.log(len(CENTRES))
    base = KernelBase.of(CENTRES, BANDWIDTH)
    assert len(base.centres) > len(CENTRES)  # padded
    np.testing.assert_allclose(pointwise(base, rows), expected, rtol=1e-10)
    np.testing.assert_allclose(base.log_probs(rows), expected, atol=1e-9)


def test_stack_mixes_densities_and_draws():
    base = StackedBase(MIXTURE, KernelBase.of(CENTRES + 20, BANDWIDTH), np.float64(0.3))
    rows = np.concatenate([RNG.normal(size=(30, 2)), 20 + RNG.normal(size=(30, 2))])
    expected = np.logaddexp(np.log(0.7) + MIXTURE.log_probs(rows), np.log(0.3) + base.kernel.log_probs(rows))
    np.testing.assert_allclose(base.log_probs(rows), expected)
    np.testing.assert_allclose(pointwise(base, rows), expected, atol=1e-8)
    with double_precision():
        drawn = np.asarray(jax.tree.map(jnp.asarray, base).sample(jax.random.key(0), 40_000))
    from_kernel = drawn[drawn[:, 0] > 10]
    assert len(from_kernel) / len(drawn) == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(from_kernel.mean(axis=0), 20 + CENTRES.mean(axis=0), atol=0.05)
    np.testing.assert_allclose(from_kernel.var(axis=0), CENTRES.var(axis=0) + BANDWIDTH**2, rtol=0.05)


def test_shares_have_the_best_likelihood():
    log_mixture = RNG.normal(size=300)
    log_kernel = RNG.normal(size=(3, 300)) + np.array([[-0.5], [0.0], [9.0]])
    found = best_shares(log_mixture, log_kernel)
    for share, row in zip(found, log_kernel, strict=True):
        best = minimize_scalar(
            lambda s, row=row: -np.logaddexp(np.log1p(-s) + log_mixture, np.log(s) + row).mean(),
            bounds=(1e-9, 1 - 1e-9),
            method="bounded",
            options={"xatol": 1e-8},
        )
        assert share == pytest.approx(min(best.x, 1 - 1 / 301), abs=2e-3)


def test_no_share_where_the_mixture_is_the_truth_and_much_where_it_is_blind():
    assert choose_share(RNG.normal(size=(800, 2)), a_gaussian)[0] == 0
    share, factor = choose_share(clusters_on_a_grid(3000, 0), a_gaussian)
    assert share > 0.9
    assert factor < 0.3


def test_copies_of_rows_do_not_speak_for_the_kernel():
    rows = RNG.normal(size=(400, 2))
    copies = RNG.permutation(np.concatenate([rows, rows]))
    assert choose_share(copies, a_gaussian)[0] < 0.5


@pytest.mark.slow
def test_folds_hold_bases_that_have_not_seen_them():
    Z = clusters_on_a_grid(900, 1)
    rng = np.random.default_rng(0)
    parts = Parts.cut(Z, ChooseStacked().n_rows(*Z.shape), 3, rng)
    fit = ChooseStacked()(parts.for_choice, ColumnScaling.of(Z), rng)
    assert isinstance(fit, StackedFit)
    folds = parts.cross_fit(fit)
    for fold in range(3):
        own = np.asarray(folds.rows[fold, : int(folds.counts[fold])])
        centres = np.asarray(folds.bases.kernel.centres[fold, : int(folds.bases.kernel.n_centres[fold])])
        assert len(centres) == len(Z) - len(own)
        assert not (own[:, None] == centres[None]).all(axis=2).any()


def test_a_stack_without_a_share_for_the_kernel_is_the_mixture():
    fitted = StackedFit(a_gaussian, 0)(RNG.normal(size=(500, 2)))
    assert isinstance(fitted.simplest(), MixtureBase)


def test_few_centres_stand_for_many_rows(monkeypatch):
    monkeypatch.setattr("densimeter.energy.stacked_base.MOST_CENTRES", 100)
    fitted = StackedFit(a_gaussian, 0)(clusters_on_a_grid(400, 2))
    assert float(fitted.kernel.n_centres) == 100


@pytest.mark.slow
def test_model_on_a_stack_is_normalised_and_better_than_either_part():
    train, test = clusters_on_a_grid(2500, 3), clusters_on_a_grid(2000, 4)
    model = dm.EnergyModel(hidden=(16,), max_steps=200, random_state=0).fit(train)
    assert isinstance(model.density_.base, StackedBase)
    cells = (np.arange(1200) + 0.5) / 1200 * 12 - 2
    grid = np.stack(np.meshgrid(cells, cells, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.exp(model.score_samples(grid)).sum() * (12 / 1200) ** 2
    assert mass == pytest.approx(1, abs=2e-3 + model.log_normalizer_.half_width)
    mixture = dm.EnergyModel("mixture", hidden=(16,), max_steps=200, random_state=0).fit(train)
    assert model.score(test) > mixture.score(test) + 0.1
    np.testing.assert_allclose(
        model.gradient(test[:3])[:, 0],
        [
            (model.score_samples(r[None] + [[1e-5, 0]]) - model.score_samples(r[None] - [[1e-5, 0]]))[0]
            / 2e-5
            for r in test[:3]
        ],
        rtol=1e-3,
        atol=1e-3,
    )
    assert model.sample(500, random_state=0).shape == (500, 2)


@pytest.mark.slow
@pytest.mark.parametrize("untilted", [-1e9, 1e9])
def test_a_stack_is_tilted_where_it_beats_the_tilted_mixture_and_kept_where_its_tilt_does(
    monkeypatch, untilted
):
    """Told that the stack validates badly, or that its tilt does, the fit keeps the tilted mixture."""
    train = clusters_on_a_grid(1200, 7)
    settings = {"hidden": (16,), "max_steps": 100, "log_z_width": 0.1, "random_state": 0}
    assert isinstance(dm.EnergyModel(**settings).fit(train).density_.base, StackedBase)
    tilted = []

    def base_score(trainer, base):
        return untilted if isinstance(base, StackedBase) else 0.0

    def train_badly(trainer, fit_base, *arguments):
        tilted.append(fit_base)
        found = really_train(trainer, fit_base, *arguments)
        return replace(found, validation_score=-1e10 if isinstance(fit_base, StackedFit) else 0.0)

    really_train = fitting.Trainer.train
    monkeypatch.setattr(fitting.Trainer, "base_score", base_score)
    monkeypatch.setattr(fitting.Trainer, "train", train_badly)
    kept = dm.EnergyModel(**settings).fit(train)
    assert len(tilted) == (1 if untilted < 0 else 2)
    assert isinstance(kept.density_.base, MixtureBase)
    alone = dm.EnergyModel("mixture", **settings).fit(train)
    np.testing.assert_allclose(kept.score_samples(train[:5]), alone.score_samples(train[:5]))
