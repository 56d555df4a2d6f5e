"""The network g: a multilayer perceptron from one point to one number, zero before training.

Plain perceptrons learn smooth functions long before sharp ones (Rahaman et al., 2019); waves of the point
among the inputs (Tancik et al., 2020, eq. 4) let the network draw edges within few steps. Their
frequencies are learned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

Activation = Callable[[jax.Array], jax.Array]


def relu(z: jax.Array) -> jax.Array:
    """``max(z, 0)``."""
    return jax.nn.relu(z)


def silu(z: jax.Array) -> jax.Array:
    """``z / (1 + exp(-z))``."""
    return jax.nn.silu(z)


def gelu(z: jax.Array) -> jax.Array:
    """``z Phi(z)``, by its tanh approximation."""
    return jax.nn.gelu(z)


def tanh(z: jax.Array) -> jax.Array:
    """The hyperbolic tangent."""
    return jnp.tanh(z)


def softplus(z: jax.Array) -> jax.Array:
    """``log(1 + exp(z))``."""
    return jax.nn.softplus(z)


ACTIVATIONS: dict[str, Activation] = {
    function.__name__: function for function in (relu, silu, gelu, tanh, softplus)
}
"""What a user's word for the non-linearity stands for. Functions of this file, because JAX's do not
pickle."""


class Layer(eqx.Module):
    """An affine map ``x -> W x + b``, W of shape ``(n_out, n_in)``."""

    weight: jax.Array
    bias: jax.Array

    def __call__(self, x: jax.Array) -> jax.Array:
        """One point in, ``(n_in,)``, one out, ``(n_out,)``."""
        return self.weight @ x + self.bias


class Network(eqx.Module):
    """g(x) for one point x of shape ``(n_features,)``; call it under `jax.vmap` for rows.

    The first hidden layer sees x and the sines and cosines of `frequencies` x, of shape
    ``(n_frequencies, n_features)``, radians per unit.
    """

    frequencies: jax.Array
    hidden: tuple[Layer, ...]
    last: Layer
    activation: Activation = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        """g(x), a number."""
        angles = self.frequencies @ x
        x = jnp.concatenate([x, jnp.sin(angles), jnp.cos(angles)])
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.last(x)[0]


@dataclass(frozen=True)
class Architecture:
    """The shape of a network: widths of the hidden layers, non-linearity, number and spread of the waves."""

    hidden: tuple[int, ...]
    activation: Activation
    n_frequencies: int
    frequency_scale: float


def make_network(key: jax.Array, n_features: int, architecture: Architecture) -> Network:
    """A network whose last layer is zero, so that g(x) = 0 at first.

    Frequencies are normal with standard deviation `frequency_scale` (rows are standardised). Hidden
    weights are drawn as in He et al. (2015, eq. 10), variance ``2 / n_in``; biases are uniform in [-1, 1],
    which spreads the kinks of the first layer over the rows. NumPy draws them: JAX would spend a second on
    compiling what runs once.
    """
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    waves = architecture.frequency_scale * rng.normal(size=(architecture.n_frequencies, n_features))
    sizes = (n_features + 2 * architecture.n_frequencies, *architecture.hidden)
    hidden = tuple(_he_layer(rng, n_in, n_out) for n_in, n_out in pairwise(sizes))
    last = Layer(jnp.zeros((1, sizes[-1])), jnp.zeros(1))
    return Network(jnp.asarray(waves), hidden, last, architecture.activation)


def _he_layer(rng: np.random.Generator, n_in: int, n_out: int) -> Layer:
    weight = rng.normal(scale=math.sqrt(2 / n_in), size=(n_out, n_in))
    return Layer(jnp.asarray(weight), jnp.asarray(rng.uniform(-1, 1, n_out)))
