"""Each package behind one function: run so many EM iterations from a given start, return the likelihood.

Imported by the other mixture benchmarks. A peer's packages are imported inside its function, so that those
that are not installed are simply left out.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

FLOAT32 = ("gmmx",)
"""Peers that compute in float32 only."""


@dataclass(frozen=True)
class Start:
    """Weights, means and covariances, for every package alike."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, k: int, family: str) -> Start:
        """K rows as means, the columns' variances for each component."""
        means = X[np.random.default_rng(1).choice(len(X), k, replace=False)]
        variances = np.broadcast_to(X.var(axis=0), means.shape)
        full = variances[:, :, None] * np.eye(X.shape[1])
        return cls(np.full(k, 1 / k), means, full if family == "full" else variances.copy())

    @property
    def precisions(self) -> np.ndarray:
        """Inverses of the covariances."""
        return np.linalg.inv(self.covariances) if self.covariances.ndim == 3 else 1 / self.covariances


Run = Callable[[np.ndarray, str, Start, int], float]
"""From rows, family, start and number of iterations to the mean log-likelihood; NaN if it is not told."""


def _like_scikit_learn(cls: Any, X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    model = cls(
        len(start.weights),
        covariance_type=family,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=start.precisions,
        max_iter=iterations,
        tol=0,
        reg_covar=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return float(model.fit(X).lower_bound_)


def densimeter(X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    """Ours."""
    from densimeter.mixture import GaussianMixture

    return _like_scikit_learn(GaussianMixture, X, family, start, iterations)


def densimeter32(X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    """Ours, in float32."""
    return densimeter(X.astype(np.float32), family, start, iterations)


def scikit_learn(X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    """The reference."""
    from sklearn.mixture import GaussianMixture

    return _like_scikit_learn(GaussianMixture, X, family, start, iterations)


def pomegranate(X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    """Its `fit`, whose log tells the log-likelihood only on the screen."""
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    torch.set_num_threads(os.cpu_count() or 1)
    parts = zip(start.means, start.covariances, strict=True)
    components = [Normal(torch.tensor(m), torch.tensor(c), covariance_type=family) for m, c in parts]
    model = GeneralMixtureModel(
        components, priors=torch.tensor(start.weights), max_iter=iterations, tol=-1e30
    )
    model.fit(torch.tensor(X))
    return float("nan")


def torchgmm(X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    """It takes means only, and makes the covariances itself."""
    import torch
    from torchgmm.bayes import GaussianMixture

    torch.set_num_threads(os.cpu_count() or 1)
    for name in ("lightning", "pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GaussianMixture(
            len(start.weights),
            covariance_type=family,
            init_means=torch.tensor(start.means),
            convergence_tolerance=-1e30,
            trainer_params={"max_epochs": iterations, "precision": 64, "enable_progress_bar": False},
        )
        model.fit(torch.tensor(X))
    return -float(model.nll_)


def gmmx(X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    """In float32, as it is meant to run."""
    import jax.numpy as jnp
    from gmmx import EMFitter, GaussianMixtureModelJax

    model = GaussianMixtureModelJax.from_squeezed(
        means=jnp.asarray(start.means, jnp.float32),
        covariances=jnp.asarray(start.covariances, jnp.float32),
        weights=jnp.asarray(start.weights, jnp.float32),
        covariance_type=family,
    )
    fitter = EMFitter(tol=0.0, max_iter=iterations, reg_covar=0.0)
    return float(fitter.fit(jnp.asarray(X, jnp.float32), model).log_likelihood)


def mlpack(X: np.ndarray, family: str, start: Start, iterations: int) -> float:
    """It makes its own start by k-means, which takes the same time whatever the iterations."""
    from mlpack import gmm_train  # its argument names are those of its command line

    gmm_train(
        len(start.weights),
        X,
        diagonal_covariance=family == "diag",
        max_iterations=iterations,
        kmeans_max_iterations=1,
        tolerance=1e-300,
        trials=1,
        seed=1,
    )
    return float("nan")


PEERS: dict[str, Run] = {
    "densimeter": densimeter,
    "densimeter float32": densimeter32,
    "scikit-learn": scikit_learn,
    "pomegranate": pomegranate,
    "torchgmm": torchgmm,
    "gmmx": gmmx,
    "mlpack": mlpack,
}


def made_rows(n: int, d: int, k: int, seed: int = 0) -> np.ndarray:
    """Rows of a mixture of overlapping, correlated components: centres 3 apart, random shapes."""
    truth = np.random.default_rng(0)
    centres = 3 * truth.standard_normal((k, d))
    roots = 0.5 * truth.standard_normal((k, d, d)) / np.sqrt(d) + np.eye(d)
    rng = np.random.default_rng(seed + 1)
    labels = rng.integers(k, size=n)
    X = np.empty((n, d))
    for j in range(k):
        members = labels == j
        X[members] = centres[j] + rng.standard_normal((members.sum(), d)) @ roots[j].T
    return X
