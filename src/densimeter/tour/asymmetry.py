"""Part 9: the divergence depends on its direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from densimeter.foundations.estimates import Estimate
from densimeter.mixture.estimator import GaussianMixture
from densimeter.plotting.panels import (
    ACCENT,
    INK,
    QUIET,
    SECOND,
    Picture,
    as_picture,
    label,
    legend,
    panels_above_one,
)
from densimeter.report.parts import Figure, Grid, Part
from densimeter.tour.world import World
from densimeter.variational import kl_divergence

MEANS, Q_MEAN = (-5.0, 10.0), -10.0
SPREADS, Q_SPREAD = (5.0, 3.0), 0.8
SHIFTS = np.linspace(-10, 15, 26)
SHOWN = (-10.0, -5.0, 2.5, 10.0)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def describe_asymmetry(world: World) -> Part:
    """The table of readings of one published example, and both directions as q is shifted."""
    readings = {
        "variances": _both(variances=True, first=0.5),
        "standard_deviations": _both(variances=False, first=0.5),
        "weights_78_22": _both(variances=False, first=0.78),
    }
    names = {
        "variances": "5, 3, 0.8 are variances, equal weights",
        "standard_deviations": "they are standard deviations, equal weights",
        "weights_78_22": "standard deviations, weights 0.78 and 0.22",
    }
    figures = {}
    for key, (forward, reverse) in readings.items():
        figures[f"forward_{key}"] = Figure(f"KL(p || q), {names[key]}", forward, 2, "nats")
        figures[f"reverse_{key}"] = Figure(f"KL(q || p), {names[key]}", reverse, 2, "nats")
    along = np.array([[estimate.value for estimate in _both(True, 0.5, shift)] for shift in SHIFTS])
    ratio = along[:, 0] / along[:, 1]
    closest = int(ratio.argmin())
    figures["smallest_ratio"] = Figure("smallest ratio of the two while q is shifted", float(ratio.min()), 2)
    figures["shift_of_smallest_ratio"] = Figure("mean of q there", float(SHIFTS[closest]), 1)
    return Part(
        key="asymmetry",
        title="A divergence has a direction",
        formulas=(
            r"\mathrm{KL}(p \,\|\, q) = \int p(x) \log \frac{p(x)}{q(x)} \, dx, \qquad "
            r"p = \tfrac{1}{2} N(-5, 5) + \tfrac{1}{2} N(10, 3), \qquad q = N(-10, 0.8)",
        ),
        pictures=(_picture(along),),
        figures=figures,
        reading=(
            "Where p has mass and q has next to none, KL(p || q) is enormous: it asks what it costs to code "
            "the rows of p in the language of q. KL(q || p) asks only about places where q lives, and there "
            f"p is not so bad. While q is shifted, their ratio shrinks from {ratio[0]:.0f} at {SHIFTS[0]:g} "
            f"to {ratio[closest]:.0f} at {SHIFTS[closest]:g}, between the hills, where q is a poor account "
            "of p in either direction; on a hill KL(q || p) is nearly nothing and the ratio is large again. "
            "The direction matters for fitting too: minimising KL(p || q) spreads q over all hills, "
            "minimising KL(q || p) puts it on one."
        ),
        grids=(_grid(readings, names),),
    )


def mixture_of_two(variances: bool, first: float) -> GaussianMixture:
    """p, its spreads read as variances or as standard deviations."""
    covariances = np.array(SPREADS) if variances else np.array(SPREADS) ** 2
    return GaussianMixture.from_parameters(
        [first, 1 - first], np.array(MEANS)[:, None], covariances[:, None, None]
    )


def _both(variances: bool, first: float, q_mean: float = Q_MEAN) -> tuple[Estimate, Estimate]:
    """Both directions, by adaptive quadrature."""
    p = mixture_of_two(variances, first)
    q = stats.norm(q_mean, np.sqrt(Q_SPREAD) if variances else Q_SPREAD)
    return kl_divergence(p, q), kl_divergence(q, p)


def _grid(readings: dict[str, tuple[Estimate, Estimate]], names: dict[str, str]) -> Grid:
    rows = [
        (names[key], f"{forward.value:.2f}", f"{reverse.value:.2f}", f"{forward.value / reverse.value:.1f}")
        for key, (forward, reverse) in readings.items()
    ]
    rows.append(("a published pair that fits none of these exactly", "97.77", "2.10", f"{97.77 / 2.10:.1f}"))
    return Grid(("reading", "KL(p || q)", "KL(q || p)", "ratio"), tuple(rows))


def _picture(along: np.ndarray) -> Picture:
    figure, axes, wide = panels_above_one(4)
    for panel, shift in zip(axes, SHOWN, strict=True):
        _draw_pair(panel, shift)
    wide.semilogy(SHIFTS, along[:, 0], color=ACCENT, linewidth=1.5, label="KL(p || q)")
    wide.semilogy(SHIFTS, along[:, 1], color=SECOND, linewidth=1.5, label="KL(q || p)")
    wide.semilogy(SHIFTS, along[:, 0] / along[:, 1], "--", color=QUIET, linewidth=1.2, label="their ratio")
    label(wide, "Both directions while q moves (spreads read as variances)", "mean of q", "nats")
    legend(wide, ncols=3)
    words = (
        "Above: p with two hills, and a narrow q at four places. Below: both divergences against the "
        "mean of q on a logarithmic "
        "scale; KL(p || q) lies far above KL(q || p), and their ratio is smallest between and on the "
        "hills of p."
    )
    return as_picture(figure, words, "asymmetry")


def _draw_pair(panel: Axes, shift: float) -> None:
    x = np.linspace(-15, 18, 400)
    p = np.exp(mixture_of_two(variances=True, first=0.5).score_samples(x[:, None]))
    q = stats.norm.pdf(x, shift, np.sqrt(Q_SPREAD))
    panel.plot(x, p, color=INK, linewidth=1.2)
    panel.plot(x, q / q.max() * 2 * p.max(), color=ACCENT, linewidth=1.2)
    panel.set_yticks([])
    label(panel, f"q at {shift:g}".replace("-", "\N{MINUS SIGN}"))
