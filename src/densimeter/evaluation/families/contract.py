"""What a family is: a way to get a fitted model from rows, its settings chosen by other rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from densimeter.evaluation.splits import Split
from densimeter.foundations.errors import DataError
from densimeter.foundations.progress import Progress

FOLDS_OF_SMALL_TABLES = 5
"""Over which families may choose settings where validation rows are few."""


@dataclass(frozen=True)
class TrainingParts:
    """All that a model may see: rows to fit on, rows to choose settings by, and folds of both together.

    Parameters
    ----------
    train, validation : array of shape (n_samples, n_features)
    folds : sequence of pairs of arrays
        Places of rows to learn from and of rows to score, among the training rows followed by the validation
        rows.
    cross_validate : bool
        Whether the user wants settings chosen over the folds, and the model then fitted on all rows.
    """

    train: np.ndarray
    validation: np.ndarray
    folds: Sequence[tuple[np.ndarray, np.ndarray]] = ()
    cross_validate: bool = False

    @classmethod
    def of(cls, rows: np.ndarray, split: Split, seed: int, n_folds: int | None = None) -> TrainingParts:
        """The parts of a split of `rows`; settings are cross-validated where a number of folds is asked for.

        Raises
        ------
        DataError
            If there are too few units for the folds that were asked for.
        """
        try:
            folds = tuple(split.folds(n_folds or FOLDS_OF_SMALL_TABLES, np.random.default_rng(seed)))
        except DataError:
            if n_folds is not None:
                raise
            folds = ()  # nobody asked for them
        return cls(rows[split.train], rows[split.validation], folds, n_folds is not None)

    def fold_rows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The rows of each fold."""
        rows = self.together
        return ((rows[seen], rows[unseen]) for seen, unseen in self.folds)

    @property
    def together(self) -> np.ndarray:
        """Training and validation rows."""
        return np.concatenate([self.train, self.validation])

    @property
    def final(self) -> np.ndarray:
        """The rows that the model is fitted on once its settings are chosen."""
        return self.together if self.cross_validate else self.train


@dataclass(frozen=True)
class SettingScan:
    """What was tried for one setting, and how well unseen rows liked it.

    Parameters
    ----------
    setting : str
        Its name.
    tried, scores : tuple of float
        Values in ascending order, and the mean held-out log-likelihood of each, nats per row. Where a setting
        differs by column, `tried` has the geometric means over the columns.
    chosen : float
        The one that was taken.
    """

    setting: str
    tried: tuple[float, ...]
    scores: tuple[float, ...]
    chosen: float

    @classmethod
    def of_bandwidths(cls, bandwidths: np.ndarray, scores: np.ndarray) -> SettingScan:
        """Of bandwidths ``(n_candidates,)``, or ``(n_candidates, n_features)`` with one for each column."""
        widths = np.exp(np.log(bandwidths).mean(axis=1)) if bandwidths.ndim > 1 else bandwidths
        best = float(widths[scores.argmax()])
        return cls("bandwidth", tuple(widths.tolist()), tuple(scores.tolist()), best)


@dataclass(frozen=True)
class FittedFamily:
    """A fitted estimator, the settings that were chosen for it or found by it, and what else was tried."""

    estimator: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    scan: SettingScan | None = None


class Family(Protocol):
    """A way to get a fitted density model from training and validation rows."""

    @property
    def name(self) -> str:
        """The name by which the user asks for it."""
        ...

    @property
    def is_normalised(self) -> bool:
        """Whether its scores are log-densities by construction, so that the claim needs no check."""
        ...

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The model fitted on the parts; no other row is seen."""
        ...
