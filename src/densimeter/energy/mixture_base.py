"""A Gaussian mixture as base: its number of components and its covariance family chosen by BIC."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from densimeter.energy.base import FitBase, MixtureBase
from densimeter.foundations.scaling import ColumnScaling
from densimeter.mixture import GaussianMixture, select_components

LADDER = (tuple(range(1, 9)), tuple(range(9, 17)), (20, 24, 28, 32))
"""Numbers of components tried, rung by rung, for as long as a rung betters the one below."""

SIMPLER_FAMILIES = ("tied", "diag", "spherical")
"""Families tried in place of full covariances at the number of components that suits these best."""

ROWS_PER_COMPONENT = 10
"""No candidate has fewer rows per component than this."""


@dataclass(frozen=True)
class MixtureFit:
    """Fits a mixture to rows, EM beginning where the mixture that was chosen ended."""

    chosen: GaussianMixture

    def __call__(self, Z: np.ndarray) -> MixtureBase:
        """The base of the scaled rows ``(n, d)``."""
        model = GaussianMixture(
            self.chosen.n_components,
            covariance_type=self.chosen.covariance_type,
            weights_init=self.chosen.weights_,
            means_init=self.chosen.means_,
            precisions_init=self.chosen.precisions_,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a base need not be at the very optimum
            return base_of(model.fit(Z))


def choose_mixture(Z: np.ndarray, scaling: ColumnScaling, rng: np.random.Generator) -> MixtureFit:
    """Choose the number of components and the family by BIC on the scaled rows ``(n, d)``.

    Full covariances first, up the ladder; then simpler families with the same number of components.
    """
    largest = max(1, len(Z) // ROWS_PER_COMPONENT)
    best: Any = None
    for rung in LADDER:
        candidates = [k for k in rung if k <= largest]
        if not candidates:
            break
        found = select_components(Z, candidates, n_init=_n_init(Z), random_state=rng).best
        if best is not None and found.criterion >= best.criterion:
            break
        best = found
    simpler = select_components(
        Z, [best.n_components], covariance_type=SIMPLER_FAMILIES, n_init=_n_init(Z), random_state=rng
    ).best
    return MixtureFit(min(best, simpler, key=lambda candidate: candidate.criterion).model)


@dataclass(frozen=True)
class GivenMixture:
    """A mixture that was fitted before, on rows of its own: nothing is left to choose or to fit."""

    model: GaussianMixture

    def __call__(self, Z: np.ndarray, scaling: ColumnScaling, rng: np.random.Generator) -> FitBase:
        """The mixture in the coordinates of the scaled rows."""
        base = base_of(self.model).scaled(scaling)
        return lambda rows: base


def _n_init(Z: np.ndarray) -> int:
    return 5 if len(Z) <= 5000 else 1


def base_of(model: Any) -> MixtureBase:
    """The base with the density of a fitted Gaussian mixture of any covariance family."""
    n_components, n_features = model.means_.shape
    expand = _FULL_COVARIANCES[model.covariance_type]
    covariances = expand(np.asarray(model.covariances_, np.float64), n_components, n_features)
    return MixtureBase.of(model.weights_, model.means_, covariances)


_FULL_COVARIANCES = {
    "full": lambda c, k, d: c,
    "tied": lambda c, k, d: np.broadcast_to(c, (k, d, d)),
    "diag": lambda c, k, d: c[:, :, None] * np.eye(d),
    "spherical": lambda c, k, d: c[:, None, None] * np.eye(d),
}
"""Covariances in each family's shape to matrices ``(K, d, d)``."""
