"""Missing cells: conditional expectations under a mixture, and a first filling for the starts.

Cells are taken to be missing at random (Rubin, 1976): then the likelihood of a row is that of its observed
cells, and the E-step needs the expectations of the missing ones given those (Ghahramani and Jordan, 1994).
The E-step itself lives in `gaps`, and in `estep` for patterns that many rows share.
"""

from __future__ import annotations

import numpy as np

from densimeter.mixture.density import log_joint, normalise
from densimeter.mixture.families import Family, Floor, Parameters
from densimeter.mixture.gaps import Normals, conditional, expected_sums, gap_blocks
from densimeter.mixture.matrix_families import Full, regression
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
    d = rows.shape[1]
    family, unit, floor = Full(), np.ones(d), Floor(1e-6 * np.ones(d))
    blocks = list(gap_blocks(rows, np.asarray(weights, np.float64)))
    gaussian = Parameters(np.ones((1, 1)), np.zeros((1, 1, d)), np.eye(d)[None, None])
    for _ in range(FILLING_STEPS):
        sums = sum(expected_sums(family, block, gaussian, 0 * unit, unit)[0] for block in blocks)
        gaussian = family.maximise(sums, d, floor)
    return _drawn(rows, Normals.of(gaussian.means[0], gaussian.covariances[0]), rng)


def _drawn(rows: np.ndarray, normal: Normals, rng: np.random.Generator) -> np.ndarray:
    """Gaps drawn from a normal given the rest of the row.

    A draw of a whole row differs from what its cells known here say of the others by a draw of what they do
    not say; that difference is added to what the row's own say.
    """
    filled = np.where(np.isnan(rows), normal.means[0], rows)
    noise = rng.standard_normal(rows.shape) @ np.linalg.cholesky(normal.covariances[0]).T
    gaps = np.isnan(rows)
    filled[gaps] += noise[gaps]
    for block in gap_blocks(np.where(gaps, np.nan, rows - normal.means[0] - noise), np.arange(len(rows))):
        members = block.weights.astype(int)
        explained = conditional(block, normal, block.rows[None]).filled[0]
        filled[members] += np.where(block.seen, 0.0, explained)
    return filled
