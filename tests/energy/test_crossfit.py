"""Bases do not see the rows they are tilted on."""

import jax
import numpy as np
import pytest

from densimeter.datasets import RingOfGaussians
from densimeter.energy.base import fit_gaussian
from densimeter.energy.crossfit import Parts, hold_out
from densimeter.energy.mixture_base import MixtureFit
from densimeter.mixture import GaussianMixture


def excess(base, rows, truth):
    """Mean log-density above that of the truth, nats per row: pairing takes most of the noise away."""
    return float((np.asarray(jax.vmap(base.log_prob)(rows)) - truth.log_prob(rows)).mean())


def fold_base(folds, index):
    return jax.tree.map(lambda leaf: leaf[index], folds.bases)


def flattery(seed, n_rows=500):
    """How much higher rows score than fresh rows, under a base that saw them and under cross-fitted bases."""
    truth = RingOfGaussians(8, 6.0)
    rows, fresh = truth.sample(n_rows, seed), truth.sample(20_000, 1000 + seed)
    parts = Parts.cut(rows, n_rows // 2, 5, np.random.default_rng(seed))
    # more components than the rows support, so that there is something to leak
    fit = MixtureFit(GaussianMixture(20, random_state=seed).fit(parts.for_choice))
    folds, base = parts.cross_fit(fit), fit(rows)
    seen = excess(base, rows, truth) - excess(base, fresh, truth)
    unseen = [
        excess(fold_base(folds, k), np.asarray(folds.rows[k, : int(folds.counts[k])]), truth)
        - excess(fold_base(folds, k), fresh, truth)
        for k in range(5)
    ]
    return seen, float(np.mean(unseen))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_cross_fitted_bases_do_not_leak():
    found = np.array([flattery(seed) for seed in range(8)])
    (seen, unseen), error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert seen > 5 * error[0]  # the very thing that must not happen below
    assert abs(unseen) < 3 * error[1]
    assert abs(unseen) < seen / 3


def test_every_row_is_for_the_choice_or_in_one_fold_and_in_no_base_of_it():
    rows, seen = np.arange(23.0)[:, None], []

    def fit(given):
        seen.append(set(given[:, 0]))
        return fit_gaussian(given)

    parts = Parts.cut(rows, 5, 5, np.random.default_rng(0))
    folds = parts.cross_fit(fit)
    chosen_on = set(parts.for_choice[:, 0])
    in_fold = [set(np.asarray(folds.rows[k, : int(folds.counts[k]), 0])) for k in range(5)]
    assert set.union(chosen_on, *in_fold) == set(rows[:, 0])
    assert sum(map(len, in_fold)) + len(chosen_on) == 23
    assert all(used == set(rows[:, 0]) - held for used, held in zip(seen, in_fold, strict=True))


@pytest.mark.parametrize("n_rows", [2, 3, 10, 1000])
def test_hold_out_keeps_a_row_on_each_side_and_loses_none(n_rows):
    rows = np.arange(float(n_rows))[:, None]
    split = hold_out(rows, 0.1, np.random.default_rng(0))
    assert min(len(split.training), len(split.validation)) >= 1
    assert sorted(split.everything[:, 0]) == list(rows[:, 0])
