"""The course of a training: what the validation rows gained, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt


def plot_learning_curve(
    history: Sequence[Mapping[str, float]], best_step: int | None = None, ax: Any = None
) -> Any:
    """Validation gain against steps, the step that was kept marked; returns the Axes.

    Parameters
    ----------
    history : sequence of mappings
        One per round, with ``"step"`` and ``"validation_gain"`` (nats per row), as in ``history_``.
    best_step : int, optional
        Where the vertical line goes.
    ax : matplotlib Axes, optional
    """
    if ax is None:
        _, ax = plt.subplots()
    steps = [told["step"] for told in history]
    ax.plot(steps, [told["validation_gain"] for told in history], marker=".", label="validation")
    if best_step is not None:
        ax.axvline(best_step, color="black", linestyle="--", linewidth=1, label="kept")
    ax.set(xlabel="steps", ylabel="gain over the base, nats per row")
    ax.legend()
    return ax
