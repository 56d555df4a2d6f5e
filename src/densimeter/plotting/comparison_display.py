"""Models with their intervals, in scikit-learn's Display convention: two panels for a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import matplotlib.pyplot as plt
import numpy as np

from densimeter.foundations.errors import SettingError
from densimeter.foundations.estimates import Estimate

INK, ACCENT, QUIET, FAINT = "#1b3a4b", "#c8553d", "#8d99a6", "#e6e9ec"
X_LABELS = (
    "mean test log-likelihood, nats per row",
    "paired difference to the best, nats per row",
)


@dataclass(slots=True)
class ComparisonDisplay:
    """The log-likelihood of each model and its paired difference to the best, each with its interval.

    Make one with `from_comparison`; draw it again with `plot`.

    Attributes
    ----------
    log_likelihoods, differences : mapping of str to Estimate
        By model, best first.
    oracle : Estimate or None
        The score of the true density, where it is known.
    figure_, axes_ : matplotlib Figure and array of two Axes
        Where it was drawn last.
    """

    log_likelihoods: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    oracle: Estimate | None = None
    figure_: Any = field(default=None, repr=False)
    axes_: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, comparison: Any) -> Self:
        """The display of a comparison, not yet drawn."""
        return cls(
            {model.name: model.log_likelihood for model in comparison.models},
            {model.name: model.difference_to_best for model in comparison.models},
            comparison.oracle,
        )

    @classmethod
    def from_comparison(cls, comparison: Any, *, axes: Sequence[Any] | None = None) -> Self:
        """Draw a comparison as `densimeter.compare` returns it.

        Parameters
        ----------
        comparison : object
            With ``models`` (each with ``name``, ``log_likelihood``, ``difference_to_best``) and ``oracle``.
        axes : two matplotlib Axes, optional
            Where to draw; by default a new figure.

        Raises
        ------
        SettingError
            If `axes` are not two.
        """
        return cls.of(comparison).plot(axes)

    def plot(self, axes: Sequence[Any] | None = None) -> Self:
        """Draw, on `axes` or on a new figure; returns itself."""
        if axes is None:
            height = 1.9 + 0.45 * len(self.log_likelihoods)
            _, axes = plt.subplots(1, 2, sharey=True, figsize=(9.5, height), layout="constrained")
        both: list[Any] = list(np.ravel(axes))  # pyright: ignore[reportArgumentType, reportCallIssue]
        if len(both) != 2:
            raise SettingError(f"a comparison has two panels, got {len(both)} axes", "give two axes, or none")
        likelihood, difference = both
        for panel, estimates in ((likelihood, self.log_likelihoods), (difference, self.differences)):
            for place, estimate in enumerate(estimates.values()):
                _draw_interval(panel, place, estimate, ACCENT if place == 0 else INK)
        if self.oracle is not None:
            _draw_oracle(likelihood, self.oracle)
        difference.axvline(0, color=QUIET, linewidth=1, zorder=0)
        likelihood.set_yticks(range(len(self.log_likelihoods)), list(self.log_likelihoods))
        for panel, x_label in zip((likelihood, difference), X_LABELS, strict=True):
            panel.set_ylim(len(self.log_likelihoods) - 0.5, -0.5)
            panel.set_xlabel(x_label)
            _tidy(panel)
        self.axes_ = np.array([likelihood, difference], dtype=object)
        self.figure_ = likelihood.figure
        return self


def _draw_interval(axes: Any, place: int, estimate: Estimate, colour: str) -> None:
    if not np.isfinite(estimate.value):
        return  # it has no place on the axis; the tables tell of it
    lower, upper = (end if np.isfinite(end) else estimate.value for end in (estimate.lower, estimate.upper))
    axes.hlines(place, lower, upper, color=colour, linewidth=2.5)
    axes.plot([estimate.value], [place], "o", color=colour, markersize=7)
    axes.annotate(
        f"{estimate.value:.3f}".replace("-", "\N{MINUS SIGN}"),
        (estimate.value, place),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=colour,
    )


def _draw_oracle(axes: Any, oracle: Estimate) -> None:
    axes.axvspan(oracle.lower, oracle.upper, color=QUIET, alpha=0.2, linewidth=0, zorder=0)
    axes.axvline(oracle.value, color=QUIET, linewidth=1, linestyle="--", zorder=0)
    axes.annotate(
        "oracle",
        (oracle.value, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=QUIET,
    )


def _tidy(axes: Any) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
