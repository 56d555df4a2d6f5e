"""log Z of a tilted density on fresh draws, in float64, certified."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import jax

from densimeter import partition
from densimeter.energy.density import TiltedDensity
from densimeter.foundations.errors import DensimeterWarning
from densimeter.foundations.estimates import Estimate


@dataclass(frozen=True)
class Precision:
    """How well log Z is to be known: width of its interval, nats, confidence, and the most draws to spend."""

    width: float
    confidence: float
    max_samples: int = 2**22


def estimate_log_z(density: TiltedDensity, precision: Precision, key: jax.Array) -> Estimate:
    """Log Z with the finite-sample certificate of `densimeter.partition`: the tilt has a ceiling.

    Where no tilt was kept it is zero, exactly.

    Warns
    -----
    DensimeterWarning
        If the draws ended before the interval was as narrow as asked; it is valid all the same.
    """
    lowest, highest = density.tilt.range
    if lowest == highest:
        return Estimate.exact(lowest, "the base alone, which is normalised")
    found = partition.certificate(
        partition.TiltWeights(density.tilt, density.base),
        bounds=(lowest, highest),
        width=precision.width,
        confidence=precision.confidence,
        max_samples=precision.max_samples,
        random_state=key,
    )
    if not found.width_reached:
        warnings.warn(
            DensimeterWarning(
                f"log Z is certified to a width of {2 * found.estimate.half_width:.3f} nats only, after "
                f"{found.n_samples} draws",
                "use a base nearer to the data, or a smaller tilt_bound",
            ),
            stacklevel=5,
        )
    return found.estimate
