"""One coordinate of a box, mapped so that infinite ends become finite: x as a function of z.

====================  =====================================  ================
x                     map                                    z
====================  =====================================  ================
(a, b)                x = z                                  (a, b)
(-inf, inf)           x = centre + scale z / (1 - z^2)       (-1, 1)
(a, inf), (-inf, b)   x = end ± scale z / (1 - z)            (0, 1)
====================  =====================================  ================

The maps are those of QUADPACK's kind: algebraic, so that a tail like 1/x^2 stays integrable and smooth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Axis(Protocol):
    """A smooth increasing-or-decreasing map of ``(start, stop)`` onto the coordinate."""

    @property
    def start(self) -> float:
        """Lower end of z."""
        ...

    @property
    def stop(self) -> float:
        """Upper end of z."""
        ...

    def to_x(self, z: np.ndarray) -> np.ndarray:
        """The coordinate."""
        ...

    def to_z(self, x: np.ndarray) -> np.ndarray:
        """Its inverse."""
        ...

    def log_jacobian(self, z: np.ndarray) -> np.ndarray:
        """``log |dx/dz|``."""
        ...


@dataclass(frozen=True, slots=True)
class Segment:
    """A finite interval, as it is."""

    start: float
    stop: float

    def to_x(self, z: np.ndarray) -> np.ndarray:
        """The coordinate, inside the open interval even where rounding would put it on an end."""
        return np.clip(z, math.nextafter(self.start, math.inf), math.nextafter(self.stop, -math.inf))

    def to_z(self, x: np.ndarray) -> np.ndarray:
        """Its inverse."""
        return x

    def log_jacobian(self, z: np.ndarray) -> np.ndarray:
        """Zero."""
        return np.zeros_like(z)


@dataclass(frozen=True, slots=True)
class Line:
    """The whole line; half of z lies within two thirds of a `scale` of the `centre`."""

    centre: float
    scale: float
    start: float = -1.0
    stop: float = 1.0

    def to_x(self, z: np.ndarray) -> np.ndarray:
        """The coordinate."""
        return self.centre + self.scale * z / ((1 - z) * (1 + z))

    def to_z(self, x: np.ndarray) -> np.ndarray:
        """Its inverse."""
        u = (x - self.centre) / self.scale
        return 2 * u / (1 + np.hypot(1, 2 * u))

    def log_jacobian(self, z: np.ndarray) -> np.ndarray:
        """``log |dx/dz|``."""
        return math.log(self.scale) + np.log1p(z * z) - 2 * (np.log1p(-z) + np.log1p(z))


@dataclass(frozen=True, slots=True)
class HalfLine:
    """From `end` to +inf (positive scale) or to -inf (negative scale)."""

    end: float
    scale: float
    start: float = 0.0
    stop: float = 1.0

    def to_x(self, z: np.ndarray) -> np.ndarray:
        """The coordinate, never the end itself."""
        x = self.end + self.scale * z / (1 - z)
        beside = math.nextafter(self.end, math.copysign(math.inf, self.scale))
        return np.maximum(x, beside) if self.scale > 0 else np.minimum(x, beside)

    def to_z(self, x: np.ndarray) -> np.ndarray:
        """Its inverse."""
        u = (x - self.end) / self.scale
        return u / (1 + u)

    def log_jacobian(self, z: np.ndarray) -> np.ndarray:
        """``log |dx/dz|``."""
        return math.log(abs(self.scale)) - 2 * np.log1p(-z)


def axis_between(lower: float, upper: float, centre: float = 0.0, scale: float = 1.0) -> Axis:
    """The map for an interval, adapted to a bulk at `centre` of half-width `scale`.

    Examples
    --------
    >>> axis_between(0.0, math.inf, centre=5.0, scale=1.0)
    HalfLine(end=0.0, scale=5.0, start=0.0, stop=1.0)
    """
    if math.isfinite(lower) and math.isfinite(upper):
        return Segment(lower, upper)
    if math.isfinite(lower):
        return HalfLine(lower, max(scale, centre - lower))
    if math.isfinite(upper):
        return HalfLine(upper, -max(scale, upper - centre))
    return Line(centre, scale)
