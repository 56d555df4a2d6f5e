"""Eight squares of a checkerboard: a density with edges, hard for smooth models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from densimeter.datasets.density import as_points_of_the_plane
from densimeter.foundations.checks import check_count
from densimeter.foundations.randomness import RandomState, generator_from

_SIDE, _SQUARES_A_SIDE = 2.0, 4
_HALF = _SIDE * _SQUARES_A_SIDE / 2


@dataclass(frozen=True)
class Checkerboard:
    """Uniform on the eight 2 x 2 squares of one colour of the 4 x 4 board on [-4, 4]^2.

    The density is 1/32 on the squares whose column and row numbers add up to an even number, and 0 elsewhere
    (log-density ``-inf``).

    Examples
    --------
    >>> Checkerboard().log_prob([[-3.0, -3.0], [-1.0, -3.0]])
    array([-3.4657359,       -inf])
    """

    def log_prob(self, X: ArrayLike) -> np.ndarray:
        """Normalised log-density of each row, in nats: -log 32 or ``-inf``.

        Raises
        ------
        DataError
            If `X` is not of shape (n_samples, 2).
        """
        points = as_points_of_the_plane(X)
        on_board = ((points >= -_HALF) & (points < _HALF)).all(axis=1)
        square = np.floor((points + _HALF) / _SIDE)
        filled = on_board & (square.sum(axis=1) % 2 == 0)
        return np.where(filled, -np.log(_SIDE**2 * _SQUARES_A_SIDE**2 / 2), -np.inf)

    def sample(self, n_samples: int, random_state: RandomState = None) -> np.ndarray:
        """Independent rows, shape ``(n_samples, 2)``."""
        n_samples = check_count("n_samples", n_samples)
        generator = generator_from(random_state)
        column = generator.integers(_SQUARES_A_SIDE, size=n_samples)
        row = 2 * generator.integers(_SQUARES_A_SIDE // 2, size=n_samples) + column % 2
        corner = np.column_stack([column, row]) * _SIDE - _HALF
        return corner + _SIDE * generator.random((n_samples, 2))
