"""Merge and split moves on a converged mixture, after Ueda, Nakano, Ghahramani and Hinton (2000), SMEM.

Imported by `mixture_quality.py`, which measures whether they are worth their time.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from densimeter.mixture import GaussianMixture

CANDIDATES = 5
"""Moves tried from one optimum, as in the paper."""
ROUNDS = 20


def improved(model: GaussianMixture, X: np.ndarray) -> GaussianMixture:
    """The mixture after all moves that raise the likelihood of the rows, EM run to convergence after each."""
    for _ in range(ROUNDS if model.n_components > 2 else 0):
        for merged, split in moves(model, X)[:CANDIDATES]:
            moved = refitted(model, X, merged, split)
            if moved.lower_bound_ > model.lower_bound_ + model.tol:
                model = moved
                break
        else:
            return model
    return model


def moves(model: GaussianMixture, X: np.ndarray) -> list[tuple[tuple[int, int], int]]:
    """Pairs that share rows, each with the component that fits its rows worst, the best first."""
    log_joint = model.log_joint(X)
    posterior = model.predict_proba(X)
    shares = posterior / np.maximum(posterior.sum(0), 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_shares = np.log(np.where(shares > 0, shares, 1))
        log_densities = log_joint - np.log(model.weights_)
    misfit = np.where(shares > 0, shares * (log_shares - log_densities), 0).sum(0)
    norms = np.maximum(np.linalg.norm(posterior, axis=0), 1e-300)
    overlap = (posterior / norms).T @ (posterior / norms)
    pairs = sorted(combinations(range(model.n_components), 2), key=lambda pair: -overlap[pair])
    worst = [int(k) for k in np.argsort(-misfit)]
    return [(pair, next(k for k in worst if k not in pair)) for pair in pairs[:CANDIDATES]]


def refitted(model: GaussianMixture, X: np.ndarray, merged: tuple[int, int], split: int) -> GaussianMixture:
    """EM from the mixture with two components made one, and one made two along its longest axis."""
    i, j = merged
    weights, means, covariances = (np.array(part) for part in model._parameters)
    total = weights[i] + weights[j]
    a, b = weights[i] / total, weights[j] / total
    gap = means[i] - means[j]
    values, vectors = np.linalg.eigh(covariances[split])
    step = np.sqrt(values[-1]) * vectors[:, -1]
    covariances[i] = a * covariances[i] + b * covariances[j] + a * b * np.outer(gap, gap)
    means[i], weights[i] = a * means[i] + b * means[j], total
    covariances[j] = covariances[split] - 0.75 * np.outer(step, step)
    covariances[split] = covariances[j]
    means[j], means[split] = means[split] + step * np.sqrt(0.75), means[split] - step * np.sqrt(0.75)
    weights[j] = weights[split] = weights[split] / 2
    start = GaussianMixture(**model.get_params()).set_params(
        n_init=1, weights_init=weights, means_init=means, precisions_init=np.linalg.inv(covariances)
    )
    return start.fit(X)
