"""Two interleaved half circles with Gaussian noise, and their exact density."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from densimeter.datasets.density import LOG_2_PI, as_points_of_the_plane
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.randomness import RandomState, generator_from

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(16)
_BLOCK = 4096


@dataclass(frozen=True)
class TwoMoons:
    r"""A point chosen uniformly on one of two half circles of radius 1, plus Gaussian noise.

    .. math::
        p(x) = \frac{1}{2} \sum_{m=1}^{2} \frac{1}{\pi} \int_0^{\pi}
               N(x \mid c_m(\theta), \sigma^2 I) \, d\theta

    The upper moon is centred at (0, 0), the lower, turned over, at (1, 1/2): the places of scikit-learn's
    ``make_moons``. The integral is taken by Gauss-Legendre quadrature on panels that halve towards the
    nearest point of the arc, so that it is right to about 1e-13 at every distance and noise.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise, above 0, in units of the radius.

    Raises
    ------
    SettingError
        If `noise` is not above zero.

    Examples
    --------
    >>> moons = TwoMoons(noise=0.1)
    >>> moons.log_prob([[0.0, 1.0]]).round(4)
    array([-0.453])
    """

    noise: float = 0.1

    def __post_init__(self) -> None:
        check_number("noise", self.noise, above=0)

    def log_prob(self, X: ArrayLike) -> np.ndarray:
        """Normalised log-density of each row, in nats; a few hundred exponentials a row.

        Raises
        ------
        DataError
            If `X` is not of shape (n_samples, 2).
        """
        points = as_points_of_the_plane(X)
        blocks = [points[start : start + _BLOCK] for start in range(0, len(points), _BLOCK)]
        return np.concatenate([self._log_prob_block(block) for block in blocks]) if blocks else np.empty(0)

    def sample(self, n_samples: int, random_state: RandomState = None) -> np.ndarray:
        """Independent rows, shape ``(n_samples, 2)``."""
        n_samples = check_count("n_samples", n_samples)
        generator = generator_from(random_state)
        angles = generator.uniform(0, np.pi, n_samples)
        on_arc = np.column_stack([np.cos(angles), np.sin(angles)])
        lower = generator.random(n_samples) < 0.5
        on_arc[lower] = _turn_over(on_arc[lower])
        return on_arc + self.noise * generator.standard_normal((n_samples, 2))

    def _log_prob_block(self, points: np.ndarray) -> np.ndarray:
        upper = _log_mean_over_arc(points, self.noise)
        lower = _log_mean_over_arc(_turn_over(points), self.noise)
        return np.logaddexp(upper, lower) - np.log(2) - LOG_2_PI - 2 * np.log(self.noise)


def _turn_over(points: np.ndarray) -> np.ndarray:
    """The half turn about (1/2, 1/4) that carries one moon to the other and back."""
    return np.array([1.0, 0.5]) - points


def _log_mean_over_arc(points: np.ndarray, noise: float) -> np.ndarray:
    """Log of the mean of ``exp(-|x - c(theta)|^2 / 2 noise^2)`` over theta in [0, pi].

    With x at distance r and angle phi the exponent is ``concentration * cos(theta - phi)`` plus a constant.
    Its largest value is taken out, at the arc's point nearest to x, and panels grow by doubling from there.
    """
    distance = np.hypot(points[:, 0], points[:, 1])
    angle = np.arctan2(points[:, 1], points[:, 0])
    nearest = np.where(angle >= 0, angle, np.where(angle > -np.pi / 2, 0.0, np.pi))
    concentration = distance / noise**2
    at_nearest = (points[:, 0] - np.cos(nearest)) ** 2 + (points[:, 1] - np.sin(nearest)) ** 2

    integral = np.zeros(len(points))
    for start, stop in _panels(nearest, float(concentration.max(initial=1.0))):
        middle, half = (start + stop) / 2, (stop - start) / 2
        theta = middle[:, None] + half[:, None] * _NODES
        # cos(theta - phi) - cos(nearest - phi), as a product that loses no digits near the peak
        fall = -2 * np.sin((theta + nearest[:, None]) / 2 - angle[:, None])
        fall *= np.sin((theta - nearest[:, None]) / 2)
        integral += half * (np.exp(concentration[:, None] * fall) @ _NODE_WEIGHTS)
    return np.log(integral / np.pi) - at_nearest / (2 * noise**2)


def _panels(nearest: np.ndarray, concentration: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Panels on both sides of `nearest`, clipped to [0, pi], the first of length 1 / concentration."""
    n_doublings = int(np.ceil(np.log2(np.pi * max(concentration, 1.0)))) + 1
    offsets = np.concatenate([[0.0], np.pi * 2.0 ** np.arange(-n_doublings, 1)])
    panels = []
    for inner, outer in pairwise(offsets):
        panels.append(tuple(np.clip([nearest + inner, nearest + outer], 0, np.pi)))
        panels.append(tuple(np.clip([nearest - outer, nearest - inner], 0, np.pi)))
    return panels
