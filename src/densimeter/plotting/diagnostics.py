"""Pictures of diagnostics: calibration curves, ranks of columns, marginal fits, rows against two models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from densimeter.plotting.panels import ACCENT, FAINT, INK, QUIET, label, legend, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PANELS = 12
"""More columns than this give pictures too small to read; the worst fitted are shown."""


def plot_coverage(calibrations: dict[str, Any]) -> Figure:
    """Coverage of highest-density regions: nominal against actual, a curve a model, with the band.

    Parameters
    ----------
    calibrations : dict of model names to objects
        With ``nominal``, ``actual``, ``band`` and ``confidence``, as `densimeter`'s calibrations have.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot. Curves below the diagonal are of models that are too sure of themselves.
    """
    figure, (panel,) = panels(width=4.6, height=4.2)
    shades = [ACCENT, INK, "#2a7f9e", "#6a994e", QUIET]
    widest = max(calibrations.values(), key=lambda one: one.band)
    _draw_band(panel, widest)
    for place, (name, one) in enumerate(calibrations.items()):
        style = "-" if place < len(shades) else "--"
        panel.plot(
            one.nominal, one.actual, style, color=shades[place % len(shades)], linewidth=1.6, label=name
        )
    panel.set_aspect("equal")
    label(
        panel, "Coverage of highest-density regions", "probability of the region", "share of test rows inside"
    )
    legend(panel, loc="upper left")
    return figure


def plot_ranks(columns: Sequence[Any], n_bins: int = 20) -> Figure:
    """Histograms of each column's ranks among the model's samples: flat if the model is right.

    Parameters
    ----------
    columns : sequence of objects
        With ``name``, ``ranks`` and ``p_value``, as `densimeter`'s calibrations have.
    n_bins : int
    """
    shown = _worst(columns)
    figure, axes = _grid(len(shown))
    for panel, one in zip(axes, shown, strict=True):
        heights, edges = np.histogram(one.ranks, n_bins, range=(0, 1))
        panel.stairs(heights * n_bins / len(one.ranks), edges, fill=True, color=FAINT)
        panel.stairs(heights * n_bins / len(one.ranks), edges, color=INK, linewidth=0.8)
        noise = 2 * np.sqrt((n_bins - 1) / len(one.ranks))  # two standard errors of a flat bin
        panel.axhspan(1 - noise, 1 + noise, color=ACCENT, alpha=0.15, linewidth=0)
        panel.axhline(1, color=ACCENT, linewidth=1)
        panel.set_ylim(0, None)
        label(panel, f"{one.name}, p = {one.p_value:.2g}", "rank among samples", "density")
    return figure


def plot_marginals(fits: Sequence[Any]) -> Figure:
    """Each column's test rows as bars, and the model's samples as a line over them.

    Parameters
    ----------
    fits : sequence of objects
        With ``name``, ``edges``, ``row_density``, ``sample_density`` and ``distance``, as `densimeter`'s
        marginal fits have.
    """
    shown = _worst(fits)
    figure, axes = _grid(len(shown))
    for place, (panel, fit) in enumerate(zip(axes, shown, strict=True)):
        panel.stairs(fit.row_density, fit.edges, fill=True, color=FAINT, label="test rows")
        panel.stairs(fit.sample_density, fit.edges, color=ACCENT, linewidth=1.4, label="model")
        label(panel, f"{fit.name}, distance {fit.distance:.3f}", "", "density" if place == 0 else "")
    legend(axes[0])
    return figure


def plot_quantiles(fits: Sequence[Any]) -> Figure:
    """Quantiles of the model's samples against those of the test rows, column by column."""
    shown = _worst(fits)
    figure, axes = _grid(len(shown))
    for place, (panel, fit) in enumerate(zip(axes, shown, strict=True)):
        ends = fit.row_quantiles[[0, -1]]
        panel.plot(ends, ends, color=QUIET, linewidth=1)
        panel.plot(fit.row_quantiles, fit.sample_quantiles, ".-", color=INK, markersize=3, linewidth=0.8)
        label(panel, fit.name, "quantiles of test rows", "of the model" if place == 0 else "")
    return figure


def _draw_band(panel: Any, calibration: Any) -> None:
    nominal = calibration.nominal
    low, high = (np.clip(nominal + sign * calibration.band, 0, 1) for sign in (-1, 1))
    words = f"{100 * calibration.confidence:.6g} % band of a right model"
    panel.fill_between(nominal, low, high, color=QUIET, alpha=0.25, linewidth=0, label=words)
    panel.plot([0, 1], [0, 1], color=QUIET, linewidth=1)


def _worst(columns: Sequence[Any]) -> list[Any]:
    """At most `MOST_PANELS` of them, those with the largest distance, in the order given."""
    largest = np.argsort([-one.distance for one in columns], kind="stable")[:MOST_PANELS]
    return [columns[place] for place in sorted(largest)]


def _grid(count: int) -> tuple[Figure, np.ndarray]:
    """Panels in rows of four, the spare ones taken away."""
    width = min(count, 4)
    height = -(-count // width)
    figure, axes = panels(width, height, width=max(2.5 * width, 4.0), height=2.3 * height)
    for spare in axes[count:]:
        spare.remove()
    return figure, axes[:count]
