"""The ring of Gaussians, and its limit of infinitely many components."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import i0e, logsumexp

from densimeter.datasets.density import LOG_2_PI, as_points_of_the_plane
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.randomness import RandomState, generator_from


@dataclass(frozen=True)
class RingOfGaussians:
    r"""K unit Gaussians of equal weight, evenly spaced on a circle of radius R in the plane.

    .. math::
        p(x) = \frac{1}{K} \sum_{k=0}^{K-1} N(x \mid \mu_k, I), \quad
        \mu_k = R (\cos 2 \pi k / K, \sin 2 \pi k / K)

    With ``n_components=math.inf`` the means fill the circle, and
    :math:`p(x) = e^{-(|x|^2 + R^2)/2} I_0(|x| R) / 2 \pi` with the modified Bessel function
    :math:`I_0` (Abramowitz and Stegun, 9.6.16).

    Parameters
    ----------
    n_components : int or math.inf
        K, at least 1.
    radius : float
        R >= 0, in units of the components' standard deviation. At 10 they stand apart; at 1 they cannot
        be told from one broad Gaussian.

    Raises
    ------
    SettingError
        If a parameter is out of range.

    Examples
    --------
    >>> ring = RingOfGaussians(n_components=10, radius=10.0)
    >>> X = ring.sample(1000, random_state=0)
    >>> X.shape
    (1000, 2)
    >>> bool(-5.3 < ring.log_prob(X).mean() < -5.0)
    True
    """

    n_components: float = 10
    radius: float = 10.0

    def __post_init__(self) -> None:
        if self.n_components != math.inf:
            check_count("n_components", self.n_components)
        check_number("radius", self.radius, at_least=0)

    @property
    def means(self) -> np.ndarray:
        """The means of the components, shape ``(n_components, 2)``; only a finite ring has them."""
        angles = 2 * np.pi * np.arange(check_count("n_components", self.n_components)) / self.n_components
        return self._on_circle(angles)

    def log_prob(self, X: ArrayLike) -> np.ndarray:
        """Normalised log-density of each row, in nats.

        Parameters
        ----------
        X : array of shape (n_samples, 2)

        Returns
        -------
        array of shape (n_samples,)

        Raises
        ------
        DataError
            If `X` has another shape.
        """
        points = as_points_of_the_plane(X)
        if self.n_components == math.inf:
            distance = np.hypot(points[:, 0], points[:, 1])
            # i0e(z) = exp(-z) I0(z), so that the exponent is -(|x| - R)^2 / 2 and nothing overflows
            return np.log(i0e(distance * self.radius)) - (distance - self.radius) ** 2 / 2 - LOG_2_PI
        squared_distance = ((points[:, None, :] - self.means) ** 2).sum(axis=2)
        return logsumexp(-squared_distance / 2, axis=1) - np.log(self.n_components) - LOG_2_PI

    def sample(self, n_samples: int, random_state: RandomState = None) -> np.ndarray:
        """Independent rows, shape ``(n_samples, 2)``."""
        return self.sample_with_labels(n_samples, random_state)[0]

    def sample_with_labels(
        self, n_samples: int, random_state: RandomState = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and where they came from: the component's index, or its angle on the infinite ring."""
        n_samples = check_count("n_samples", n_samples)
        generator = generator_from(random_state)
        if self.n_components == math.inf:
            labels = generator.uniform(0, 2 * np.pi, n_samples)
            centres = self._on_circle(labels)
        else:
            labels = generator.integers(int(self.n_components), size=n_samples)
            centres = self.means[labels]
        return centres + generator.standard_normal((n_samples, 2)), labels

    def _on_circle(self, angles: np.ndarray) -> np.ndarray:
        return self.radius * np.column_stack([np.cos(angles), np.sin(angles)])


def make_ring(
    n_samples: int, n_components: float = 10, radius: float = 10.0, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows from a `RingOfGaussians`, as scikit-learn's ``make_blobs`` gives rows from blobs.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    n_components : int or math.inf
        Number of Gaussians on the ring.
    radius : float
        Radius of the ring, in standard deviations of its components.
    random_state : int, Generator, RandomState or None
        Seed.

    Returns
    -------
    X : array of shape (n_samples, 2)
    y : array of shape (n_samples,)
        The component each row came from; its angle when `n_components` is infinite.

    Raises
    ------
    SettingError
        If a parameter is out of range.

    Examples
    --------
    >>> X, y = make_ring(500, n_components=4, random_state=0)
    >>> X.shape, sorted(int(k) for k in set(y))
    ((500, 2), [0, 1, 2, 3])
    """
    return RingOfGaussians(n_components, radius).sample_with_labels(n_samples, random_state)
