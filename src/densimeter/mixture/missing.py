"""Missing cells: conditional expectations under a mixture, and a first filling for the starts.

Cells are taken to be missing at random (Rubin, 1976): then the likelihood of a row is that of its observed
cells, and the E-step needs the expectations of the missing ones given those (Ghahramani and Jordan, 1994).
The E-step itself lives in `estep`: the complete-data one on the observed columns, completed by the family.
"""

from __future__ import annotations

import numpy as np

from densimeter.mixture.density import log_joint, normalise
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.matrix_families import regression
from densimeter.mixture.sources import patterns

FILLING_STEPS = 10


def expected_cells(family: Family, parameters: Parameters, X: np.ndarray) -> np.ndarray:
    """`X` with each missing cell replaced by its expectation given the row's observed cells.

    ``E[x_m | x_o] = sum_k r_k(x_o) E[x_m | x_o, k]``; a row without a single cell gets the mixture's mean.
    """
    filled = np.array(X)
    k, d = parameters.means.shape
    full = family.as_full(parameters.covariances, d, k)
    for observed, members in patterns(X):
        if members is None or len(observed) == d:
            continue
        missing = np.setdiff1d(np.arange(d), observed)
        if not len(observed):
            filled[members] = parameters.weights @ parameters.means
            continue
        seen = X[np.ix_(members, observed)]
        part = family.marginal(parameters, observed)
        factors = family.precision_cholesky(part.covariances)
        posterior = np.exp(normalise(log_joint(family, seen, part.weights, part.means, factors))[1])
        slope, _, _ = regression(parameters.means, full, observed, missing)
        deviations = seen[:, None, :] - part.means
        conditional = parameters.means[:, missing] + np.einsum("kmo,nko->nkm", slope, deviations)
        filled[np.ix_(members, missing)] = np.einsum("nk,nkm->nm", posterior, conditional)
    return filled


def fill_by_one_gaussian(rows: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows, shape ``(n, d)`` in the frame, with gaps drawn from one Gaussian fitted to all of them.

    Good enough for a start, and unlike filling by means it invents no dense spots.
    """
    gaps = np.isnan(rows)
    groups = [(observed, members) for observed, members in patterns(rows) if members is not None]
    filled = np.where(gaps, 0.0, rows)
    mean, covariance = np.zeros(rows.shape[1]), np.eye(rows.shape[1])
    for step in range(FILLING_STEPS):
        residuals = np.zeros_like(covariance)
        for observed, members in groups:
            missing = np.setdiff1d(np.arange(len(mean)), observed)
            slope, offset, residual = regression(mean, covariance, observed, missing)
            cells = np.ix_(members, missing)
            filled[cells] = rows[np.ix_(members, observed)] @ slope.T + offset
            residuals[np.ix_(missing, missing)] += weights[members].sum() * residual
            if step == FILLING_STEPS - 1:
                values, vectors = np.linalg.eigh(residual)
                noise = rng.standard_normal((len(members), len(missing)))
                filled[cells] += noise * np.sqrt(np.maximum(values, 0)) @ vectors.T
        mean = weights @ filled / weights.sum()
        centred = filled - mean
        covariance = ((centred.T * weights) @ centred + residuals) / weights.sum() + 1e-6 * np.eye(len(mean))
    return filled
