"""The small world of the tour: a ring of ten unit Gaussians, rows from it, and the models fitted to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from densimeter.datasets.ring import RingOfGaussians
from densimeter.energy.estimator import EnergyModel
from densimeter.foundations.progress import Progress, silent
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.mixture.estimator import GaussianMixture

N_COMPONENTS = 10
TIGHT_RADIUS = 1.0
N_TRAIN, N_VALIDATION, N_TEST = 1000, 1000, 20_000
BANDWIDTHS = np.linspace(0.1, 5, 20)


@dataclass
class World:
    """The ring at the tour's radius and at radius 1, with rows of each, and models fitted when asked for.

    Parameters
    ----------
    radius : float
        Of the wide ring.
    seed : int
        Of every draw and every fit.
    progress : Progress
        Told how far the training of the energy model is.
    """

    radius: float = 10.0
    seed: int = 0
    progress: Progress = silent

    @cached_property
    def ring(self) -> RingOfGaussians:
        """The wide ring."""
        return RingOfGaussians(N_COMPONENTS, self.radius)

    @cached_property
    def tight_ring(self) -> RingOfGaussians:
        """The ring whose components cannot be told apart."""
        return RingOfGaussians(N_COMPONENTS, TIGHT_RADIUS)

    def generator(self, purpose: int) -> np.random.Generator:
        """A stream of random numbers for one purpose: no part of the tour changes another."""
        return np.random.default_rng([self.seed, purpose])

    @cached_property
    def train(self) -> np.ndarray:
        """Rows to fit on."""
        return self.ring.sample(N_TRAIN, self.generator(1))

    @cached_property
    def validation(self) -> np.ndarray:
        """Rows to choose settings by."""
        return self.ring.sample(N_VALIDATION, self.generator(2))

    @cached_property
    def test(self) -> np.ndarray:
        """Rows that are scored once."""
        return self.ring.sample(N_TEST, self.generator(3))

    @cached_property
    def tight_train(self) -> np.ndarray:
        """Rows of the tight ring to fit on."""
        return self.tight_ring.sample(N_TRAIN, self.generator(4))

    @cached_property
    def tight_test(self) -> np.ndarray:
        """Fresh rows of the tight ring."""
        return self.tight_ring.sample(N_TEST, self.generator(5))

    @cached_property
    def mixture(self) -> GaussianMixture:
        """Ten components, fitted to the wide ring."""
        return self._mixture(self.train)

    @cached_property
    def tight_mixture(self) -> GaussianMixture:
        """Ten components, fitted to the tight ring."""
        return self._mixture(self.tight_train)

    @cached_property
    def kernel(self) -> KernelDensity:
        """The kernel estimate, its bandwidth chosen from the grid by the validation rows."""
        return KernelDensity(candidates=BANDWIDTHS).fit(self.train, X_val=self.validation)

    @cached_property
    def energy(self) -> EnergyModel:
        """The textbook energy model: Gaussian base, two hidden layers of ReLU, importance-sampled log Z."""
        model = EnergyModel(
            base="gaussian",
            hidden=(128, 128),
            activation="relu",
            n_frequencies=0,
            tilt_bound=None,
            objective="importance",
            random_state=self.seed,
        )
        return model.fit(self.train, X_val=self.validation, progress=self.progress)

    @property
    def reach(self) -> float:
        """Half the side of the square that holds all but a negligible part of the wide ring."""
        return self.radius + 5.0

    def _mixture(self, rows: np.ndarray) -> GaussianMixture:
        return GaussianMixture(N_COMPONENTS, n_init=10, random_state=self.seed).fit(rows)


def square_grid(reach: float, n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Midpoints along a side ``(n,)``, all points of the square ``(n * n, 2)``, and the area of a cell."""
    edges = np.linspace(-reach, reach, n + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    points = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    return middles, points, float((edges[1] - edges[0]) ** 2)
