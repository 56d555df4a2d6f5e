"""Part 5: log Z by self-normalised importance sampling, its error and its effective sample size."""

from __future__ import annotations

import numpy as np

from densimeter.plotting.panels import ACCENT, INK, QUIET, SECOND, Picture, as_picture, label, panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.world import World, square_grid

SIZES = 2 ** np.arange(4, 15)
N_REPEATS = 40


def describe_importance(world: World) -> Part:
    """Error and effective sample size against the number of samples, and where the samples lie."""
    log_z = _log_z_by_quadrature(world)
    points, log_weights = _weighted_samples(world, N_REPEATS * int(SIZES[-1]))
    errors, sizes = _errors(log_weights.reshape(N_REPEATS, -1), log_z)
    slope = float(np.polyfit(np.log(SIZES[3:]), np.log(errors[3:]), 1)[0])
    return Part(
        key="importance",
        title="The normaliser by importance sampling",
        formulas=(
            r"\mathbb{E}_p[f] = \frac{\mathbb{E}_q[f w]}{\mathbb{E}_q[w]}, \qquad w(x) = "
            r"\frac{e^{-E(x)}}{q(x)}, \qquad"
            r"\hat Z = \frac{1}{n} \sum_{i=1}^{n} w(x_i), \qquad"
            r"\mathrm{ESS} = \frac{\left(\sum_i w_i\right)^2}{\sum_i w_i^2}",
        ),
        pictures=(_picture(world, points, log_weights, errors, sizes),),
        figures={
            "log_z": Figure("log Z of the trained model, by quadrature", log_z, 5, "nats"),
            "error_at_16": Figure(
                "root mean square error of log Z with 16 samples", float(errors[0]), 4, "nats"
            ),
            "error_at_16384": Figure("with 16,384 samples", float(errors[-1]), 4, "nats"),
            "slope": Figure("slope of the error in the doubly logarithmic plot", slope, 2),
            "ess_share": Figure("effective share of the samples", float(sizes[-1] / SIZES[-1]), 3),
        },
        reading=(
            "Samples of a proposal q, each weighted by how much the model prefers its place over q, "
            "stand in for samples of "
            "the model. The error falls with the square root of their number, and the effective sample "
            "size says how many "
            "of them count: the Gaussian proposal wastes those that fall into the middle of the ring, "
            "where the model puts "
            "next to nothing. The logarithm of an average lies below the truth on average, so few "
            "samples make a model look "
            "better than it is: an estimate of log Z must come with its interval."
        ),
    )


def _log_z_by_quadrature(world: World) -> float:
    _, points, area = square_grid(4 * world.reach, 1000)
    return float(np.logaddexp.reduce(-world.energy.energy(points)) + np.log(area))


def _weighted_samples(world: World, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of the Gaussian with the training rows' moments, and their log-weights."""
    mean, covariance = world.train.mean(axis=0), np.cov(world.train.T)
    cholesky = np.linalg.cholesky(covariance)
    standard = world.generator(50).standard_normal((n_samples, 2))
    points = mean + standard @ cholesky.T
    log_q = -(standard**2).sum(axis=1) / 2 - np.log(2 * np.pi) - np.log(np.diag(cholesky)).sum()
    return points, -world.energy.energy(points) - log_q


def _errors(log_weights: np.ndarray, log_z: float) -> tuple[np.ndarray, np.ndarray]:
    """Root mean square error of log Z and mean effective sample size, for each number of samples."""
    errors, sizes = [], []
    for n in SIZES:
        used = log_weights[:, :n]
        log_sum = np.logaddexp.reduce(used, axis=1)
        estimates = log_sum - np.log(n)
        effective = np.exp(2 * log_sum - np.logaddexp.reduce(2 * used, axis=1))
        errors.append(np.sqrt(((estimates - log_z) ** 2).mean()))
        sizes.append(effective.mean())
    return np.array(errors), np.array(sizes)


def _picture(
    world: World, points: np.ndarray, log_weights: np.ndarray, errors: np.ndarray, sizes: np.ndarray
) -> Picture:
    figure, (error, size, where) = panels(3, height=3.1, width=9.2)
    error.loglog(SIZES, errors, "o-", color=INK, markersize=3.5, linewidth=1.2)
    error.loglog(SIZES, errors[-1] * np.sqrt(SIZES[-1] / SIZES), "--", color=QUIET, linewidth=1)
    error.minorticks_off()
    label(error, "RMS error of log Z (dashed: n^-1/2)", "samples n", "nats")
    size.loglog(SIZES, sizes, "o-", color=INK, markersize=3.5, linewidth=1.2)
    size.loglog(SIZES, SIZES, "--", color=QUIET, linewidth=1)
    label(size, "Effective sample size (dashed: n)", "samples n")
    shown, weights = points[:800], np.exp(log_weights[:800] - log_weights[:800].max())
    where.scatter(*shown.T, s=3, color=QUIET, linewidths=0)
    where.scatter(*shown.T, s=24 * weights, color=SECOND, alpha=0.7, linewidths=0)
    where.scatter(*world.ring.means.T, s=20, color=ACCENT, marker="x", linewidths=1.3)
    where.set_aspect("equal")
    label(where, "Samples, sized by weight")
    words = (
        "Left: the error of log Z falls along a straight line of slope about one half. Middle: the "
        "effective sample size grows "
        "in proportion to the number of samples, somewhat below it. Right: samples of a broad Gaussian; "
        "the heavy ones lie "
        "on the ring, the light ones inside and far outside."
    )
    return as_picture(figure, words, "importance")
