"""Part 6: an energy model trained by maximum likelihood."""

from __future__ import annotations

import numpy as np

from densimeter.plotting.panels import ACCENT, INK, Picture, as_picture, label, legend, panels, surface_panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.world import World, square_grid

HIGHEST = 14.0
"""Energies this far above the lowest are cut in the picture: the density there is one millionth."""


def describe_energy(world: World) -> Part:
    """The energy as a surface and as contours, and the training curve."""
    model = world.energy
    return Part(
        key="energy",
        title="An energy model, trained",
        formulas=(
            r"p_\theta(x) = \frac{q(x) \, e^{t_\theta(x)}}{Z_\theta}, \qquad "
            r"E_\theta(x) = -\log q(x) - t_\theta(x)",
            r"t_\theta(x) = w_3^\top \mathrm{relu}\left(W_2 \mathrm{relu}(W_1 x + b_1) + b_2\right) + b_3",
        ),
        pictures=(_surface(world), _training(world)),
        figures={
            "log_z": Figure("log Z on fresh samples", model.log_normalizer_, 4, "nats"),
            "steps": Figure("steps of training", float(model.n_iter_), 0),
            "best_step": Figure("step kept, by the validation rows", float(model.best_step_), 0),
        },
        reading=(
            "The model tilts a Gaussian fitted to the rows by a network of three linear layers. Its "
            "energy is a plateau in the "
            "middle of the ring, a steep wall outside, and ten hollows where the data lie. Each step "
            "lowers the energy of a "
            "batch of rows and raises that of weighted samples; the validation rows say when to stop, "
            "since a "
            "network with thousands of weights could go on to carve a hollow for each single row."
        ),
    )


def _surface(world: World) -> Picture:
    middles, points, _ = square_grid(world.reach, 56)
    energy = world.energy.energy(points).reshape(len(middles), -1)
    energy = np.minimum(energy - energy.min(), HIGHEST)
    figure, (solid, flat) = surface_panels()
    solid.plot_surface(
        *np.meshgrid(middles, middles),
        energy,
        cmap="viridis",
        rstride=1,
        cstride=1,
        linewidth=0,
        rasterized=True,
    )
    solid.set_zlabel("energy, nats", fontsize=8)
    solid.set_title("E, cut off where it is high", fontsize=9.5, loc="left", color=INK)
    flat.contour(
        middles, middles, energy, levels=np.linspace(0.5, HIGHEST - 0.5, 10), cmap="viridis", linewidths=0.9
    )
    flat.scatter(*world.ring.means.T, s=24, color=ACCENT, marker="x", linewidths=1.4)
    flat.set_aspect("equal")
    label(flat, "Contours of E, and the true means")
    words = (
        "The energy of the trained model as a surface and as contours: a ring-shaped valley with ten "
        "hollows, one at each true "
        "mean, around a raised middle."
    )
    return as_picture(figure, words, "energy-surface")


def _training(world: World) -> Picture:
    history = world.energy.history_
    steps = [told["step"] for told in history]
    figure, (panel,) = panels(1, height=2.6)
    panel.plot(
        steps, [told["validation_gain"] for told in history], "o-", color=INK, markersize=3, linewidth=1.2
    )
    panel.axvline(world.energy.best_step_, color=ACCENT, linewidth=1, linestyle="--", label="kept")
    label(panel, "Training: what the tilt adds on the validation rows", "step", "nats per row")
    legend(panel)
    words = (
        "What the tilt adds to the log-likelihood of the validation rows, against the step of training: it "
        "rises to its top, which is marked and kept, and falls once the network follows single rows."
    )
    return as_picture(figure, words, "training")
