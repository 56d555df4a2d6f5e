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


@dataclass(frozen=True)
class Split:
    """Scaled rows to train on and to validate on, and whether the latter were part of the data."""

    training: np.ndarray
    validation: np.ndarray
    held_out: bool

    @property
    def everything(self) -> np.ndarray:
        """The rows the final base may be fitted on."""
        return np.concatenate([self.training, self.validation]) if self.held_out else self.training


def hold_out(Z: np.ndarray, fraction: float, rng: np.random.Generator) -> Split:
    """A random part of the rows set aside to validate on; at least one row on each side."""
    n_validation = min(max(round(fraction * len(Z)), 1), len(Z) - 1)
    order = rng.permutation(len(Z))
    return Split(Z[order[n_validation:]], Z[order[:n_validation]], held_out=True)


@dataclass(frozen=True)
class Parts:
    """Training rows on which the way to fit bases is chosen, and the others in folds.

    The rows of the choice are in every base and in no fold: a fold's base owes nothing to the fold's rows,
    not even where its fit began.
    """

    for_choice: np.ndarray
    folds: tuple[np.ndarray, ...]

    @classmethod
    def cut(cls, Z: np.ndarray, n_choice: int, n_folds: int, rng: np.random.Generator) -> Parts:
        """The scaled rows ``(n, d)`` in random order."""
        order = rng.permutation(len(Z))
        for_choice, rest = Z[order[:n_choice]], Z[order[n_choice:]]
        n_folds = max(1, min(n_folds, len(rest) // 2))
        return cls(for_choice, tuple(np.array_split(rest, n_folds)))

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
