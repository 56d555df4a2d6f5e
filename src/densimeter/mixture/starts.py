"""Where EM begins: hard assignments of rows to components, by the words scikit-learn uses for them.

A start sees the weighted *set* of rows, whitened: equal rows are merged, rows are sorted by their distance
from the centre, and every draw is the inverse of the cumulated weights at a uniform number. So a start
depends neither on the order of the rows nor on the units or the mixing of the columns, and weight 2 is the
same as a row given twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.sources import Batches

SUBSAMPLE = 16384
"""Rows that a start looks at: enough to place components, however long the table."""
LLOYD_STEPS = 10

Start = Callable[[np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]
"""From whitened rows ``(n, d)``, weights, number of components and generator to responsibilities."""


def distinct_rows(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each distinct row once, sorted, with the sum of its weights; rows of weight zero left out."""
    rows, weights = rows[weights > 0], weights[weights > 0]
    order = np.lexsort(rows.T[::-1])
    rows, weights = rows[order], weights[order]
    new = np.ones(len(rows), bool)
    equal = (rows[1:] == rows[:-1]) | (np.isnan(rows[1:]) & np.isnan(rows[:-1]))
    new[1:] = ~equal.all(1)
    return rows[new], np.bincount(np.cumsum(new) - 1, weights)


def whitened(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rows in coordinates where their covariance is the identity, as far as it has full rank.

    Distances then do not depend on the units or on linear mixing of the columns; a long thin cloud of thin
    components looks the same as a round one of round components. With fewer than two rows for each dimension
    whitening would set every row equally far from every other, so the rows are only centred.
    """
    centred = rows - weights @ rows / weights.sum()
    covariance = (centred.T * weights) @ centred / weights.sum()
    values, vectors = np.linalg.eigh(covariance)
    keep = values > values[-1] * 1e-10
    if not keep.any() or 2 * keep.sum() >= len(rows):
        return centred
    return centred @ (vectors[:, keep] / np.sqrt(values[keep]))


def outwards(z: np.ndarray) -> np.ndarray:
    """The order of whitened rows by their distance from the centre, which no affine map changes.

    Distances that are equal but for rounding, as all of fewer rows than columns are, leave the order as is.
    """
    squares = (z * z).sum(1)
    return np.argsort(np.round(squares / max(squares.max(), 1e-300) * 1e9), kind="stable")


def _draw(weights: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    cumulated = np.cumsum(weights)
    return np.minimum(np.searchsorted(cumulated, rng.random(size) * cumulated[-1], "right"), len(weights) - 1)


def _squared_distances(rows: np.ndarray, squares: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """``(K, n)``, never negative."""
    cross = centres @ rows.T
    return np.maximum(squares - 2 * cross + (centres * centres).sum(1)[:, None], 0)


def plus_plus(
    rows: np.ndarray, weights: np.ndarray, n_components: int, rng: np.random.Generator
) -> np.ndarray:
    """Indices of the centres that greedy k-means++ chooses (Arthur and Vassilvitskii, 2007).

    If every row coincides with a centre already chosen, further centres are drawn at random.
    """
    squares = (rows * rows).sum(1)
    trials = 2 + int(np.log(n_components))
    chosen = [int(_draw(weights, rng, 1)[0])]
    nearest = _squared_distances(rows, squares, rows[chosen])[0]
    for _ in range(1, n_components):
        mass = nearest * weights
        candidates = _draw(mass if mass.sum() > 0 else weights, rng, trials)
        distances = np.minimum(_squared_distances(rows, squares, rows[candidates]), nearest)
        best = int(np.argmin(distances @ weights))
        chosen.append(int(candidates[best]))
        nearest = distances[best]
    return np.array(chosen)


def _one_hot(labels: np.ndarray, n_components: int) -> np.ndarray:
    return (labels[:, None] == np.arange(n_components)).astype(float)


def _nearest(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return _squared_distances(rows, (rows * rows).sum(1), centres).argmin(0)


def start_plus_plus(z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Rows belong to the nearest k-means++ centre."""
    return _one_hot(_nearest(z, z[plus_plus(z, weights, k, rng)]), k)


def start_kmeans(z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Rows belong to the nearest centre after Lloyd's iterations from k-means++ centres."""
    centres = z[plus_plus(z, weights, k, rng)]
    labels = _nearest(z, centres)
    for _ in range(LLOYD_STEPS):
        members = _one_hot(labels, k) * weights[:, None]
        counts = members.sum(0)
        centres = np.where(counts[:, None] > 0, members.T @ z / np.maximum(counts, 1e-300)[:, None], centres)
        moved = _nearest(z, centres)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return _one_hot(labels, k)


def start_random(z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Responsibilities drawn uniformly and normalised."""
    responsibilities = rng.random((len(z), k))
    return responsibilities / responsibilities.sum(1, keepdims=True)


def start_random_from_data(
    z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator
) -> np.ndarray:
    """Rows belong to the nearest of k rows drawn at random."""
    return _one_hot(_nearest(z, z[_draw(weights, rng, k)]), k)


@dataclass(frozen=True, slots=True)
class StartPlan:
    """Kinds of starts, taken in turn, and how many more are made than are run to the end."""

    kinds: tuple[Start, ...]
    surplus: int


STARTS: dict[str, StartPlan] = {
    "auto": StartPlan((start_kmeans, start_plus_plus, start_random_from_data), 9),
    "kmeans": StartPlan((start_kmeans,), 0),
    "k-means++": StartPlan((start_plus_plus,), 0),
    "random": StartPlan((start_random,), 0),
    "random_from_data": StartPlan((start_random_from_data,), 0),
}
"""What the words of ``init_params`` stand for."""


def starting_rows(batches: Batches, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows that starts look at: all of a short table, a random part of a long one.

    Rows carry random keys and those with the smallest are kept, so batch boundaries make no difference.
    """
    keys = np.random.default_rng(rng.integers(2**63))  # `rng` itself advances the same for any number of rows
    kept: list[np.ndarray] = []
    for rows, weights in batches():
        new = np.column_stack([keys.random(len(rows)), weights, rows])[weights > 0]
        kept = [np.concatenate([*kept, new])]
        if len(kept[0]) > SUBSAMPLE:
            kept = [kept[0][np.argpartition(kept[0][:, 0], SUBSAMPLE)[:SUBSAMPLE]]]
    return distinct_rows(kept[0][:, 2:], kept[0][:, 1])


def parameters_of(
    family: Family, features: np.ndarray, weights: np.ndarray, responsibilities: np.ndarray, floor: np.ndarray
) -> Parameters:
    """The M-step on given responsibilities, from the rows' `features` ``(n, n_terms)``."""
    sums = (responsibilities * weights[:, None]).T @ features
    return family.maximise(sums, len(floor), floor)
