"""Part 2: what EM recovers of the ring, and why it cannot at radius 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from densimeter.datasets.ring import RingOfGaussians
from densimeter.evaluation.intervals import mean_interval
from densimeter.mixture.estimator import GaussianMixture
from densimeter.mixture.matching import ComponentMatch, match_components
from densimeter.plotting.panels import ACCENT, INK, SECOND, Picture, as_picture, label, legend, panels
from densimeter.report.parts import Figure, Grid, Part
from densimeter.tour.world import N_TRAIN, TIGHT_RADIUS, World

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def describe_recovery(world: World) -> Part:
    """Matched deviations at both radii, and how little the likelihood tells of them at radius 1."""
    wide = match_components(as_mixture(world.ring), world.mixture)
    tight = match_components(as_mixture(world.tight_ring), world.tight_mixture)
    one = GaussianMixture(1).fit(world.tight_train)
    truth = world.tight_ring.log_prob(world.tight_test)
    loss_of_one = mean_interval(truth - one.score_samples(world.tight_test), 0.95)
    loss_of_ten = mean_interval(truth - world.tight_mixture.score_samples(world.tight_test), 0.95)
    largest = {name: float(_lengths(match).max()) for name, match in (("wide", wide), ("tight", tight))}
    at = f"R = {world.radius:g}"
    return Part(
        key="recovery",
        title="What EM recovers, and what it cannot",
        formulas=(
            r"r_{ik} = "
            r"\frac{\pi_k N(x_i \mid \mu_k, \Sigma_k)}{\sum_l \pi_l N(x_i \mid \mu_l, \Sigma_l)}, \qquad"
            r"\mu_k \leftarrow \frac{\sum_i r_{ik} x_i}{\sum_i r_{ik}}, \qquad"
            r"\Sigma_k \leftarrow \frac{\sum_i r_{ik} (x_i - \mu_k)(x_i - \mu_k)^\top}{\sum_i r_{ik}}",
        ),
        pictures=(_picture(world, wide, tight),),
        figures={
            "largest_mean_deviation_wide": Figure(
                f"largest distance of a fitted mean, {at}", largest["wide"], 3
            ),
            "largest_weight_deviation_wide": Figure(
                f"largest deviation of a weight, {at}", float(np.abs(wide.weight_deviation).max()), 3
            ),
            "largest_mean_deviation_tight": Figure(
                "largest distance of a fitted mean, R = 1", largest["tight"], 3
            ),
            "largest_weight_deviation_tight": Figure(
                "largest deviation of a weight, R = 1", float(np.abs(tight.weight_deviation).max()), 3
            ),
            "loss_of_ten": Figure(
                "R = 1: loss of ten fitted components against the truth", loss_of_ten, 4, "nats per row"
            ),
            "loss_of_one": Figure("R = 1: loss of a single fitted Gaussian", loss_of_one, 4, "nats per row"),
        },
        reading=_reading(world, largest, loss_of_one.value, loss_of_ten.value),
        grids=(_grid(wide, tight, at),),
    )


def as_mixture(ring: RingOfGaussians) -> GaussianMixture:
    """The ring as a mixture of ten known components."""
    count = len(ring.means)
    return GaussianMixture.from_parameters(
        np.full(count, 1 / count), ring.means, np.tile(np.eye(2), (count, 1, 1))
    )


def _lengths(match: ComponentMatch) -> np.ndarray:
    return np.linalg.norm(match.mean_deviation, axis=1)


def _reading(world: World, largest: dict[str, float], loss_of_one: float, loss_of_ten: float) -> str:
    return (
        f"At R = {world.radius:g} each cloud has about {N_TRAIN // 10} rows to itself, and EM finds its mean "
        f"to within {largest['wide']:.2f}, about what an average of so many rows allows. At R = 1 fitted "
        f"means are up to {largest['tight']:.2f} away from the true ones, on a ring whose radius is 1, "
        "though EM did nothing wrong: a single Gaussian, fitted to the same rows, loses only "
        f"{loss_of_one:.4f} nats per row against the truth, less than the {loss_of_ten:.4f} that ten fitted "
        f"components lose by following chance. Where one hill explains {N_TRAIN:,} rows that well, the rows "
        "say nothing about ten, and no method can read from them where the means should be."
    )


def _grid(wide: ComponentMatch, tight: ComponentMatch, at: str) -> Grid:
    heads = ("k", f"Δπ, {at}", f"|Δμ|, {at}", f"|ΔΣ|, {at}", "Δπ, R = 1", "|Δμ|, R = 1", "|ΔΣ|, R = 1")
    rows = []
    for k in range(len(wide.true)):
        cells = [str(k)]
        for match in (wide, tight):
            size = np.linalg.norm(match.covariance_deviation[k])
            cells += [f"{match.weight_deviation[k]:+.3f}", f"{_lengths(match)[k]:.3f}", f"{size:.3f}"]
        rows.append(tuple(cell.replace("-", "\N{MINUS SIGN}") for cell in cells))
    return Grid(heads, tuple(rows))


def _picture(world: World, wide: ComponentMatch, tight: ComponentMatch) -> Picture:
    figure, axes = panels(2, height=4.0)
    _draw(axes[0], world.ring, world.train, wide, world.reach)
    _draw(axes[1], world.tight_ring, world.tight_train, tight, TIGHT_RADIUS + 3.0)
    legend(axes[0], loc="center")
    words = (
        f"At radius {world.radius:g} the ten fitted means sit on the true ones. At radius 1 long arrows "
        "lead from the "
        "true means to fitted means scattered over the whole cloud."
    )
    return as_picture(figure, words, "recovery")


def _draw(panel: Axes, ring: RingOfGaussians, rows: np.ndarray, match: ComponentMatch, reach: float) -> None:
    true = ring.means[match.true]
    found = true + match.mean_deviation
    panel.scatter(*rows.T, s=3, color=SECOND, alpha=0.3, linewidths=0)
    for start, stop in zip(true, found, strict=True):
        panel.plot(*np.column_stack([start, stop]), color=INK, linewidth=1)
    panel.scatter(*true.T, s=34, color=ACCENT, marker="x", linewidths=1.6, label="true mean", zorder=3)
    panel.scatter(
        *found.T, s=24, facecolors="none", edgecolors=INK, linewidths=1.3, label="fitted mean", zorder=3
    )
    panel.set_xlim(-reach, reach)
    panel.set_ylim(-reach, reach)
    panel.set_aspect("equal")
    label(panel, f"R = {ring.radius:g}: true means and where EM puts them")
