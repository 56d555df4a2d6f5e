"""A Gaussian mixture as base: its number of components and its covariance family chosen by corrected AIC."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from densimeter.energy.base import FitBase, MixtureBase
from densimeter.foundations.densities import FULL_COVARIANCES
from densimeter.foundations.errors import SettingError
from densimeter.foundations.scaling import ColumnScaling
from densimeter.mixture import GaussianMixture, select_components
from densimeter.mixture.selection import Candidate

CRITERION = "aic"
"""Akaike's criterion is after the likelihood of unseen rows; BIC chooses too few components for a base.

Where parameters are many for the rows it flatters, and is corrected (`_corrected`)."""

LADDER = (tuple(range(1, 9)), tuple(range(9, 17)), (18, 20, 22, 24, 28, 32))
"""Numbers of components tried, rung by rung, for as long as a rung betters the one below."""

SIMPLER_FAMILIES = ("tied", "diag", "spherical")
"""Families tried in place of full covariances at the number of components that suits these best."""

FEWEST_ROWS_PER_COORDINATE = 3
"""A component of fewer rows, times one more than the columns, is no evidence for a component."""

ROWS_PER_FEATURE = 1000
"""The choice is made on no more rows than this times one more than the number of columns."""

FEW_ROWS = 3000
"""Up to so many rows each candidate gets four restarts, beyond them two."""

ROWS_PER_COMPONENT = 10
"""No candidate has fewer rows per component than this."""


@dataclass(frozen=True)
class MixtureFit:
    """Fits mixtures by EM from the one that was chosen, so that the bases of all folds are alike."""

    chosen: GaussianMixture

    def __call__(self, Z: np.ndarray) -> MixtureBase:
        """The mixture of the scaled rows ``(n, d)``."""
        model = GaussianMixture(
            self.chosen.n_components,
            covariance_type=self.chosen.covariance_type,
            weights_init=self.chosen.weights_,
            means_init=self.chosen.means_,
            precisions_init=self.chosen.precisions_,
            tol=1e-5,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a base need not be at the very optimum
            return base_of(model.fit(Z))


class ChooseMixture:
    """Chooses the number of components and the family by corrected AIC, on at most half of the rows.

    Full covariances first, up the ladder; then simpler families with the same number of components.
    """

    def n_rows(self, n_available: int, n_features: int) -> int:
        """Half of the rows, or `ROWS_PER_FEATURE` for every column and one more if that is less."""
        return min((n_available + 1) // 2, ROWS_PER_FEATURE * (n_features + 1))

    def __call__(self, Z: np.ndarray, scaling: ColumnScaling, rng: np.random.Generator) -> FitBase:
        """Mixtures like the one with the lowest corrected AIC on the scaled rows `Z`."""
        full = _climb(Z, rng)
        simpler = _best_of(Z, [full.n_components], rng, covariance_type=SIMPLER_FAMILIES)
        return MixtureFit(min(full, simpler, key=lambda candidate: _corrected(candidate, len(Z))).model)


def _climb(Z: np.ndarray, rng: np.random.Generator) -> Candidate:
    largest = max(1, len(Z) // ROWS_PER_COMPONENT)
    best = _best_of(Z, [k for k in LADDER[0] if k <= largest], rng)
    for rung in LADDER[1:]:
        candidates = [k for k in rung if k <= largest]
        if not candidates:
            break
        found = _best_of(Z, candidates, rng)
        if _corrected(found, len(Z)) >= _corrected(best, len(Z)):
            break
        best = found
    return best


def _best_of(Z: np.ndarray, components: list[int], rng: np.random.Generator, **settings: Any) -> Candidate:
    n_init = 4 if len(Z) <= FEW_ROWS else 2
    found = select_components(Z, components, CRITERION, n_init=n_init, random_state=rng, **settings)
    return min(found.candidates, key=lambda candidate: _corrected(candidate, len(Z)))


def _corrected(candidate: Candidate, n_rows: int) -> float:
    """AIC with the second-order term of Hurvich and Tsai (1989, eq. 6): ``+ 2 p (p + 1) / (n - p - 1)``.

    Infinite where a component stands on so few rows that its likelihood is that of a spike.
    """
    p, model = candidate.n_parameters, candidate.model
    fewest = FEWEST_ROWS_PER_COORDINATE * (model.means_.shape[1] + 1)
    if n_rows <= p + 1 or (len(model.weights_) > 1 and model.weights_.min() * n_rows < fewest):
        return np.inf
    return candidate.criterion + 2 * p * (p + 1) / (n_rows - p - 1)


@dataclass(frozen=True)
class GivenMixture:
    """A mixture that was fitted before, on rows of its own: nothing is left to choose or to fit."""

    model: GaussianMixture

    def n_rows(self, n_available: int, n_features: int) -> int:
        """None."""
        return 0

    def __call__(self, Z: np.ndarray, scaling: ColumnScaling, rng: np.random.Generator) -> FitBase:
        """The mixture in the coordinates of the scaled rows.

        Raises
        ------
        SettingError
            If it has another number of columns than the rows.
        """
        if self.model.n_features_in_ != Z.shape[1]:
            raise SettingError(
                f"base has {self.model.n_features_in_} columns and X has {Z.shape[1]}",
                "give a mixture fitted on the same columns",
            )
        base = base_of(self.model).scaled(scaling)
        return lambda rows: base


def base_of(model: Any) -> MixtureBase:
    """The base with the density of a fitted Gaussian mixture of any covariance family."""
    n_components, n_features = model.means_.shape
    expand = FULL_COVARIANCES[model.covariance_type]
    covariances = expand(np.asarray(model.covariances_, np.float64), n_components, n_features)
    return MixtureBase.of(model.weights_, model.means_, covariances)
