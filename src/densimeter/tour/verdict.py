"""Part 7: energy against kernel against mixture against the truth, and what a mistaken score would say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from densimeter.evaluation.intervals import mean_interval
from densimeter.foundations.estimates import Estimate
from densimeter.plotting.panels import ACCENT, INK, QUIET, Picture, as_picture, label, panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.world import World

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_SOFTMAX = 2836


def describe_verdict(world: World) -> Part:
    """Mean test log-likelihoods with intervals, and the softmax over samples beside them."""
    scores = {
        "oracle": mean_interval(world.ring.log_prob(world.test), 0.95),
        "energy": mean_interval(world.energy.score_samples(world.test), 0.95, world.energy.log_normalizer_),
        "mixture": mean_interval(world.mixture.score_samples(world.test), 0.95),
        "kernel": mean_interval(world.kernel.score_samples(world.test), 0.95),
    }
    few = world.test[:N_SOFTMAX]
    mistaken = softmax_score(world.energy.energy(few))
    flat = softmax_score(np.zeros(N_SOFTMAX))
    figures = {name: Figure(name, score, 3, "nats per row") for name, score in scores.items()}
    figures["softmax_of_the_model"] = Figure(
        f"softmax over {N_SOFTMAX:,} test rows, trained energy", mistaken, 3
    )
    figures["softmax_of_a_flat_energy"] = Figure(
        f"softmax over {N_SOFTMAX:,} test rows, flat energy", flat, 3
    )
    return Part(
        key="verdict",
        title="Which model to believe, and a score that is no likelihood",
        formulas=(
            r"\frac{1}{n} \sum_i \log p(x_i) \qquad \text{and not} \qquad"
            r"\frac{1}{n} \sum_i \log \frac{e^{-E(x_i)}}{\sum_j e^{-E(x_j)}}",
        ),
        pictures=(_picture(scores, mistaken, flat),),
        figures=figures,
        reading=(
            "All three models speak the same unit, nats per row, so their scores can be compared with "
            "one another and with the "
            "truth. A score that divides by a sum over the samples at hand does not: it is a probability "
            "of picking one "
            f"of n rows, and a flat energy, which knows nothing, gets -log n = {flat:.3f} for n = "
            f"{N_SOFTMAX:,}. A good model "
            f"gets {mistaken:.3f}, lower still, because it prefers some rows to others. Such a number "
            "rises and falls with n and "
            "with how unlike the rows are; it says nothing about a density, and a value near -7.95 "
            "beside a likelihood of "
            "-5.1 compares nothing with nothing."
        ),
    )


def softmax_score(energies: np.ndarray) -> float:
    """Mean log-softmax of minus the energies over the samples at hand: the mistake, made on purpose."""
    return float(np.mean(-energies)) - float(np.logaddexp.reduce(-energies))


def _picture(scores: dict[str, Estimate], mistaken: float, flat: float) -> Picture:
    figure, (near, all_) = panels(2, height=2.7)
    for panel in (near, all_):
        _draw_intervals(panel, scores)
    for place, value in enumerate((mistaken, flat), len(scores)):
        all_.plot([value], [place], "x", color=ACCENT, markersize=8, markeredgewidth=2)
    names = [*scores, "softmax, trained", "softmax, flat"]
    all_.set_yticks(range(len(names)), names)
    near.set_yticks(range(len(scores)), list(scores))
    label(near, "Log-likelihoods, 95 % intervals", "nats per row")
    label(all_, "The same, and what is no likelihood", "nats per row")
    ends = [end for score in scores.values() for end in (score.lower, score.upper)]
    words = (
        "Left: the scores of the oracle, the energy model, the mixture and the kernel estimate with their "
        f"intervals, between {min(ends):.2f} and {max(ends):.2f}. Right: the same on a wider scale, with the "
        f"two softmax scores marked by crosses at {mistaken:.2f} and {flat:.2f}."
    )
    return as_picture(figure, words, "verdict")


def _draw_intervals(panel: Axes, scores: dict[str, Estimate]) -> None:
    for place, (name, score) in enumerate(scores.items()):
        colour = QUIET if name == "oracle" else INK
        panel.hlines(place, score.lower, score.upper, color=colour, linewidth=2.5)
        panel.plot([score.value], [place], "o", color=colour, markersize=6)
    panel.margins(y=0.15)
    panel.invert_yaxis()
