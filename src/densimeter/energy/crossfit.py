"""Bases that have not seen the rows they are tilted on.

A base fitted on a row is too high there, and a tilt that learns from the pair would learn to do nothing.
So the training rows are cut into folds, and each fold meets a base fitted on the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.base import ChooseBase, FitBase
from densimeter.energy.training import Folds
from densimeter.foundations.padding import bucket_size, pad_rows
from densimeter.foundations.precision import computing_in
from densimeter.foundations.scaling import ColumnScaling


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


def cross_fit(
    choose: ChooseBase, Z: np.ndarray, scaling: ColumnScaling, n_folds: int, rng: np.random.Generator
) -> tuple[Folds, FitBase]:
    """The scaled rows in folds, each with a base fitted without it, and the way these bases were fitted.

    The rows on which that way was chosen are in every base and in no fold: a fold's base owes nothing to the
    fold's rows, not even where its fit began.
    """
    order = rng.permutation(len(Z))
    n_choice = choose.n_rows(*Z.shape)
    for_choice, rest = Z[order[:n_choice]], Z[order[n_choice:]]
    fit = choose(for_choice, scaling, rng)
    n_folds = max(1, min(n_folds, len(rest) // 2))
    parts = np.array_split(rest, n_folds)
    bases = [fit(np.concatenate([for_choice, *_others(parts, index)])) for index in range(n_folds)]
    size = bucket_size(max(len(part) for part in parts))
    rows = np.stack([pad_rows(part, size) for part in parts])
    with computing_in(np.float32):
        stacked = jax.tree.map(_stacked, *bases)
        counts = jnp.asarray([len(part) for part in parts])
        return Folds(jnp.asarray(rows, jnp.float32), counts, stacked), fit


def _stacked(*leaves: np.ndarray) -> jax.Array:
    """The same leaf of all bases with a leading axis, padded with zeros where they differ in length."""
    if np.ndim(leaves[0]) > 0:
        longest = max(len(leaf) for leaf in leaves)
        leaves = tuple(pad_rows(leaf, longest) for leaf in leaves)
    return jnp.asarray(np.stack(leaves), jnp.float32)


def _others(parts: list[np.ndarray], index: int) -> list[np.ndarray]:
    """All folds but one; a single fold has to do with itself."""
    return parts if len(parts) == 1 else parts[:index] + parts[index + 1 :]
