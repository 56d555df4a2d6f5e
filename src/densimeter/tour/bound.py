"""Part 8: the lower bound and what it misses add up to the log-density, for every q."""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr

from densimeter.datasets.density import LOG_2_PI
from densimeter.plotting.panels import ACCENT, INK, QUIET, SECOND, Picture, as_picture, label, legend, panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.world import N_COMPONENTS, World
from densimeter.variational.bounds import categorical_elbo, posterior, uniform

POINT = np.array([0.9, 0.4])
"""Between the components of the triangle, nearer to the first."""
TRIANGLE = np.column_stack([np.cos(2 * np.pi * np.arange(3) / 3), np.sin(2 * np.pi * np.arange(3) / 3)])
STEPS = 60


def describe_bound(world: World) -> Part:
    """The identity on a fine grid over all distributions of three components, and on the ring of the tour."""
    log_joint = component_log_joint(POINT[None, :], TRIANGLE)
    grid = _simplex(STEPS)
    sums, log_p = _bound_and_divergence(log_joint, grid), float(np.logaddexp.reduce(log_joint, axis=1)[0])
    deviation = float(np.abs(sums.sum(axis=0) - log_p).max())
    ring_deviation = _deviation_on_the_ring(world)
    at_uniform = float(categorical_elbo(log_joint, uniform(3))[0])
    return Part(
        key="bound",
        title="The evidence lower bound, and what it misses",
        formulas=(
            r"\log p(x) = \underbrace{\sum_k q_k \log \frac{p(x, k)}{q_k}}_{\mathrm{ELBO}(q)}"
            r"+ "
            r"\underbrace{\sum_k q_k \log \frac{q_k}{p(k \mid x)}}_{\mathrm{KL}(q \,\|\, p(\cdot \mid x))}",
        ),
        pictures=(_picture(log_joint, grid, sums, log_p),),
        figures={
            "log_p": Figure("log p(x) of a ring of three, at one point", log_p, 6, "nats"),
            "elbo_uniform": Figure("ELBO for uniform q", at_uniform, 6, "nats"),
            "n_q": Figure("distributions q on the grid", float(len(grid)), 0),
            "largest_deviation": Figure("largest |ELBO + KL - log p(x)| over them", deviation, 3),
            "largest_deviation_ring": Figure(
                "the same on the tour's ring, 200 rows x 50 random q", ring_deviation, 3
            ),
        },
        reading=(
            "Any distribution q over the components gives a lower bound on log p(x), and what the bound "
            "misses is exactly the "
            "divergence from q to the posterior. So the bound is highest, and equal to log p(x), where q "
            "is the posterior; that is "
            "the E-step of EM. The grid covers every q over three components: the sum of both terms is "
            "the same number at "
            "each of them, to the last digits of the arithmetic."
        ),
    )


def component_log_joint(points: np.ndarray, means: np.ndarray) -> np.ndarray:
    """``log (1/K) N(x | mean_k, I)`` in the plane, shape ``(n_samples, K)``."""
    squared_distance = ((points[:, None, :] - means) ** 2).sum(axis=2)
    return -squared_distance / 2 - LOG_2_PI - np.log(len(means))


def _bound_and_divergence(log_joint: np.ndarray, q: np.ndarray) -> np.ndarray:
    """ELBO and KL of each pair of rows, each computed by its own formula, shape ``(2, n)``."""
    bound = categorical_elbo(np.broadcast_to(log_joint, q.shape), q)
    return np.array([bound, rel_entr(q, posterior(log_joint)).sum(axis=1)])


def _simplex(steps: int) -> np.ndarray:
    first, second = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1))
    inside = first + second <= steps
    shares = np.column_stack([first[inside], second[inside], steps - first[inside] - second[inside]])
    return shares / steps


def _deviation_on_the_ring(world: World) -> float:
    rows = np.repeat(world.test[:200], 50, axis=0)
    q = world.generator(80).dirichlet(np.ones(N_COMPONENTS), size=len(rows))
    total = _bound_and_divergence(component_log_joint(rows, world.ring.means), q).sum(axis=0)
    return float(np.abs(total - world.ring.log_prob(rows)).max())


def _picture(log_joint: np.ndarray, grid: np.ndarray, sums: np.ndarray, log_p: float) -> Picture:
    figure, (path, triangle) = panels(2, height=3.5)
    ends = np.array([uniform(3), posterior(log_joint)[0], [1.0, 0.0, 0.0]])
    places = np.linspace(0, 2, 161)
    along = np.column_stack([np.interp(places, [0, 1, 2], ends[:, k]) for k in range(3)])
    bound, divergence = _bound_and_divergence(log_joint, along)
    path.plot(places, bound, color=SECOND, linewidth=1.5, label="ELBO")
    path.fill_between(
        places, bound, bound + divergence, color=ACCENT, alpha=0.3, linewidth=0, label="KL to the posterior"
    )
    path.axhline(log_p, color=INK, linewidth=1.2, label="log p(x)")
    path.set_xticks([0, 1, 2], ["uniform", "posterior", "first alone"])
    label(path, "From one q to another", "", "nats")
    legend(path, loc="lower right")
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
    flat = grid @ corners
    filled = triangle.tricontourf(*flat.T, sums[0], levels=14, cmap="viridis")
    figure.colorbar(filled, ax=triangle, shrink=0.8).ax.tick_params(labelsize=7, colors=INK)
    triangle.plot(*np.vstack([corners, corners[:1]]).T, color=QUIET, linewidth=1)
    triangle.plot(*(posterior(log_joint)[0] @ corners), "o", color=ACCENT, markersize=7)
    triangle.plot(*(uniform(3) @ corners), "x", color=INK, markersize=7)
    triangle.set_aspect("equal")
    triangle.set_axis_off()
    label(triangle, "ELBO over all q (dot: posterior, cross: uniform)")
    words = (
        "Left: along a path of distributions the ELBO touches the constant log p(x) at the posterior and "
        "lies below it elsewhere; "
        "the gap is the divergence. Right: the ELBO over the triangle of all distributions of three "
        "components, highest at the "
        "posterior."
    )
    return as_picture(figure, words, "bound")
