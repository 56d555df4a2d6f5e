"""Merge and split moves: out of an optimum in which one cluster has two components and another shares one.

EM cannot carry a component across empty space. A move makes one component of the two that share the most
rows and two of the one that fits its rows worst (Ueda, Nakano, Ghahramani and Hinton, 2000, SMEM). Moves are
made on responsibilities and followed by an M-step, so that they serve every covariance family alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from densimeter.mixture.density import log_joint, normalise
from densimeter.mixture.families import Family, Floor, Parameters


def moved(
    family: Family,
    rows: np.ndarray,
    z: np.ndarray,
    weights: np.ndarray,
    floor: Floor,
    mixture: Parameters,
    n_moves: int,
) -> Parameters:
    """At most `n_moves` mixtures, stacked, each `mixture` after one move, the most promising first.

    `rows` ``(n, d)`` are in the frame of the mixture, `z` the same rows whitened and ordered outwards. Fewer
    than three components, or degenerate ones, cannot move.
    """
    try:
        factors = family.precision_cholesky(mixture.covariances)
    except np.linalg.LinAlgError:
        return Parameters(*(part[None][:0] for part in mixture))
    joint = log_joint(family, rows, mixture.weights, mixture.means, factors)
    members = np.exp(normalise(joint)[1]) * weights[:, None]
    alive = np.flatnonzero(members.sum(0) > 0)
    every = _ranked(_by_overlap(members, alive), _by_misfit(joint, members, mixture.weights, alive))
    moves = list(islice(every, n_moves))
    features = family.expand(rows.T).T
    halves = {split: _halves(features, z, members[:, split]) for split in {split for _, split in moves}}
    before = members.T @ features  # moves share rows out anew, and sums over rows with them
    sums = np.repeat(before[None], len(moves), axis=0)
    for made, ((kept, freed), split) in zip(sums, moves, strict=True):
        made[kept] += before[freed]
        made[freed], made[split] = halves[split]
    return family.maximise(sums, rows.shape[1], floor)


def _ranked(pairs: list[tuple[int, int]], splits: list[int]) -> Iterator[tuple[tuple[int, int], int]]:
    """Pairs to merge with components to split, by the sum of their ranks."""
    for total in range(len(pairs) + len(splits)):
        for first in range(max(0, total - len(splits) + 1), min(total + 1, len(pairs))):
            pair, split = pairs[first], splits[total - first]
            if split not in pair:
                yield pair, split


def _by_overlap(members: np.ndarray, alive: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of components by the cosine of their responsibilities, the largest first."""
    columns = members[:, alive] / np.linalg.norm(members[:, alive], axis=0)
    first, second = np.triu_indices(len(alive), 1)
    order = np.argsort(-(columns.T @ columns)[first, second], kind="stable")
    return list(zip(alive[first[order]].tolist(), alive[second[order]].tolist(), strict=True))


def _by_misfit(joint: np.ndarray, members: np.ndarray, weights: np.ndarray, alive: np.ndarray) -> list[int]:
    """Components by the divergence of the rows that are theirs from their density, the largest first."""
    shares = members[:, alive] / members[:, alive].sum(0)
    gaps = np.log(np.where(shares > 0, shares, 1)) - (joint[:, alive] - np.log(weights[alive]))
    misfit = np.where(shares > 0, shares * gaps, 0).sum(0)
    return alive[np.argsort(-misfit, kind="stable")].tolist()


def _halves(features: np.ndarray, z: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over either side of the mean of the given mass along its longest axis.

    The axis is that of the whitened rows, which no affine map changes, and points to the outermost of them.
    """
    centred = z - mass @ z / mass.sum()
    along = centred @ np.linalg.eigh((centred.T * mass) @ centred)[1][:, -1]
    upper = (along > 0) == (along[-1] > 0)
    return (mass * upper) @ features, (mass * ~upper) @ features
