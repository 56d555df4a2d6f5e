"""What a comparison found: immutable, and able to show itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from densimeter.foundations.estimates import Estimate
from densimeter.foundations.progress import Progress, silent
from densimeter.foundations.randomness import RandomState
from densimeter.tables.table import Note

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from densimeter.evaluation.diagnostics.comparison import ComparisonDiagnostics
    from densimeter.evaluation.diagnostics.tails import TailSummary
    from densimeter.evaluation.families import SettingScan


@dataclass(frozen=True)
class Protocol:
    """How rows were divided and means judged.

    Parameters
    ----------
    folds : int or None
        Settings were cross-validated over so many folds; None where one validation part chose them.
    repeats : int
        Splits into test rows and others.
    group, time : str or None
        The column whose rows stayed together, or that told which rows are held out: the latest.
    interval : str
        ``"student"`` or ``"bca"``, for the mean over the test rows of one split.
    test_folds : int or None
        Each row was a test row once, in so many folds; None where one part of the rows was for testing.
    duplicates : str
        ``"keep"`` or ``"drop"``: what was done with rows that equal one of an earlier part.
    """

    folds: int | None = None
    repeats: int = 1
    group: str | None = None
    time: str | None = None
    interval: str = "student"
    duplicates: str = "drop"
    test_folds: int | None = None


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
    protocol: Protocol = field(default_factory=Protocol)

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
            "protocol": asdict(self.protocol),
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
    p_value: float | None = None
    """Of no difference to the best, adjusted for all pairs of models; None for the best itself."""
    repeated: tuple[float, ...] = ()
    """The mean score on each split, where there are several; `scores` are of the first, or of all folds."""
    tail: TailSummary | None = None
    """The lower tail of the scores, and a robust middle for where it is heavy."""
    from_cache: bool = False
    """Whether it was fitted in an earlier run, whose seconds are told."""
    scan: SettingScan | None = None
    """What was tried for the setting that unseen rows chose, where the family keeps it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them; the fitted estimator and the scores stay behind."""
        return {
            "name": self.name,
            "log_likelihood": self.log_likelihood.to_dict(),
            "difference_to_best": self.difference_to_best.to_dict(),
            "gap_to_oracle": self.gap_to_oracle.to_dict() if self.gap_to_oracle else None,
            "p_value": self.p_value,
            "repeated": [mean if np.isfinite(mean) else None for mean in self.repeated],
            "tail": self.tail.to_dict() if self.tail else None,
            "fit_seconds": self.fit_seconds,
            "settings": dict(self.settings),
        }


@dataclass(frozen=True)
class Unranked:
    """A model that stands apart: it failed, or its scores are no density."""

    name: str
    reason: str


@dataclass(frozen=True)
class HeldOut:
    """The test rows of the first split, and the place of each in the source, from 0.

    Where each row was a test row once, these are the rows of all folds; the first `n_first` of them are those
    that the estimators which are shown have not seen.
    """

    rows: np.ndarray
    numbers: np.ndarray
    n_first: int | None = None

    @property
    def first(self) -> slice:
        """The rows that the estimators which are shown have not seen."""
        return slice(self.n_first)


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
    held_out : HeldOut
        The test rows, to which each model's ``scores`` belong.
    indistinguishable : tuple of tuples of str
        Runs of the ranking of which no two models can be told apart, when all pairs are asked at once
        (Holm's correction).
    unranked : tuple of Unranked
        Models that failed or are refused, with their reasons.
    effective_rows : float
        So many independent test rows would tell the best model from the next as well as these do.
    """

    data: DataSummary
    models: tuple[ModelResult, ...]
    oracle: Estimate | None
    confidence: float
    held_out: HeldOut
    indistinguishable: tuple[tuple[str, ...], ...] = ()
    unranked: tuple[Unranked, ...] = ()
    effective_rows: float = np.inf

    @property
    def best(self) -> ModelResult:
        """The model with the highest mean test log-likelihood."""
        return self.models[0]

    def to_dict(self) -> dict[str, Any]:
        """The whole result in plain values: ``data``, ``models`` (best first), ``oracle``, and the rest."""
        return {
            "data": self.data.to_dict(),
            "models": [model.to_dict() for model in self.models],
            "oracle": self.oracle.to_dict() if self.oracle else None,
            "indistinguishable": [list(run) for run in self.indistinguishable],
            "unranked": [asdict(model) for model in self.unranked],
            "effective_rows": self.effective_rows if np.isfinite(self.effective_rows) else None,
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

    def diagnose(self, random_state: RandomState = 0) -> ComparisonDiagnostics:
        """What the ranking does not say: which rows decide, which nobody explains, how each model fits.

        Costs a few seconds a model: its draws are held against the test rows.
        """
        from densimeter.evaluation.diagnostics.comparison import diagnose_comparison

        return diagnose_comparison(self, random_state)

    def plot(self) -> Figure:
        """The models' log-likelihoods and their differences to the best, each with its interval."""
        from densimeter.plotting.comparison import plot_comparison

        return plot_comparison(self)

    def to_html(self, command: str | None = None, progress: Progress = silent) -> str:
        """One self-contained page that can be sent to a colleague: the result, its charts, its provenance.

        Parameters
        ----------
        command : str, optional
            What was typed to get the result, for the page to tell; by default it tells the call in Python.
        progress : Progress
            Told how far the work is.
        """
        from densimeter.report.comparison.page import comparison_page

        return comparison_page(self, command, progress)

    def __repr__(self) -> str:
        ranking = ", ".join(f"{m.name} {m.log_likelihood}" for m in self.models)
        return f"Comparison({self.data.source}: {ranking})"

    def _repr_html_(self) -> str:
        from densimeter.evaluation.html import comparison_as_html

        return comparison_as_html(self)
