"""The kernels: radial profiles of the distance ``u`` in bandwidths, their normalisers and random draws.

A kernel in d dimensions is ``K(z) = exp(log_profile(‖z‖²) - log_normalizer(d))`` and integrates to one. With
the unit ball's volume ``V_d = π^{d/2} / Γ(d/2 + 1)`` the normaliser of a radial profile k is
``d V_d ∫ k(u) u^{d-1} du``.
"""

from __future__ import annotations

import math
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln


class Kernel(Protocol):
    """What the engines, the estimator and the sampler need to know of a kernel."""

    support_radius: float
    """Distance in bandwidths from which the kernel is zero; infinite for the Gaussian and exponential."""

    def radius_of(self, ratio: float) -> float:
        """Distance at which the profile has fallen to ``1 / ratio`` of its peak, or the edge."""
        ...

    def log_profile(self, squared_distance: jax.Array) -> jax.Array:
        """Log of the profile, 0 at distance 0, -inf outside the support; it never grows with distance."""
        ...

    def log_normalizer(self, n_features: int) -> float:
        """Log of the integral of the profile over R^d, in nats."""
        ...

    def radii(self, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
        """Distances ‖z‖ of random draws from the kernel, shape ``(n_samples,)``."""
        ...


def draw_from(kernel: Kernel, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
    """Random draws from a kernel of bandwidth one, shape ``(n_samples, n_features)``.

    The direction is uniform on the sphere; the radius follows the kernel.
    """
    directions = generator.standard_normal((n_samples, n_features))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * kernel.radii(generator, n_samples, n_features)[:, None]


def log_ball_volume(n_features: int) -> float:
    """Log of the volume of the unit ball in R^d.

    Examples
    --------
    >>> round(math.exp(log_ball_volume(2)), 6)
    3.141593
    """
    return n_features / 2 * math.log(math.pi) - float(gammaln(n_features / 2 + 1))


class Gaussian:
    """``k(u) = exp(-u²/2)``.

    Examples
    --------
    >>> round(Gaussian().log_normalizer(1), 6)  # log √(2π)
    0.918939
    """

    support_radius = math.inf

    def radius_of(self, ratio: float) -> float:
        """Distance at which the profile is ``1 / ratio``, or the edge."""
        return math.sqrt(2 * math.log(ratio))

    def log_profile(self, squared_distance: jax.Array) -> jax.Array:
        """Log of the formula above, where `squared_distance` is u²."""
        return -0.5 * squared_distance

    def log_normalizer(self, n_features: int) -> float:
        """Log of the integral over R^d, in nats."""
        return n_features / 2 * math.log(2 * math.pi)

    def radii(self, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
        """The square u² follows the chi-squared distribution with d degrees of freedom."""
        return np.sqrt(generator.chisquare(n_features, n_samples))


class Exponential:
    """``k(u) = exp(-u)``; its normaliser is ``d V_d Γ(d)``."""

    support_radius = math.inf

    def radius_of(self, ratio: float) -> float:
        """Distance at which the profile is ``1 / ratio``, or the edge."""
        return math.log(ratio)

    def log_profile(self, squared_distance: jax.Array) -> jax.Array:
        """Log of the formula above, where `squared_distance` is u²."""
        return -jnp.sqrt(squared_distance)

    def log_normalizer(self, n_features: int) -> float:
        """Log of the integral over R^d, in nats."""
        return log_ball_volume(n_features) + float(gammaln(n_features + 1))

    def radii(self, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
        """The distance u follows the gamma distribution of shape d."""
        return generator.gamma(n_features, size=n_samples)


class Tophat:
    """``k(u) = 1`` for ``u < 1``; its normaliser is ``V_d``."""

    support_radius = 1.0

    def radius_of(self, ratio: float) -> float:
        """Distance at which the profile is ``1 / ratio``, or the edge."""
        return self.support_radius

    def log_profile(self, squared_distance: jax.Array) -> jax.Array:
        """Log of the formula above, where `squared_distance` is u²."""
        return jnp.where(squared_distance < 1, 0.0, -jnp.inf)

    def log_normalizer(self, n_features: int) -> float:
        """Log of the integral over R^d, in nats."""
        return log_ball_volume(n_features)

    def radii(self, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
        """The power u^d is uniform."""
        return generator.random(n_samples) ** (1 / n_features)


class Epanechnikov:
    """``k(u) = 1 - u²`` for ``u < 1``; its normaliser is ``2 V_d / (d + 2)``."""

    support_radius = 1.0

    def radius_of(self, ratio: float) -> float:
        """Distance at which the profile is ``1 / ratio``, or the edge."""
        return self.support_radius

    def log_profile(self, squared_distance: jax.Array) -> jax.Array:
        """Log of the formula above, where `squared_distance` is u²."""
        return jnp.where(squared_distance < 1, jnp.log1p(-jnp.minimum(squared_distance, 1)), -jnp.inf)

    def log_normalizer(self, n_features: int) -> float:
        """Log of the integral over R^d, in nats."""
        return log_ball_volume(n_features) + math.log(2 / (n_features + 2))

    def radii(self, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
        """The square u² follows the beta distribution (d/2, 2)."""
        return np.sqrt(generator.beta(n_features / 2, 2, n_samples))


class Linear:
    """``k(u) = 1 - u`` for ``u < 1``; its normaliser is ``V_d / (d + 1)``."""

    support_radius = 1.0

    def radius_of(self, ratio: float) -> float:
        """Distance at which the profile is ``1 / ratio``, or the edge."""
        return self.support_radius

    def log_profile(self, squared_distance: jax.Array) -> jax.Array:
        """Log of the formula above, where `squared_distance` is u²."""
        distance = jnp.sqrt(squared_distance)
        return jnp.where(distance < 1, jnp.log1p(-jnp.minimum(distance, 1)), -jnp.inf)

    def log_normalizer(self, n_features: int) -> float:
        """Log of the integral over R^d, in nats."""
        return log_ball_volume(n_features) - math.log(n_features + 1)

    def radii(self, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
        """The distance u follows the beta distribution (d, 2)."""
        return generator.beta(n_features, 2, n_samples)


class Cosine:
    """``k(u) = cos(π u / 2)`` for ``u < 1``.

    Its normaliser is ``d V_d ∫ cos(π u/2) u^{d-1} du``. With ``v = 1 - u`` the integral becomes the series
    ``Σ_k (-1)^k (π/2)^{2k+1} / (d (d+1) ... (d+2k+1))``, whose terms fall from the first on in any dimension;
    the usual recurrence in d loses all digits by cancellation.
    """

    support_radius = 1.0

    def radius_of(self, ratio: float) -> float:
        """Distance at which the profile is ``1 / ratio``, or the edge."""
        return self.support_radius

    def log_profile(self, squared_distance: jax.Array) -> jax.Array:
        """Log of the formula above, where `squared_distance` is u²."""
        # cos(πu/2) = sin(π(1-u)/2): the second form keeps its digits near the edge
        gap = 1 - jnp.minimum(jnp.sqrt(squared_distance), 1)
        return jnp.where(squared_distance < 1, jnp.log(jnp.sin(jnp.pi / 2 * gap)), -jnp.inf)

    def log_normalizer(self, n_features: int) -> float:
        """Log of the integral over R^d, in nats."""
        d = n_features
        term, total = math.pi / 2 / (d * (d + 1)), 0.0
        for k in range(12):
            total += term
            term *= -((math.pi / 2) ** 2) / ((d + 2 * k + 2) * (d + 2 * k + 3))
        return log_ball_volume(d) + math.log(d) + math.log(total)

    def radii(self, generator: np.random.Generator, n_samples: int, n_features: int) -> np.ndarray:
        """Rejection from the linear kernel: cos(πu/2) <= π/2 (1 - u), accepted at least 2/π of the time."""
        kept: list[np.ndarray] = []
        missing = n_samples
        while missing > 0:
            u = Linear().radii(generator, 2 * missing + 8, n_features)
            accepted = generator.random(len(u)) * (math.pi / 2) * (1 - u) < np.cos(math.pi / 2 * u)
            kept.append(u[accepted][:missing])
            missing -= len(kept[-1])
        return np.concatenate(kept) if kept else np.empty(0)


KERNELS: dict[str, Kernel] = {
    "gaussian": Gaussian(),
    "tophat": Tophat(),
    "epanechnikov": Epanechnikov(),
    "exponential": Exponential(),
    "linear": Linear(),
    "cosine": Cosine(),
}
"""The kernels by the names scikit-learn gives them."""
