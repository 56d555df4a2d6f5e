"""Part 1: the density of the ring, and rows from it at two radii."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from densimeter.datasets.ring import RingOfGaussians
from densimeter.evaluation.intervals import mean_interval
from densimeter.plotting.panels import ACCENT, INK, SECOND, Picture, as_picture, label, panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.world import TIGHT_RADIUS, World, square_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def describe_ring(world: World) -> Part:
    """Rows and contours at both radii, the integral of the density, its entropy."""
    figures = {}
    for name, ring, rows in (
        ("wide", world.ring, world.test),
        ("tight", world.tight_ring, world.tight_test),
    ):
        at = f"R = {ring.radius:g}"
        _, points, area = square_grid(ring.radius + 9.0, 800)
        integral = float(np.exp(ring.log_prob(points)).sum() * area)
        entropy = -mean_interval(ring.log_prob(rows), 0.95)
        figures[f"integral_{name}"] = Figure(f"integral of the density at {at}, by quadrature", integral, 9)
        figures[f"entropy_{name}"] = Figure(f"entropy at {at}, from {len(rows):,} rows", entropy, 3, "nats")
    return Part(
        key="ring",
        title="The density of the ring",
        formulas=(
            r"p(x) = \frac{1}{K} \sum_{k=0}^{K-1} \frac{1}{2\pi} \exp\left(-\frac{1}{2} \lVert x - \mu_k "
            r"\rVert^2\right),"
            r"\qquad \mu_k = R \left(\cos \frac{2 \pi k}{K}, \sin \frac{2 \pi k}{K}\right)",
        ),
        pictures=(_picture(world),),
        figures=figures,
        reading=(
            "Ten Gaussians of equal weight and unit variance stand on a circle. In two dimensions the "
            "normaliser of a "
            "unit Gaussian is 2π, so the integral of the mixture is 1 at any radius. At R = "
            f"{world.radius:g} "
            "the eye counts the components; at R = 1 their means lie closer together than one standard "
            "deviation, and what remains is one round hill, slightly broader than a unit Gaussian."
        ),
    )


def _picture(world: World) -> Picture:
    figure, axes = panels(2, height=4.0)
    wide = (world.ring, world.train, world.reach)
    tight = (world.tight_ring, world.tight_train, TIGHT_RADIUS + 4.5)
    for panel, (ring, rows, reach) in zip(axes, (wide, tight), strict=True):
        _draw(panel, ring, rows, reach)
    words = (
        f"Two scatter plots of 1,000 rows with contours of the density. At radius {world.radius:g} ten "
        "separate "
        "clouds stand on a circle around their means; at radius 1 there is a single round cloud."
    )
    return as_picture(figure, words, "ring")


def _draw(panel: Axes, ring: RingOfGaussians, rows: np.ndarray, reach: float) -> None:
    middles, points, _ = square_grid(reach, 160)
    density = np.exp(ring.log_prob(points)).reshape(len(middles), -1)
    panel.scatter(*rows.T, s=4, color=SECOND, alpha=0.45, linewidths=0)
    panel.contour(middles, middles, density, levels=6, colors=INK, linewidths=0.7)
    panel.scatter(*ring.means.T, s=26, color=ACCENT, marker="x", linewidths=1.5)
    panel.set_aspect("equal")
    label(panel, f"R = {ring.radius:g}: rows, contours of p, and the means")
