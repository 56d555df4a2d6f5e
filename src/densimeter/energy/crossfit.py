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


def cross_fit(fit_base: FitBase, Z: np.ndarray, n_folds: int) -> Folds:
    """The rows in folds, each with the base that `fit_base` makes of the other folds."""
    n_folds = max(1, min(n_folds, len(Z) // 2))
    parts = np.array_split(Z, n_folds)
    bases = [fit_base(_others(parts, index)) for index in range(n_folds)]
    size = bucket_size(max(len(part) for part in parts))
    rows = np.stack([pad_rows(part, size) for part in parts])
    stacked = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves), jnp.float32), *bases)
    return Folds(jnp.asarray(rows, jnp.float32), jnp.asarray([len(part) for part in parts]), stacked)


def _others(parts: list[np.ndarray], index: int) -> np.ndarray:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts[:index] + parts[index + 1 :])
