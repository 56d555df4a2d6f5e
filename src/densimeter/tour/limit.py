"""Part 10: the bounds of the ring as the number of components grows, and the Bessel function between them."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import i0e

from densimeter.datasets.density import LOG_2_PI
from densimeter.datasets.ring import RingOfGaussians
from densimeter.plotting.panels import ACCENT, INK, QUIET, SECOND, Picture, as_picture, label, legend, panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.bound import component_log_joint
from densimeter.tour.world import World
from densimeter.variational.bounds import categorical_elbo, posterior, uniform

COUNTS = np.array([2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 80, 100, 128])
N_POINTS = 200


def describe_limit(world: World) -> Part:
    """Uniform q against its closed form, posterior q against the Bessel limit, and the gap between them."""
    points = world.test[:N_POINTS]
    radius = world.ring.radius
    log_bessel = log_i0(np.hypot(*points.T) * radius)
    uniform_error, identity, posterior_error = _deviations(points, radius, log_bessel).T
    reached = next(
        (int(k) for k, error in zip(COUNTS, posterior_error, strict=True) if error < 1e-9), math.inf
    )
    return Part(
        key="limit",
        title="The bounds of the ring, and the Bessel function between them",
        formulas=(
            r"q_k = \tfrac{1}{K}: \quad \mathrm{ELBO} = \frac{1}{K} \sum_k \log N(x \mid \mu_k, I)"
            r"= -\log 2\pi - \frac{\lVert x \rVert^2 + R^2}{2} \qquad (K \geq 2)",
            r"q = \text{posterior}: \quad \mathrm{ELBO} = \log p(x) \;\longrightarrow\;"
            r"-\log 2\pi - \frac{\lVert x \rVert^2 + R^2}{2} + \log I_0(\lVert x \rVert R) \qquad (K \to "
            r"\infty)",
        ),
        pictures=(_picture(radius, posterior_error),),
        figures={
            "uniform_error": Figure(
                "uniform q: largest distance from the closed form, K = 2 to 128",
                float(uniform_error.max()),
                3,
            ),
            "posterior_identity": Figure(
                "posterior q: largest distance from log p(x)", float(identity.max()), 3
            ),
            "limit_error": Figure(
                "largest distance from the limit at K = 128", float(posterior_error[-1]), 3
            ),
            "components_needed": Figure("components after which it is below 1e-9", float(reached), 0),
            "mean_gap": Figure("mean gap log I0(|x| R) on test rows", float(log_bessel.mean()), 3, "nats"),
        },
        reading=(
            "With q uniform the bound is an average of parabolas, and because the means add up to zero "
            "it is one parabola around "
            "the origin, whatever the number of components: it has forgotten the ring. With q the "
            "posterior the bound is log p(x) "
            "itself, which tends to that of a circle convolved with a Gaussian as components are added. "
            "Between the two lies log I0(|x| R), the divergence from the uniform distribution to the "
            "posterior: what it costs not to "
            "know where on the ring a row belongs."
        ),
    )


def _deviations(points: np.ndarray, radius: float, log_bessel: np.ndarray) -> np.ndarray:
    """Largest deviations for each number of components, shape ``(n_counts, 3)``.

    Of the uniform bound from its closed form, of the posterior bound from log p, and of it from the limit.
    """
    flat = uniform_bound(points, radius)
    deviations = []
    for count in COUNTS:
        ring = RingOfGaussians(int(count), radius)
        log_joint = component_log_joint(points, ring.means)
        by_uniform = categorical_elbo(log_joint, uniform(log_joint.shape[-1]))
        by_posterior = categorical_elbo(log_joint, posterior(log_joint))
        errors = (by_uniform - flat, by_posterior - ring.log_prob(points), by_posterior - flat - log_bessel)
        deviations.append([np.abs(error).max() for error in errors])
    return np.array(deviations)


def uniform_bound(points: np.ndarray, radius: float) -> np.ndarray:
    """``-log 2 pi - (|x|^2 + R^2) / 2``, the bound for uniform q and any K of at least two."""
    return -LOG_2_PI - ((points**2).sum(axis=1) + radius**2) / 2


def log_i0(z: np.ndarray) -> np.ndarray:
    """``log I0(z)`` without overflow."""
    return np.log(i0e(z)) + z


def _picture(radius: float, posterior_error: np.ndarray) -> Picture:
    figure, (profile, convergence) = panels(2, height=3.5)
    x = np.linspace(0, radius + 4, 300)
    axis = np.column_stack([x, np.zeros_like(x)])
    flat = uniform_bound(axis, radius)
    profile.plot(x, flat, color=SECOND, linewidth=1.4, label="q uniform, every K")
    for count, style in ((4, ":"), (10, "--")):
        profile.plot(
            x,
            RingOfGaussians(count, radius).log_prob(axis),
            style,
            color=QUIET,
            linewidth=1.2,
            label=f"log p, K = {count}",
        )
    profile.plot(x, flat + log_i0(x * radius), color=INK, linewidth=1.4, label="log p, K infinite")
    label(profile, "Along a ray through the first mean", "|x|", "nats")
    legend(profile, loc="lower left")
    shown = np.maximum(posterior_error, 1e-16)
    convergence.semilogy(COUNTS, shown, "o-", color=ACCENT, markersize=3.5, linewidth=1.2)
    label(convergence, "Largest distance of log p from its limit", "components K", "nats")
    words = (
        "Left: along a ray the uniform bound falls as a parabola from the origin, while log p rises to "
        "its top on the ring; the "
        "gap widens with the radius. Right: the distance of log p from its limit falls faster than any "
        "power of K and "
        "reaches rounding error."
    )
    return as_picture(figure, words, "limit")
