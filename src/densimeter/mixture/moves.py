"""Merge and split moves: out of an optimum in which one cluster has two components and another shares one.

EM cannot carry a component across empty space. A move makes one component of the two that share the most
rows and two of the one that fits its rows worst (Ueda, Nakano, Ghahramani and Hinton, 2000, SMEM). Moves are
made on responsibilities and followed by an M-step, so that they serve every covariance family alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from densimeter.mixture.density import log_joint, normalise
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.starts import parameters_of


def moved(
    family: Family,
    rows: np.ndarray,
    weights: np.ndarray,
    floor: np.ndarray,
    mixture: Parameters,
    n_moves: int,
) -> list[Parameters]:
    """At most `n_moves` mixtures, each `mixture` after one move, the most promising first.

    `rows` ``(n, d)`` are in the frame of the mixture. Fewer than three components, or degenerate
    ones, cannot move.
    """
    try:
        factors = family.precision_cholesky(mixture.covariances)
    except np.linalg.LinAlgError:
        return []
    joint = log_joint(family, rows, mixture.weights, mixture.means, factors)
    posterior = np.exp(normalise(joint)[1])
    members = posterior * weights[:, None]
    alive = np.flatnonzero(members.sum(0) > 0)
    features = family.expand(rows.T).T
    moves = _ranked(_by_overlap(members, alive), _by_misfit(joint, members, mixture.weights, alive))
    made = []
    for (kept, freed), split in moves:
        if len(made) == n_moves:
            break
        shares = posterior.copy()
        shares[:, kept] += shares[:, freed]
        side = _upper_half(rows, members[:, split])
        shares[:, freed] = np.where(side, shares[:, split], 0)
        shares[:, split] = np.where(side, 0, shares[:, split])
        made.append(parameters_of(family, features, weights, shares, floor))
    return made


def _ranked(pairs: list[tuple[int, int]], splits: list[int]) -> Iterator[tuple[tuple[int, int], int]]:
    """Pairs to merge with components to split, by the sum of their ranks."""
    for total in range(len(pairs) + len(splits)):
        for first in range(max(0, total - len(splits) + 1), min(total + 1, len(pairs))):
            pair, split = pairs[first], splits[total - first]
            if split not in pair:
                yield pair, split


def _by_overlap(members: np.ndarray, alive: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of components by the cosine of their responsibilities."""
    columns = members / np.maximum(np.linalg.norm(members, axis=0), 1e-300)
    overlap = columns.T @ columns
    return sorted(combinations(alive.tolist(), 2), key=lambda pair: -overlap[pair])


def _by_misfit(joint: np.ndarray, members: np.ndarray, weights: np.ndarray, alive: np.ndarray) -> list[int]:
    """Components by the divergence of the rows that are theirs from their density, the largest first."""
    shares = members[:, alive] / members[:, alive].sum(0)
    gaps = np.log(np.where(shares > 0, shares, 1)) - (joint[:, alive] - np.log(weights[alive]))
    misfit = np.where(shares > 0, shares * gaps, 0).sum(0)
    return alive[np.argsort(-misfit, kind="stable")].tolist()


def _upper_half(rows: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """The rows beyond the mean of the given mass along its longest axis."""
    centred = rows - mass @ rows / mass.sum()
    axis = np.linalg.eigh((centred.T * mass) @ centred)[1][:, -1]
    return centred @ axis > 0
