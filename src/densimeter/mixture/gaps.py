"""The E-step over rows with missing cells, of whose patterns there are many: all rows at once.

Under a normal with covariance Sigma and precision Omega, in deviations y from the mean,

    E[y_m | y_o] = -Omega_mm^-1 Omega_mo y_o = Sigma_mo Sigma_oo^-1 y_o,
    y_o' Sigma_oo^-1 y_o = y' Omega y - (Omega y)_m' Omega_mm^-1 (Omega y)_m  with zeros for y_m,

and ``det Sigma_oo = det Sigma det Omega_mm``. So a row with m cells missing of d needs a factor of an m x m
or of a (d - m) x (d - m) matrix, whichever is smaller. Rows with equally many cells have matrices of one
size, and these are factored together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from densimeter.mixture.families import LOG_TWO_PI, Family, Parameters
from densimeter.mixture.linalg import gram, inverse_cholesky

NUMBERS_AT_ONCE = 1 << 18
"""Rows times columns squared of a block, so that its matrices take a few megabytes a component."""


@dataclass(frozen=True, slots=True)
class GapBlock:
    """Rows with equally many missing cells, in the user's units, with zeros there.

    `seen` ``(n, d)`` says which cells are there. Row i has the `pattern[i]`-th of `known` ``(p, o)``, the
    columns that are there, and of `missing` ``(p, d - o)``.
    """

    rows: np.ndarray
    weights: np.ndarray
    seen: np.ndarray
    pattern: np.ndarray
    known: np.ndarray
    missing: np.ndarray

    @property
    def weight(self) -> float:
        """The total weight of the rows."""
        return float(self.weights.sum(dtype=np.float64))


def gap_blocks(rows: np.ndarray, weights: np.ndarray) -> Iterator[GapBlock]:
    """The rows in blocks; rows without a single cell are left out."""
    seen = ~np.isnan(rows)
    counts = seen.sum(1)
    step = max(16, NUMBERS_AT_ONCE // rows.shape[1] ** 2)
    for count in np.unique(counts[counts > 0]):
        members = np.flatnonzero(counts == count)
        members = members[np.lexsort(seen[members].T)]
        for first in range(0, len(members), step):
            chosen = members[first : first + step]
            yield _block(rows[chosen], weights[chosen], seen[chosen], count)


def _block(rows: np.ndarray, weights: np.ndarray, seen: np.ndarray, count: int) -> GapBlock:
    """Rows with `count` cells each, sorted by what they have."""
    new = np.ones(len(rows), bool)
    new[1:] = (seen[1:] != seen[:-1]).any(1)
    order = np.argsort(~seen[new], axis=1, kind="stable")
    filled = np.where(seen, rows, 0.0)
    return GapBlock(filled, weights, seen, np.cumsum(new) - 1, order[:, :count], order[:, count:])


class Normals(NamedTuple):
    """Means ``(K, d)``, covariances and precisions ``(K, d, d)``, and ``log det`` of the latter."""

    means: np.ndarray
    covariances: np.ndarray
    precisions: np.ndarray
    log_det: np.ndarray

    @classmethod
    def of(cls, means: np.ndarray, covariances: np.ndarray) -> Normals:
        """The normals, NaN where a covariance is not positive definite."""
        inverse = inverse_cholesky(covariances)
        log_det = 2 * np.log(np.diagonal(inverse, axis1=-2, axis2=-1)).sum(-1)
        return cls(means, covariances, gram(inverse), log_det)


class Conditional(NamedTuple):
    """What K normals know of the rows of a block.

    `squares` ``(K, n)`` are ``y_o' Sigma_oo^-1 y_o``, `log_det` ``(K, p)`` is that of ``Sigma_oo^-1``,
    `filled` ``(K, n, d)`` are the expected deviations. `factors` F of each pattern, ``(K, p, a, b)``, are
    such that ``F' F`` is the covariance of the missing cells given the known if `residual`, and otherwise the
    part of the covariance of all cells that the known ones explain.
    """

    squares: np.ndarray
    log_det: np.ndarray
    filled: np.ndarray
    factors: np.ndarray
    residual: bool


def conditional(block: GapBlock, normals: Normals, deviations: np.ndarray) -> Conditional:
    """Expectations of all cells given the known ones, from deviations ``(K, n, d)``, zero in gaps."""
    few_missing = block.missing.shape[1] <= block.known.shape[1]
    return (_by_missing if few_missing else _by_known)(block, normals, deviations)


def _by_missing(block: GapBlock, normals: Normals, deviations: np.ndarray) -> Conditional:
    where = np.broadcast_to(
        block.missing[block.pattern], (len(deviations), *block.missing[block.pattern].shape)
    )
    pulled = deviations @ normals.precisions
    squares = np.einsum("knd,knd->kn", pulled, deviations)
    half = inverse_cholesky(normals.precisions[:, block.missing[:, :, None], block.missing[:, None, :]])
    whitened = _each(half, np.take_along_axis(pulled, where, 2), block.pattern)
    filled = deviations.copy()
    np.put_along_axis(filled, where, -_each(np.swapaxes(half, -1, -2), whitened, block.pattern), 2)
    # the determinant of what is left is that of all times that of the block of the precision, inverted
    log_det = normals.log_det[:, None] + 2 * np.log(np.diagonal(half, axis1=-2, axis2=-1)).sum(-1)
    return Conditional(squares - (whitened**2).sum(-1), log_det, filled, half, residual=True)


def _by_known(block: GapBlock, normals: Normals, deviations: np.ndarray) -> Conditional:
    where = np.broadcast_to(block.known[block.pattern], (len(deviations), *block.known[block.pattern].shape))
    half = inverse_cholesky(normals.covariances[:, block.known[:, :, None], block.known[:, None, :]])
    whitened = _each(half, np.take_along_axis(deviations, where, 2), block.pattern)
    factors = half @ normals.covariances[:, block.known]
    filled = _each(np.swapaxes(factors, -1, -2), whitened, block.pattern)
    log_det = 2 * np.log(np.diagonal(half, axis1=-2, axis2=-1)).sum(-1)
    return Conditional((whitened**2).sum(-1), log_det, filled, factors, residual=False)


def _each(matrices: np.ndarray, vectors: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """The matrix ``(K, p, a, b)`` of each row's pattern times its vector ``(K, n, b)``."""
    chosen = matrices if matrices.shape[1] == len(pattern) else matrices[:, pattern]
    return (chosen @ vectors[..., None])[..., 0]


def expected_sums(
    family: Family, block: GapBlock, parameters: Parameters, location: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """``sum_i w_i r_ik E[phi(z_i)]`` and ``sum_i w_i log p(x_i)``, for parameters stacked by restart."""
    z = np.where(block.seen, (block.rows - location) / scale, 0.0)
    # nats in the user's units
    jacobian = float(block.weights @ (block.seen @ -np.log(scale)))
    parts = [_sums_of_one(family, block, Parameters(*one), z) for one in zip(*parameters, strict=True)]
    sums, log_likelihoods = zip(*parts, strict=True)
    return np.stack(sums), np.array(log_likelihoods) + jacobian


def _sums_of_one(
    family: Family, block: GapBlock, parameters: Parameters, z: np.ndarray
) -> tuple[np.ndarray, float]:
    weights, means, covariances = parameters
    k, d = means.shape
    normals = Normals.of(means, np.asarray(family.as_full(covariances, d, k)))
    found = conditional(block, normals, np.where(block.seen, z - means[:, None], 0.0))
    with np.errstate(divide="ignore"):
        constant = np.log(weights) - block.known.shape[1] * LOG_TWO_PI / 2
    log_joint = constant[:, None] + 0.5 * (found.log_det[:, block.pattern] - found.squares)
    peak = log_joint.max(0)
    joint = np.exp(log_joint - peak)
    total = joint.sum(0)
    responsibilities = joint * (block.weights / total)
    counts = responsibilities.sum(-1)
    first, second = _moments(found, responsibilities)
    second += _residuals(block, normals, found, responsibilities)
    cross = first[:, :, None] * means[:, None, :]
    centred = means[:, :, None] * means[:, None, :] * counts[:, None, None]
    second += cross + np.swapaxes(cross, -1, -2) + centred
    sums = family.from_moments(counts, first + counts[:, None] * means, second)
    return sums, float(block.weights @ (peak + np.log(total)))


def _moments(found: Conditional, responsibilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of the filled deviations, and of their products."""
    weighted = found.filled * responsibilities[..., None]
    return weighted.sum(1), np.swapaxes(weighted, -1, -2) @ found.filled


def _residuals(
    block: GapBlock, normals: Normals, found: Conditional, responsibilities: np.ndarray
) -> np.ndarray:
    """The weighted sums of the covariances of what is missing, ``(K, d, d)``."""
    (k, p), d = found.factors.shape[:2], block.rows.shape[1]
    mass = np.stack([np.bincount(block.pattern, one, p) for one in responsibilities])
    if not found.residual:
        scaled = (found.factors * np.sqrt(mass)[..., None, None]).reshape(k, -1, d)
        return mass.sum(1)[:, None, None] * normals.covariances - np.swapaxes(scaled, -1, -2) @ scaled
    covariances = gram(found.factors) * mass[..., None, None]
    cells = (block.missing[:, :, None] * d + block.missing[:, None, :]).ravel()
    sums = [np.bincount(cells, one.ravel(), d * d) for one in covariances.reshape(k, -1)]
    return np.stack(sums).reshape(k, d, d)
