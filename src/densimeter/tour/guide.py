"""The tour itself: the parts in the order they are read, and the page that shows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from densimeter._version import __version__
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.progress import Progress, silent
from densimeter.report.page import Page
from densimeter.report.parts import Part
from densimeter.tour.asymmetry import describe_asymmetry
from densimeter.tour.bandwidth import describe_bandwidth
from densimeter.tour.bound import describe_bound
from densimeter.tour.energy import describe_energy
from densimeter.tour.gradient import describe_gradient
from densimeter.tour.importance import describe_importance
from densimeter.tour.limit import describe_limit
from densimeter.tour.recovery import describe_recovery
from densimeter.tour.ring import describe_ring
from densimeter.tour.verdict import describe_verdict
from densimeter.tour.world import World

PARTS: tuple[Callable[[World], Part], ...] = (
    describe_ring,
    describe_recovery,
    describe_bandwidth,
    describe_gradient,
    describe_importance,
    describe_energy,
    describe_verdict,
    describe_bound,
    describe_asymmetry,
    describe_limit,
)


@dataclass(frozen=True)
class Tour:
    """The parts, computed, and what they were computed from."""

    radius: float
    seed: int
    parts: tuple[Part, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Every figure in plain values, as JSON carries them."""
        return {
            "version": __version__,
            "radius": self.radius,
            "seed": self.seed,
            "seconds": self.seconds,
            "parts": [part.to_dict() for part in self.parts],
        }

    def to_html(self) -> str:
        """One self-contained page."""
        libraries = ", ".join(f"{name} {version(name)}" for name in ("jax", "numpy", "scipy", "scikit-learn"))
        return Page(
            title="Density models on a ring of Gaussians",
            lead=(
                "Ten Gaussians on a circle, and everything this package does with them: fitting a "
                "mixture, a kernel estimate and an "
                "energy model, estimating a normaliser, bounding an evidence, measuring a divergence. "
                "Every figure on this page was "
                "computed when the page was made."
            ),
            parts=self.parts,
            provenance=(
                f"Made in {self.seconds:.0f} s by densimeter {__version__} with: densimeter tour "
                f"--radius {self.radius:g} "
                f"--seed {self.seed}. {libraries}."
            ),
        ).render()


def guided_tour(radius: float = 10.0, seed: int = 0, progress: Progress = silent) -> Tour:
    """Compute every part of the tour; about a minute on two cores, most of it training the energy model.

    Parameters
    ----------
    radius : float
        Of the wide ring, above 0.
    seed : int
        Of every draw and every fit.
    progress : Progress
        Told how far the work is.

    Raises
    ------
    SettingError
        If a setting is out of range.
    """
    radius = check_number("radius", radius, above=0, below=1e6)
    seed = check_count("seed", seed, at_least=0)
    began = time.perf_counter()
    parts: list[Part] = []

    def training(done: int, total: int, message: str = "") -> None:
        progress(len(parts), len(PARTS), f"training the energy model, step {done} of {total}")

    world = World(radius, seed, training)
    for done, describe in enumerate(PARTS):
        progress(done, len(PARTS), describe.__name__.removeprefix("describe_"))
        parts.append(describe(world))
    progress(len(PARTS), len(PARTS), "done")
    return Tour(radius, seed, tuple(parts), time.perf_counter() - began)
