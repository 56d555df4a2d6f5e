"""Single rows: those that most separate two models, and those that no model explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from densimeter.evaluation.diagnostics.availability import finite_or_none


@dataclass(frozen=True, slots=True)
class SeparatingRow:
    """A row, its log-density under two models in nats, and how far the first lies above the second.

    ``position`` counts in the scores that were given, ``index`` is the row's own in the table.
    """

    position: int
    index: int
    first: float
    second: float
    difference: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "index": self.index,
            "first": finite_or_none(self.first),
            "second": finite_or_none(self.second),
            "difference": finite_or_none(self.difference),
        }


@dataclass(frozen=True, slots=True)
class UnexplainedRow:
    """A row, the model that finds it least unlikely, and its log-density under each model, nats."""

    position: int
    index: int
    best_model: str
    best_score: float
    scores: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "index": self.index,
            "best_model": self.best_model,
            "best_score": finite_or_none(self.best_score),
            "scores": {name: finite_or_none(score) for name, score in self.scores.items()},
        }


def separating_rows(
    first: ArrayLike, second: ArrayLike, index: ArrayLike | None = None, n_rows: int = 5
) -> tuple[SeparatingRow, ...]:
    """The rows that speak loudest for either of two models, largest difference first.

    Parameters
    ----------
    first, second : array of shape (n_samples,)
        Log-densities of the same rows under the two models, nats; -inf outside a support.
    index : array of int, shape (n_samples,), optional
        The rows' places in the table they come from.
    n_rows : int
        Rows for each of the two models at most. Rows on which they agree speak for neither.

    Examples
    --------
    >>> [(row.index, row.difference) for row in separating_rows([1.0, 2.0, 3.0], [1.0, 5.0, 2.5], n_rows=1)]
    [(1, -3.0), (2, 0.5)]
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    index = _index(index, len(first))
    both_out = np.isneginf(first) & np.isneginf(second)
    with np.errstate(invalid="ignore"):
        difference = np.where(both_out, 0.0, first - second)
    order = np.argsort(difference, kind="stable")
    chosen = np.unique(np.concatenate([order[:n_rows], order[max(len(order) - n_rows, 0) :]]))
    chosen = chosen[difference[chosen] != 0]
    chosen = chosen[np.argsort(-np.abs(difference[chosen]), kind="stable")]
    return tuple(
        SeparatingRow(int(i), int(index[i]), float(first[i]), float(second[i]), float(difference[i]))
        for i in chosen
    )


def unexplained_rows(
    scores: Mapping[str, ArrayLike], index: ArrayLike | None = None, n_rows: int = 10
) -> tuple[UnexplainedRow, ...]:
    """The rows whose density is low under every model, lowest first: candidates for errors in the data.

    Parameters
    ----------
    scores : mapping of names to arrays of shape (n_samples,)
        Log-densities of the same rows under each model, nats.
    index : array of int, shape (n_samples,), optional
        The rows' places in the table they come from.
    n_rows : int

    Examples
    --------
    >>> found = unexplained_rows({"a": [-1.0, -9.0, -2.0], "b": [-1.5, -7.0, -8.0]}, n_rows=1)
    >>> found[0].index, found[0].best_model, found[0].best_score
    (1, 'b', -7.0)
    """
    names = list(scores)
    table = np.stack([np.asarray(scores[name], np.float64) for name in names])
    index = _index(index, table.shape[1])
    best = table.argmax(axis=0)
    highest = table.max(axis=0)
    chosen = np.argsort(highest, kind="stable")[:n_rows]
    return tuple(
        UnexplainedRow(
            int(i),
            int(index[i]),
            names[best[i]],
            float(highest[i]),
            {name: float(score) for name, score in zip(names, table[:, i], strict=True)},
        )
        for i in chosen
    )


def _index(index: ArrayLike | None, n: int) -> np.ndarray:
    return np.arange(n) if index is None else np.asarray(index)
