"""Part 4: the gradient of an energy model's log-likelihood, a data term minus a model term."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.precision import double_precision
from densimeter.plotting.panels import ACCENT, INK, SECOND, Picture, as_picture, label, legend, panels
from densimeter.report.parts import Figure, Part
from densimeter.tour.world import World, square_grid

N_UNITS = 6
N_ROWS = 200
STEP = 1e-5


def describe_gradient(world: World) -> Part:
    """The identity, checked parameter by parameter against finite differences."""
    with double_precision():
        by_identity, by_differences, by_sampling = (np.asarray(g) for g in _gradients(world))
    difference = float(np.abs(by_identity - by_differences).max())
    sampling = float(np.abs(by_identity - by_sampling).max())
    return Part(
        key="gradient",
        title="The maximum-likelihood gradient of an energy model",
        formulas=(
            r"\nabla_\theta \frac{1}{n} \sum_i \log p_\theta(x_i) ="
            r"\underbrace{- \frac{1}{n} \sum_i \nabla_\theta E_\theta(x_i)}_{\text{data term}}"
            r"+ "
            r"\underbrace{\mathbb{E}_{p_\theta} \left[\nabla_\theta E_\theta(x)\right]}_{\text{model term}},"
            r"\qquad p_\theta(x) = \frac{e^{-E_\theta(x)}}{Z_\theta}",
        ),
        pictures=(_picture(by_identity, by_differences, by_sampling),),
        figures={
            "n_parameters": Figure("parameters of the small network", float(len(by_identity)), 0),
            "largest_gradient": Figure(
                "largest component of the gradient", float(np.abs(by_identity).max()), 4
            ),
            "largest_difference": Figure(
                "largest difference, identity against finite differences", difference, 3
            ),
            "largest_sampling_error": Figure(
                "largest error with 4,096 weighted samples instead", sampling, 3
            ),
        },
        reading=(
            "Raising the likelihood means lowering the energy of the data and raising the energy of what "
            "the "
            "model itself produces. The second term is the gradient of log Z, and it is an expectation "
            "under the model. For a "
            f"network with {len(by_identity)} parameters in the plane both terms can be computed by "
            "quadrature, and they "
            "agree, parameter by parameter, with finite differences of the quadrature log-likelihood to "
            "the "
            "accuracy that finite differences have. In more dimensions no quadrature helps; the next "
            "part replaces it by samples."
        ),
    )


def _energy(theta: jax.Array, x: jax.Array) -> jax.Array:
    """A unit Gaussian and a small network of tanh units: ``|x|^2 / 2 - sum_j a_j tanh(w_j x + b_j)``."""
    outer, inner, bias = (
        theta[:N_UNITS],
        theta[N_UNITS : 3 * N_UNITS].reshape(2, N_UNITS),
        theta[3 * N_UNITS :],
    )
    return x @ x / 2 - outer @ jnp.tanh(x @ inner + bias)


_energies = jax.vmap(_energy, in_axes=(None, 0))


def _gradients(world: World) -> tuple[jax.Array, jax.Array, jax.Array]:
    scale = world.train.std()
    rows = jnp.asarray(world.train[:N_ROWS] / scale)
    _, points, area = square_grid(8.0, 400)
    grid = jnp.asarray(points)
    theta = jnp.asarray(world.generator(40).normal(size=4 * N_UNITS))

    def log_likelihood(theta: jax.Array) -> jax.Array:
        log_z = jax.nn.logsumexp(-_energies(theta, grid)) + jnp.log(area)
        return -_energies(theta, rows).mean() - log_z

    gradient_of_energy = jax.vmap(jax.grad(_energy), in_axes=(None, 0))
    data_term = -gradient_of_energy(theta, rows).mean(axis=0)
    model = jax.nn.softmax(-_energies(theta, grid))
    model_term = model @ gradient_of_energy(theta, grid)

    steps = STEP * jnp.eye(len(theta))
    ahead, behind = (jax.lax.map(log_likelihood, theta + sign * steps) for sign in (1, -1))

    draws = 1.5 * jnp.asarray(world.generator(41).normal(size=(4096, 2)))
    log_proposal = -(draws**2).sum(axis=1) / (2 * 1.5**2)
    weights = jax.nn.softmax(-_energies(theta, draws) - log_proposal)
    sampled_term = weights @ gradient_of_energy(theta, draws)
    return data_term + model_term, (ahead - behind) / (2 * STEP), data_term + sampled_term


def _picture(by_identity: np.ndarray, by_differences: np.ndarray, by_sampling: np.ndarray) -> Picture:
    figure, (panel,) = panels(1, height=2.9)
    places = np.arange(1, len(by_identity) + 1)
    panel.vlines(places, 0, by_identity, color=SECOND, linewidth=4, alpha=0.5, label="data term + model term")
    panel.plot(places, by_differences, "o", color=INK, markersize=5, label="finite differences")
    panel.plot(
        places, by_sampling, "x", color=ACCENT, markersize=6, label="model term by 4,096 weighted samples"
    )
    panel.axhline(0, color=INK, linewidth=0.6)
    label(panel, "Gradient of the mean log-likelihood", "parameter", "nats per unit")
    legend(panel)
    words = (
        "The gradient for each parameter of the network, three ways: as a bar from the identity, as a "
        "dot from "
        "finite differences, which sits at the end of every bar, and as a cross from weighted samples, "
        "close to it."
    )
    return as_picture(figure, words, "gradient")
