"""Diagnostics of a comparison, in scikit-learn's Display convention: calibration, and single columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import matplotlib.pyplot as plt

from densimeter.foundations.checks import choose
from densimeter.foundations.errors import DataError

QUIET, FAINT = "#8d99a6", "#dfe4e8"


@dataclass(slots=True)
class CalibrationDisplay:
    """The share of rows at or below each nominal level, for each model, with the band of a right model.

    Attributes
    ----------
    name : str
        The column, or what else is ranked.
    curves : mapping of str to object
        By model, each with ``nominal``, ``actual`` and ``band``.
    figure_, ax_ : matplotlib Figure and Axes
        Where it was drawn last.
    """

    name: str
    curves: Mapping[str, Any]
    figure_: Any = field(default=None, repr=False)
    ax_: Any = field(default=None, repr=False)

    @classmethod
    def from_comparison(
        cls, comparison: Any, column: str | None = None, *, diagnostics: Any = None, ax: Any = None
    ) -> Self:
        """Draw the coverage of highest-density regions, or the quantiles of one column.

        Parameters
        ----------
        comparison : object
            With ``diagnose()``, as a `densimeter.Comparison` has.
        column : str, optional
            A column's name; by default highest-density regions, which are of all columns together.
        diagnostics : object, optional
            What ``diagnose()`` returned, where it is at hand.
        ax : matplotlib Axes, optional

        Raises
        ------
        SettingError
            If there is no such column.
        DataError
            If no model could be held against its samples.
        """
        models = (diagnostics or comparison.diagnose()).models
        if column is None:
            curves = _available(models, "coverage")
            return cls("highest-density regions", curves).plot(ax)
        return cls(column, _of_column(_available(models, "columns"), column)).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw, on `ax` or on a new figure; returns itself."""
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        band = max(curve.band for curve in self.curves.values())
        ax.fill_between([0, 1], [-band, 1 - band], [band, 1 + band], color=FAINT, linewidth=0)
        ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
        for name, curve in self.curves.items():
            ax.plot(curve.nominal, curve.actual, label=name)
        ax.set(xlabel="nominal level", ylabel="share of rows", title=self.name, xlim=(0, 1), ylim=(0, 1))
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


@dataclass(slots=True)
class MarginalDisplay:
    """One column of the test rows as bars, and of each model's samples as a stepped line.

    Attributes
    ----------
    name : str
        The column.
    fits : mapping of str to object
        By model, each with ``edges``, ``row_density`` and ``sample_density``.
    figure_, ax_ : matplotlib Figure and Axes
        Where it was drawn last.
    """

    name: str
    fits: Mapping[str, Any]
    figure_: Any = field(default=None, repr=False)
    ax_: Any = field(default=None, repr=False)

    @classmethod
    def from_comparison(
        cls, comparison: Any, column: str, *, diagnostics: Any = None, ax: Any = None
    ) -> Self:
        """Draw one column, by its name; parameters and errors as `CalibrationDisplay.from_comparison` has."""
        models = (diagnostics or comparison.diagnose()).models
        return cls(column, _of_column(_available(models, "marginals"), column)).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw, on `ax` or on a new figure; returns itself."""
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        first = next(iter(self.fits.values()))
        ax.stairs(first.row_density, first.edges, fill=True, color=FAINT, label="test rows")
        for name, fit in self.fits.items():
            ax.stairs(fit.sample_density, fit.edges, label=name)
        ax.set(xlabel=self.name, ylabel="density")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _available(models: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The diagnostic of each model that could be given it; what stands for the others has a ``reason``."""
    found = {name: getattr(model, what) for name, model in models.items()}
    available = {name: one for name, one in found.items() if not hasattr(one, "reason")}
    if not available:
        reasons = {str(one.reason) for one in found.values()}
        raise DataError(
            f"nothing to draw: {'; '.join(sorted(reasons))}", "compare a model that can be sampled"
        )
    return available


def _of_column(found: Mapping[str, Any], column: str) -> dict[str, Any]:
    by_column = {model: {one.name: one for one in columns} for model, columns in found.items()}
    return {model: choose("column", column, columns) for model, columns in by_column.items()}
