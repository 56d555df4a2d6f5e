"""What a comparison found: immutable, and able to show itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from densimeter.foundations.estimates import Estimate
from densimeter.tables.table import Note

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DataSummary:
    """The table that was compared on: its name, columns, the sizes of its parts, and every decision taken."""

    source: str
    columns: tuple[str, ...]
    n_train: int
    n_validation: int
    n_test: int
    test_fraction: float
    seed: int | None
    notes: tuple[Note, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "source": self.source,
            "columns": list(self.columns),
            "n_train": self.n_train,
            "n_validation": self.n_validation,
            "n_test": self.n_test,
            "test_fraction": self.test_fraction,
            "seed": self.seed,
            "notes": [{"kind": str(note.kind), "text": note.text} for note in self.notes],
        }


@dataclass(frozen=True)
class ModelResult:
    """One model: fitted, scored once on the test rows, and set beside the best."""

    name: str
    estimator: Any
    settings: Mapping[str, Any]
    scores: np.ndarray
    log_likelihood: Estimate
    difference_to_best: Estimate
    gap_to_oracle: Estimate | None
    fit_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them; the fitted estimator and the scores stay behind."""
        return {
            "name": self.name,
            "log_likelihood": self.log_likelihood.to_dict(),
            "difference_to_best": self.difference_to_best.to_dict(),
            "gap_to_oracle": self.gap_to_oracle.to_dict() if self.gap_to_oracle else None,
            "fit_seconds": self.fit_seconds,
            "settings": dict(self.settings),
        }


@dataclass(frozen=True, repr=False)
class Comparison:
    """Models ranked by mean held-out log-likelihood, best first.

    Attributes
    ----------
    data : DataSummary
    models : tuple of ModelResult
        Best first. ``models[0].estimator`` is the best fitted estimator, ready for ``score_samples`` in the
        user's units.
    oracle : Estimate or None
        Mean log-likelihood of the true density on the same test rows, where it is known.
    confidence : float
    """

    data: DataSummary
    models: tuple[ModelResult, ...]
    oracle: Estimate | None
    confidence: float

    @property
    def best(self) -> ModelResult:
        """The model with the highest mean test log-likelihood."""
        return self.models[0]

    def to_dict(self) -> dict[str, Any]:
        """The whole result in plain values: ``data``, ``models`` (best first) and ``oracle``."""
        return {
            "data": self.data.to_dict(),
            "models": [model.to_dict() for model in self.models],
            "oracle": self.oracle.to_dict() if self.oracle else None,
        }

    def to_frame(self) -> pd.DataFrame:
        """A pandas frame, one row a model, best first, indexed by its name."""
        import pandas as pd

        return pd.DataFrame(
            {
                "log_likelihood": [m.log_likelihood.value for m in self.models],
                "lower": [m.log_likelihood.lower for m in self.models],
                "upper": [m.log_likelihood.upper for m in self.models],
                "difference_to_best": [m.difference_to_best.value for m in self.models],
                "difference_lower": [m.difference_to_best.lower for m in self.models],
                "difference_upper": [m.difference_to_best.upper for m in self.models],
                "gap_to_oracle": [m.gap_to_oracle.value if m.gap_to_oracle else np.nan for m in self.models],
                "fit_seconds": [m.fit_seconds for m in self.models],
                "settings": [dict(m.settings) for m in self.models],
            },
            index=pd.Index([m.name for m in self.models], name="model"),
        )

    def plot(self) -> Figure:
        """The models' log-likelihoods and their differences to the best, each with its interval."""
        from densimeter.plotting.comparison import plot_comparison

        return plot_comparison(self)

    def __repr__(self) -> str:
        ranking = ", ".join(f"{m.name} {m.log_likelihood}" for m in self.models)
        return f"Comparison({self.data.source}: {ranking})"

    def _repr_html_(self) -> str:
        from densimeter.evaluation.html import comparison_as_html

        return comparison_as_html(self)
