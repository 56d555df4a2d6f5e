"""Part 3: the bandwidth of the kernel estimate, chosen on validation rows."""

from __future__ import annotations

import numpy as np

from densimeter.evaluation.intervals import mean_interval
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.plotting.panels import ACCENT, INK, QUIET, SECOND, Picture, as_picture, label, legend, panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.world import BANDWIDTHS, N_TRAIN, World, square_grid


def describe_bandwidth(world: World) -> Part:
    """The scan over the grid, the winner, and its score on the test rows."""
    chosen = float(np.ravel(world.kernel.bandwidth_)[0])
    scan = np.array([KernelDensity(bandwidth=h).fit(world.train).score(world.validation) for h in BANDWIDTHS])
    test = mean_interval(world.kernel.score_samples(world.test), 0.95)
    oracle = mean_interval(world.ring.log_prob(world.test), 0.95)
    return Part(
        key="bandwidth",
        title="A kernel estimate, and the choice of its bandwidth",
        formulas=(
            r"\hat p_h(x) = \frac{1}{n} \sum_{i=1}^{n} \frac{1}{2 \pi h^2}"
            r"\exp\left(-\frac{\lVert x - x_i \rVert^2}{2 h^2}\right), \qquad"
            r"\hat h = \underset{h}{\mathrm{arg\,max}} \; \sum_{j} \log \hat p_h(x^{\mathrm{val}}_j)",
        ),
        pictures=(_picture(world, scan, chosen),),
        figures={
            "bandwidth": Figure("bandwidth chosen among 20, from 0.1 to 5", chosen, 4),
            "validation_score": Figure(
                "its mean log-likelihood on the validation rows", float(scan.max()), 3, "nats"
            ),
            "test_score": Figure("on the test rows", test, 3, "nats"),
            "oracle": Figure("the true density on the same rows", oracle, 3, "nats"),
        },
        reading=(
            "A kernel estimate puts a small Gaussian on every training row. Too narrow, and rows that it "
            "has not seen fall "
            "between them; too wide, and the hills of the ring run together. The validation rows show "
            "both, and "
            f"their curve is flat near its top: of the twenty bandwidths the best is {chosen:.3f}. The "
            "estimate it gives "
            f"stays {oracle.value - test.value:.3f} nats below the truth, because {N_TRAIN:,} kernels of "
            "one width must "
            "blur every hill by that width."
        ),
    )


def _picture(world: World, scan: np.ndarray, chosen: float) -> Picture:
    figure, (curve, density) = panels(2, height=3.6)
    curve.plot(BANDWIDTHS, scan, "o-", color=INK, markersize=3.5, linewidth=1.2, label="validation rows")
    curve.plot([chosen], [scan.max()], "o", color=ACCENT, markersize=8, label=f"chosen: {chosen:.3f}")
    curve.axhline(
        world.ring.log_prob(world.validation).mean(), color=QUIET, linestyle="--", linewidth=1, label="oracle"
    )
    label(curve, "Mean log-likelihood over the bandwidth", "bandwidth h", "nats per row")
    legend(curve, loc="lower left")
    middles, points, _ = square_grid(world.reach, 140)
    estimate = np.exp(world.kernel.score_samples(points)).reshape(len(middles), -1)
    density.contour(middles, middles, estimate, levels=7, colors=SECOND, linewidths=0.8)
    density.set_aspect("equal")
    label(density, f"The estimate with h = {chosen:.3f}")
    words = (
        "Left: validation log-likelihood against the bandwidth, rising steeply from 0.1 to a maximum "
        "marked at "
        f"{chosen:.3f}, then falling slowly to 5. Right: contours of the kernel estimate, ten uneven "
        "hills on a circle."
    )
    return as_picture(figure, words, "bandwidth")
