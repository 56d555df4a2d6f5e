"""The picture of a comparison as a figure of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from densimeter.plotting.comparison_display import ComparisonDisplay

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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

    figure = Figure(figsize=(9.5, 1.9 + 0.45 * len(comparison.models)), layout="constrained")
    ComparisonDisplay.from_comparison(comparison, axes=figure.subplots(1, 2, sharey=True))
    data = comparison.data
    figure.suptitle(
        f"{data.source}: {data.n_test:,} test rows, {100 * comparison.confidence:.6g} % intervals",
        fontsize=11,
        x=0.01,
        ha="left",
    )
    return figure
