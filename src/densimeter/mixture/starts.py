"""Where EM begins: assignments of rows to components, by the words scikit-learn uses for them.

A start sees the weighted *set* of rows, whitened: equal rows are merged, rows are sorted by their distance
from the centre, and every draw is the inverse of the cumulated weights at a uniform number. So a start
depends neither on the order of the rows nor on the units or the mixing of the columns, and weight 2 is the
same as a row given twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from densimeter.mixture.sources import Batches

SUBSAMPLE = 16384
"""Rows that a start looks at: enough to place components, however long the table."""
LLOYD_STEPS = 10

NUMBERS_AT_ONCE = 1 << 20
"""Responsibilities that are held together while starts are made."""

Start = Callable[[np.ndarray, np.ndarray, int, np.random.Generator, int], np.ndarray]
"""From whitened rows ``(n, d)``, weights, number of components k, generator and number of starts S to
responsibilities ``(S, k, n)``."""


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
    """Indices ``(S, size)`` drawn with probabilities proportional to weights ``(S, n)``."""
    cumulated = np.cumsum(weights, axis=1)
    at = rng.random((len(weights), size)) * cumulated[:, -1:]
    found = [np.searchsorted(*pair, side="right") for pair in zip(cumulated, at, strict=True)]
    return np.minimum(found, weights.shape[1] - 1)


def _draw_distinct(weights: np.ndarray, rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Indices ``(n, size)`` drawn one after the other without those drawn before, while others are left.

    The largest of the log-weights plus Gumbel noise are such a draw (Efraimidis and Spirakis, 2006).
    """
    keys = np.log(weights) + rng.gumbel(size=(n, len(weights)))
    return np.argsort(-keys, axis=1)[:, np.arange(size) % len(weights)]


def plus_plus(z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator, n: int) -> np.ndarray:
    """Indices ``(n, k)`` of the centres that greedy k-means++ chooses (Arthur and Vassilvitskii, 2007).

    If every row coincides with a centre already chosen, further centres are drawn at random.
    """
    squares = (z * z).sum(1)
    trials, every = 2 + int(np.log(k)), np.arange(n)
    first = _draw(np.broadcast_to(weights, (n, len(z))), rng, 1)
    chosen, nearest = [first[:, 0]], _squared_distances(z, squares, first)[:, 0]
    for _ in range(1, k):
        mass = nearest * weights
        candidates = _draw(np.where(mass.any(axis=1, keepdims=True), mass, weights), rng, trials)
        distances = _squared_distances(z, squares, candidates)
        np.minimum(distances, nearest[:, None], out=distances)
        best = (distances @ weights).argmin(axis=1)
        chosen.append(candidates[every, best])
        nearest = distances[every, best]
    return np.stack(chosen, axis=1)


def _squared_distances(z: np.ndarray, squares: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """From the rows with indices `centres` ``(S, t)`` to all rows, ``(S, t, n)``, never negative."""
    distances = (-2 * z[centres.ravel()] @ z.T).reshape(*centres.shape, -1)
    distances += squares
    distances += squares[centres][..., None]
    return np.maximum(distances, 0, out=distances)


def _nearest(z: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The nearest of centres ``(S, k, m)`` to each row, ``(n, S)``; the first of equals."""
    n_starts, k, _ = centres.shape
    flat = centres.reshape(n_starts * k, -1)
    relative = z @ (-2 * flat.T) + (flat * flat).sum(1)
    return relative.reshape(-1, n_starts, k).argmin(-1)


def _one_hot(labels: np.ndarray, k: int) -> np.ndarray:
    """Responsibilities ``(S, k, n)`` from labels ``(n, S)``."""
    return (labels.T[:, None] == np.arange(k)[:, None]).astype(float)


def start_plus_plus(
    z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator, n: int
) -> np.ndarray:
    """Rows belong to the nearest k-means++ centre."""
    return _one_hot(_nearest(z, z[plus_plus(z, weights, k, rng, n)]), k)


def start_kmeans(z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator, n: int) -> np.ndarray:
    """Rows belong to the nearest centre after Lloyd's iterations from k-means++ centres."""
    centres = z[plus_plus(z, weights, k, rng, n)]
    labels, offsets = _nearest(z, centres), k * np.arange(n)
    weighted = [np.repeat(column, n) for column in (weights, *(z.T * weights))]
    for _ in range(LLOYD_STEPS):
        bins = (labels + offsets).ravel()
        counts, *sums = (np.bincount(bins, column, n * k).reshape(n, k, 1) for column in weighted)
        centres = np.where(counts > 0, np.concatenate(sums, -1) / np.where(counts > 0, counts, 1), centres)
        moved = _nearest(z, centres)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return _one_hot(labels, k)


def start_random(z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator, n: int) -> np.ndarray:
    """Responsibilities drawn uniformly and normalised."""
    responsibilities = rng.random((n, k, len(z)))
    return responsibilities / responsibilities.sum(1, keepdims=True)


def start_random_from_data(
    z: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator, n: int
) -> np.ndarray:
    """Rows belong to the nearest of k rows drawn at random, no row twice while there are others."""
    return _one_hot(_nearest(z, z[_draw_distinct(weights, rng, n, k)]), k)


@dataclass(frozen=True, slots=True)
class StartPlan:
    """Kinds of starts, one of each for every restart, and the kinds of `surplus` more that compete."""

    kinds: tuple[Start, ...]
    more: tuple[Start, ...] = ()
    surplus: int = 0


EVERY_KIND = (start_kmeans, start_plus_plus, start_random_from_data, start_random)
"""The kinds that have a name, each with a stream of random numbers of its own."""

STARTS: dict[str, StartPlan] = {
    "auto": StartPlan(EVERY_KIND, EVERY_KIND[:3], 6),
    "kmeans": StartPlan((start_kmeans,)),
    "k-means++": StartPlan((start_plus_plus,)),
    "random": StartPlan((start_random,)),
    "random_from_data": StartPlan((start_random_from_data,)),
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


def starting_sums(
    features: np.ndarray,
    z: np.ndarray,
    weights: np.ndarray,
    k: int,
    plan: StartPlan,
    rng: np.random.Generator,
    n_restarts: int,
) -> np.ndarray:
    """The expected sums ``(n_starts, k, n_terms)`` of a plan: `n_restarts` of each kind, then more.

    `features` ``(n, n_terms)`` are those of the rows, `z` the rows whitened. The starts of a kind are the
    same in every plan, so that a plan of several kinds holds those of each alone. They are made together, as
    many as memory for `NUMBERS_AT_ONCE` responsibilities allows.
    """
    seed, together = int(rng.integers(2**63)), max(1, NUMBERS_AT_ONCE // (k * len(z)))
    sums = []
    for turn, kind in enumerate((*plan.kinds, *plan.more)):
        own = np.random.default_rng([seed, EVERY_KIND.index(kind), int(turn >= len(plan.kinds))])
        wanted = n_restarts if turn < len(plan.kinds) else plan.surplus // len(plan.more)
        for first in range(0, wanted, together):
            shares = kind(z, weights, k, own, min(together, wanted - first))
            sums.append((shares * weights) @ features)
    return np.concatenate(sums)
