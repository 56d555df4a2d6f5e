"""A criterion against the number of something: the picture of a selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt


def plot_selection(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    best: tuple[float, float],
    *,
    x_label: str,
    y_label: str,
    ax: Any = None,
) -> Any:
    """One curve of ``(x, criterion)`` points per name, the best point marked; returns the Axes."""
    if ax is None:
        _, ax = plt.subplots()
    for name, points in curves.items():
        xs, ys = zip(*sorted(points), strict=True)
        ax.plot(xs, ys, marker=".", label=name)
    ax.plot(
        *best, marker="o", markersize=10, fillstyle="none", linestyle="none", color="black", label="chosen"
    )
    ax.set(xlabel=x_label, ylabel=y_label)
    ax.legend()
    return ax
