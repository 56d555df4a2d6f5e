"""log Z of a tilted density on fresh draws, in float64, with its interval."""

from __future__ import annotations

import math
from statistics import NormalDist

import equinox as eqx
import jax
import numpy as np
from scipy.special import logsumexp

from densimeter.energy.density import TiltedDensity
from densimeter.foundations.estimates import Estimate
from densimeter.foundations.precision import double_precision

BLOCK = 2**15


def estimate_log_z(density: TiltedDensity, width: float, confidence: float, key: jax.Array) -> Estimate:
    """log Z with a normal interval no wider than `width` if 64 blocks of draws are enough for it."""
    if float(density.tilt.strength) == 0:
        return Estimate.exact(0.0, "untilted base")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    drawn: list[np.ndarray] = []
    with double_precision():
        for block in range(64):
            drawn.append(np.asarray(_draw_tilts(density, jax.random.fold_in(key, block))))
            log_w = np.concatenate(drawn)
            log_z = float(logsumexp(log_w) - math.log(len(log_w)))
            error = z * float(np.exp(log_w - log_z).std()) / math.sqrt(len(log_w))
            if 2 * error <= width:
                break
    return Estimate(log_z, log_z - error, log_z + error, confidence, f"importance, {len(log_w)} draws")


@eqx.filter_jit
def _draw_tilts(density: TiltedDensity, key: jax.Array) -> jax.Array:
    return jax.vmap(density.tilt)(density.base.sample(key, BLOCK))
