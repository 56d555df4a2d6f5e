"""Bases do not see the rows they are tilted on."""

import jax
import numpy as np
import pytest

from densimeter.energy.crossfit import cross_fit, hold_out
from densimeter.energy.mixture_base import MixtureFit
from densimeter.mixture import GaussianMixture


def mean_log_prob(base, rows):
    return float(jax.vmap(base.log_prob)(rows).mean())


def fold_base(folds, index):
    return jax.tree.map(lambda leaf: leaf[index], folds.bases)


def flattery(seed, n_rows=200):
    """How much higher rows score than fresh rows: under a base that saw them, and under cross-fitted bases."""
    rng = np.random.default_rng(seed)
    rows, fresh = rng.normal(size=(n_rows, 2)), rng.normal(size=(20_000, 2))
    fit = MixtureFit(GaussianMixture(10, random_state=seed, max_iter=500).fit(rows))
    base = fit(rows)
    seen = mean_log_prob(base, rows) - mean_log_prob(base, fresh)
    folds = cross_fit(fit, rows, 5)
    unseen = [
        mean_log_prob(fold_base(folds, k), folds.rows[k, : int(folds.counts[k])])
        - mean_log_prob(fold_base(folds, k), fresh)
        for k in range(5)
    ]
    return seen, float(np.mean(unseen))


def test_cross_fitted_bases_do_not_leak():
    found = np.array([flattery(seed) for seed in range(6)])
    (seen, unseen), error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert seen > 0.2  # the very thing that must not happen below
    assert abs(unseen) < 3 * error[1]


def test_every_row_is_in_one_fold_and_in_no_base_of_it():
    rows = np.arange(23.0)[:, None]
    seen_by_base = []

    def fit_base(others):
        seen_by_base.append(set(others[:, 0]))
        from densimeter.energy.base import fit_gaussian

        return fit_gaussian(others)

    folds = cross_fit(fit_base, rows, 5)
    in_fold = [set(np.asarray(folds.rows[k, : int(folds.counts[k]), 0])) for k in range(5)]
    assert set.union(*in_fold) == set(rows[:, 0])
    assert sum(map(len, in_fold)) == 23
    assert all(not seen & held for seen, held in zip(seen_by_base, in_fold, strict=True))


@pytest.mark.parametrize("n_rows", [2, 3, 10, 1000])
def test_hold_out_keeps_a_row_on_each_side_and_loses_none(n_rows):
    rows = np.arange(float(n_rows))[:, None]
    split = hold_out(rows, 0.1, np.random.default_rng(0))
    assert min(len(split.training), len(split.validation)) >= 1
    assert sorted(split.everything[:, 0]) == list(rows[:, 0])
