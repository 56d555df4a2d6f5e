"""The picture of a comparison: each model's interval, and its paired difference to the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from densimeter.foundations.estimates import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _ACCENT, _QUIET = "#1b3a4b", "#c8553d", "#8d99a6"


def plot_comparison(comparison: Any) -> Figure:
    """Two panels, models from best to worst: mean test log-likelihood, and difference to the best.

    Parameters
    ----------
    comparison : object
        With ``models`` (each with ``name``, ``log_likelihood``, ``difference_to_best``), ``oracle``,
        ``confidence`` and ``data``, as a `densimeter.Comparison` has.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot, so that drawing many of them holds no memory.
    """
    from matplotlib.figure import Figure

    models = comparison.models
    figure = Figure(figsize=(9.5, 1.9 + 0.45 * len(models)), layout="constrained")
    likelihood, difference = figure.subplots(1, 2, sharey=True)
    for place, model in enumerate(models):
        _draw_interval(likelihood, place, model.log_likelihood, _ACCENT if place == 0 else _INK)
        _draw_interval(difference, place, model.difference_to_best, _ACCENT if place == 0 else _INK)
    if comparison.oracle is not None:
        _draw_oracle(likelihood, comparison.oracle)
    difference.axvline(0, color=_QUIET, linewidth=1, zorder=0)
    likelihood.set_yticks(range(len(models)), [model.name for model in models])
    likelihood.set_ylim(len(models) - 0.5, -0.5)
    likelihood.set_xlabel("mean test log-likelihood, nats per row")
    difference.set_xlabel("paired difference to the best, nats per row")
    for axes in (likelihood, difference):
        _tidy(axes)
    data = comparison.data
    figure.suptitle(
        f"{data.source}: {data.n_test:,} test rows, {100 * comparison.confidence:.6g} % intervals",
        fontsize=11,
        x=0.01,
        ha="left",
    )
    return figure


def _draw_interval(axes: Axes, place: int, estimate: Estimate, colour: str) -> None:
    axes.hlines(place, estimate.lower, estimate.upper, color=colour, linewidth=2.5)
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


def _draw_oracle(axes: Axes, oracle: Estimate) -> None:
    axes.axvspan(oracle.lower, oracle.upper, color=_QUIET, alpha=0.2, linewidth=0, zorder=0)
    axes.axvline(oracle.value, color=_QUIET, linewidth=1, linestyle="--", zorder=0)
    axes.annotate(
        "oracle",
        (oracle.value, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=_QUIET,
    )


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e9ec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
