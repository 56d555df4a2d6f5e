"""log Z of a tilted density on fresh draws, in float64, with an interval; certified where t is bounded."""

from __future__ import annotations

from dataclasses import dataclass

import jax

from densimeter import partition
from densimeter.energy.density import TiltedDensity
from densimeter.foundations.estimates import Estimate


@dataclass(frozen=True)
class Precision:
    """How well log Z is to be known: width of its interval, nats, confidence, and the most draws to spend."""

    width: float
    confidence: float
    max_samples: int = 2**22


def estimate_log_z(density: TiltedDensity, precision: Precision, key: jax.Array) -> Estimate:
    """Log Z with the certificate of `densimeter.partition`, or by importance sampling without a bound."""
    weights = partition.TiltWeights(density.tilt, density.base)
    if density.tilt.is_bounded:
        return partition.certificate(
            weights,
            bounds=density.tilt.range,
            width=precision.width,
            confidence=precision.confidence,
            max_samples=precision.max_samples,
            random_state=key,
        ).estimate
    return partition.importance_of(
        weights, n_samples=2**18, confidence=precision.confidence, random_state=key
    ).estimate
