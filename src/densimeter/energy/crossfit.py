"""Bases that have not seen the rows they are tilted on.

A base fitted on a row is too high there, and a tilt that learns from the pair would learn to do nothing.
So the training rows are cut into folds, and each fold meets a base fitted on the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.base import FitBase
from densimeter.energy.training import Folds
from densimeter.foundations.padding import bucket_size, pad_rows
from densimeter.foundations.precision import computing_in


def repeated(Z: np.ndarray, counts: np.ndarray | None) -> np.ndarray:
    """Each row as often as it counts."""
    return Z if counts is None else np.repeat(Z, counts, axis=0)


def counts_from(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights ``(n,)`` as whole numbers: themselves if they are, else at random, with mean one.

    Systematic rounding: a row counts ``w / mean(w)`` times on average, and never a whole time more or less.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> counts_from(np.array([1.0, 3.0]), rng), counts_from(np.full(4, 0.5), rng)
    (array([1, 3]), array([1, 1, 1, 1]))
    """
    if (weights == np.rint(weights)).all() and weights.sum() <= MOST_REPEATED * len(weights):
        return weights.astype(np.int64)
    ends = np.floor(np.cumsum(weights / weights.max()) / (weights / weights.max()).mean() + rng.random())
    return np.diff(ends, prepend=0).astype(np.int64)


@dataclass(frozen=True)
class Split:
    """Scaled rows to train on and to validate on, and whether the latter were part of the data.

    The former come with how often each of them counts: they are repeated only when they have been cut into
    parts, so that no part has seen a row of another.
    """

    distinct: np.ndarray
    counts: np.ndarray | None
    validation: np.ndarray
    held_out: bool

    @property
    def training(self) -> np.ndarray:
        """The rows to train on, repeated."""
        return repeated(self.distinct, self.counts)

    @property
    def everything(self) -> np.ndarray:
        """The rows the final base may be fitted on."""
        return np.concatenate([self.training, self.validation]) if self.held_out else self.training


def hold_out(
    Z: np.ndarray, fraction: float, rng: np.random.Generator, counts: np.ndarray | None = None
) -> Split:
    """A random part of the rows set aside to validate on; at least one row on each side."""
    n_validation = min(max(round(fraction * len(Z)), 1), len(Z) - 1)
    order = rng.permutation(len(Z))
    training, validation = order[n_validation:], order[:n_validation]
    return Split(
        Z[training], _at(counts, training), repeated(Z[validation], _at(counts, validation)), held_out=True
    )


def _at(counts: np.ndarray | None, index: np.ndarray) -> np.ndarray | None:
    return None if counts is None else counts[index]


MOST_REPEATED = 100
"""Times that rows are repeated on average at most."""


@dataclass(frozen=True)
class Parts:
    """Training rows on which the way to fit bases is chosen, and the others in folds.

    The rows of the choice are in every base and in no fold: a fold's base owes nothing to the fold's rows,
    not even where its fit began.
    """

    for_choice: np.ndarray
    folds: tuple[np.ndarray, ...]

    @classmethod
    def cut(
        cls,
        Z: np.ndarray,
        n_choice: int,
        n_folds: int,
        rng: np.random.Generator,
        counts: np.ndarray | None = None,
    ) -> Parts:
        """The scaled rows ``(n, d)`` in random order, then each as often as it counts."""
        order = rng.permutation(len(Z))
        n_folds = max(1, min(n_folds, len(order[n_choice:]) // 2))
        parts = (order[:n_choice], *np.array_split(order[n_choice:], n_folds))
        for_choice, *folds = (repeated(Z[part], _at(counts, part)) for part in parts)
        return cls(for_choice, tuple(folds))

    def cross_fit(self, fit: FitBase) -> Folds:
        """The folds, each with a base fitted without it; a single fold has to do with itself."""
        bases = [
            fit(np.concatenate([self.for_choice, *self._others(index)])) for index in range(len(self.folds))
        ]
        size = bucket_size(max(len(fold) for fold in self.folds))
        rows = np.stack([pad_rows(fold, size) for fold in self.folds])
        with computing_in(np.float32):
            stacked = jax.tree.map(_stacked, *bases)
            counts = jnp.asarray([len(fold) for fold in self.folds])
            return Folds(jnp.asarray(rows, jnp.float32), counts, stacked)

    def _others(self, index: int) -> tuple[np.ndarray, ...]:
        return self.folds if len(self.folds) == 1 else self.folds[:index] + self.folds[index + 1 :]


def _stacked(*leaves: np.ndarray) -> jax.Array:
    """The same leaf of all bases with a leading axis, padded with zeros where they differ in length."""
    if np.ndim(leaves[0]) > 0:
        longest = max(len(leaf) for leaf in leaves)
        leaves = tuple(pad_rows(leaf, longest) for leaf in leaves)
    return jnp.asarray(np.stack(leaves), jnp.float32)
