"""What one bandwidth unit is: rows divided by it are rows in which the kernel has width one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.foundations.errors import SettingError

SMALLEST, LARGEST = 1e-300, 1e300
"""Bandwidths outside would overflow when divided by."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """One positive bandwidth per column, in the units of the columns.

    Examples
    --------
    >>> h = Bandwidth.of(0.5, n_features=2)
    >>> h.scales, round(h.log_volume, 4)
    (array([0.5, 0.5]), -1.3863)
    """

    scales: np.ndarray

    @classmethod
    def of(cls, value: object, n_features: int) -> Bandwidth:
        """The bandwidth a user gave as a number or one per column.

        Raises
        ------
        SettingError
            If it is not positive, not finite, or has the wrong shape.
        """
        try:
            given = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            raise SettingError(f"bandwidth {value!r} is not a number", "give a positive number") from None
        if given.ndim > 1 or (given.ndim == 1 and len(given) != n_features):
            raise SettingError(
                f"bandwidth has shape {given.shape} for {n_features} columns",
                "give one number or one for each",
            )
        if not np.all((given >= SMALLEST) & (given <= LARGEST)):
            raise SettingError(
                f"bandwidth {value!r} is out of range",
                f"give positive numbers between {SMALLEST:g} and {LARGEST:g}",
            )
        return cls(np.broadcast_to(given, (n_features,)).copy())

    @property
    def log_volume(self) -> float:
        """Log of the product of the bandwidths: what turns a density per bandwidth into one per unit."""
        return float(np.log(self.scales).sum())
