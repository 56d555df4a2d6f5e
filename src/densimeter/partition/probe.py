"""A second look with a broad density: does the target keep mass where the proposal's samples never were.

Importance weights cannot tell by themselves that a mode was missed: without a sample in it, they look
perfect. So a broad and heavy-tailed density b (a Student t with 3 degrees of freedom, five times as wide as
the proposal's samples) is sampled too, and the target's mass is estimated in the region R where the weight
would exceed every weight seen:

    Z_R = ∫_R exp(-E(x)) dx = E_b[1_R(x) exp(-E(x)) / b(x)],      R = {x : log w(x) > max of the sample}.

A healthy proposal leaves a share of about its largest normalised weight there. A mode that lies farther than
the probe reaches, or that is too narrow for it, stays unseen: absence of a finding is no proof.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.densities import StudentT
from densimeter.foundations.diagnostics import log_mean
from densimeter.foundations.errors import NonFiniteError
from densimeter.partition.weights import EnergyWeights

BROADER = 5.0
"""Width of the probe over the proposal's."""
_ROUNDING = 1e-6
"""Log weights that exceed the largest by less than this are the same number."""


def log_unreached(
    weights: EnergyWeights, points: np.ndarray, largest: float, key: jax.Array, n_samples: int
) -> float:
    """Estimated log mass of the target where log weights exceed `largest`, -inf if none was found.

    Parameters
    ----------
    weights : EnergyWeights
        Target and proposal.
    points : array of shape (n, n_features)
        Samples of the proposal, from which the probe takes its place and width.
    largest : float
        Largest log weight among the proposal's samples.
    key : JAX key
    n_samples : int
        Samples of the probe.
    """
    quartiles = np.quantile(points, [0.25, 0.5, 0.75], axis=0)
    width = (quartiles[2] - quartiles[0]) / 1.349  # a normal's interquartile range
    scale = np.diag(BROADER * np.where(width > 0, width, 1.0))
    broad = StudentT(jnp.asarray(quartiles[1]), jnp.asarray(scale), 3)
    masses, log_weights = (np.asarray(column) for column in _probe(weights, broad, key, n_samples))
    if np.isnan(masses).any() or np.isposinf(masses).any():
        raise NonFiniteError(
            "the energy is NaN or -inf at a point far from the proposal", "give +inf outside the support"
        )
    beyond = ~(log_weights <= largest + _ROUNDING)
    return log_mean(np.where(beyond, masses, -math.inf))


@eqx.filter_jit
def _probe(
    weights: EnergyWeights, broad: StudentT, key: jax.Array, n_samples: int
) -> tuple[jax.Array, jax.Array]:
    """For rows of `broad`: log of exp(-E) / b, and the log weights under the proposal."""
    rows = broad.sample(key, n_samples)
    masses = jax.vmap(lambda x: -weights.energy(x) - broad.log_prob(x))(rows)
    return masses, jax.vmap(weights.at)(rows)
