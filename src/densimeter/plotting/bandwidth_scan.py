"""The picture of a bandwidth scan: log-likelihood over bandwidth, the chosen one marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Scan(Protocol):
    """What is drawn: candidates, their scores, the position of the best, and what the scores are."""

    @property
    def bandwidths(self) -> np.ndarray:
        """Shape ``(n_candidates,)`` or ``(n_candidates, n_features)``."""
        ...

    @property
    def scores(self) -> np.ndarray:
        """Shape ``(n_candidates,)``."""
        ...

    @property
    def best(self) -> int:
        """Position of the best score."""
        ...

    @property
    def criterion(self) -> str:
        """What the scores are, in a few words."""
        ...


def plot_bandwidth_scan(scan: Scan, ax: Axes | None = None) -> Axes:
    """Draw the scores of `scan` over bandwidth on `ax`, or on new axes.

    Candidates that have one bandwidth per column are drawn over the geometric mean of their columns.
    Candidates whose score is not finite are left out.
    """
    from matplotlib import pyplot as plt

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    per_column = scan.bandwidths.ndim > 1
    widths = np.exp(np.log(scan.bandwidths).mean(axis=1)) if per_column else scan.bandwidths
    shown = np.isfinite(scan.scores)
    ax.plot(widths[shown], scan.scores[shown], marker=".", color="C0")
    ax.axvline(widths[scan.best], color="C1", linestyle="--", label=f"chosen: {widths[scan.best]:.3g}")
    ax.set_xscale("log")
    ax.set_xlabel("bandwidth" + (" (geometric mean of columns)" if per_column else ""))
    ax.set_ylabel(f"{scan.criterion}, nats per row")
    ax.legend()
    return ax
