"""What a model file gave: the model, and what stands on the file beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from densimeter.foundations.estimates import Estimate


@dataclass(frozen=True)
class StoredModel:
    """A model file, read and checked.

    Attributes
    ----------
    estimator : estimator
        The fitted model, as it was when it was saved.
    kind : str
        What the file calls its class.
    columns : tuple of str or None
        Names of the columns it was fitted to, in their order.
    provenance : dict
        Where it came from, as far as whoever saved it said so; ``"densimeter"`` is the version that wrote it.
    n_bytes : int
        Size of the file.
    """

    estimator: Any
    kind: str
    columns: tuple[str, ...] | None
    provenance: dict[str, Any]
    n_bytes: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns; x0, x1, ... where the file has none."""
        return self.columns or tuple(f"x{j}" for j in range(self.estimator.n_features_in_))

    @property
    def log_normalizer(self) -> Estimate:
        """Log Z: exactly 0 for a model that is normalised by its formula."""
        return getattr(self.estimator, "log_normalizer_", Estimate.exact(0.0, "by formula"))

    @property
    def parameters(self) -> dict[str, Any]:
        """What the model was told, in plain values."""
        return {name: _plain(value) for name, value in self.estimator.get_params(deep=False).items()}

    def to_dict(self) -> dict[str, Any]:
        """Everything but the numbers of the model itself, in plain values, as JSON carries them."""
        return {
            "kind": self.kind,
            "n_bytes": self.n_bytes,
            "columns": None if self.columns is None else list(self.columns),
            "n_features": self.estimator.n_features_in_,
            "parameters": self.parameters,
            "log_normalizer": {
                **self.log_normalizer.to_dict(),
                "guarantee": str(self.log_normalizer.guarantee),
            },
            "provenance": self.provenance,
        }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return list(value)
    return " ".join(repr(value).split()) if isinstance(value, BaseEstimator) else value
