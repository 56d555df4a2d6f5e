"""The blocked exact sum that every other engine is measured against.

Two ways to the exponent of a pair:

- *differences*: ``q - x`` is formed first, then divided by the bandwidth and squared. Every digit is kept
  wherever the rows lie, and the sum runs relative to its largest term, so nothing under- or overflows.
- *products* (Gaussian only): ``q·x - ‖q‖²/2 - ‖x‖²/2 + log w`` is one matrix product, several times faster.
  With all norms below R it is wrong by at most ``2 (d + 4) ε R²``, so it is used where that fits the
  tolerance; a query whose plain sum comes near underflow is answered again by differences.

Memory is ``16 n d + 8 (n_factors + 2) 512 DATA_BLOCK`` bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from densimeter.foundations.precision import computing_in, double_precision
from densimeter.kernel_density.columns import within
from densimeter.kernel_density.exponentials import RELATIVE_ERROR
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums
from densimeter.kernel_density.pairs import (
    DATA_BLOCK,
    augmented_rows,
    data_blocks,
    difference_block,
    padded,
    product_block,
    product_scan_block,
    query_block,
)
from densimeter.kernel_density.profiles import Gaussian


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A floating-point format for the sums by products, and what is known of its errors.

    Parameters
    ----------
    dtype : dtype
    power_error : float
        Relative error of its power of two.
    near_underflow : float
        A plain sum below may have lost terms that matter.
    """

    dtype: type[np.floating]
    power_error: float
    near_underflow: float

    @property
    def epsilon(self) -> float:
        """Distance of one to the next number."""
        return float(np.finfo(self.dtype).eps)

    def sum_error(self, n_rows: int) -> float:
        """Bound on the relative error of a blocked sum of positive terms with all their powers of two."""
        return self.power_error + (DATA_BLOCK + n_rows / DATA_BLOCK) * self.epsilon


SINGLE = Arithmetic(np.float32, power_error=1e-6, near_underflow=1e-25)
DOUBLE = Arithmetic(np.float64, power_error=RELATIVE_ERROR, near_underflow=1e-270)
ARITHMETICS = (SINGLE, DOUBLE)
"""The cheaper first: single precision is used where its bound fits, from a `log_tol` of about 1e-3."""

DIFFERENCES_ERROR = 1e-12
"""Rounding of the sum by differences, for any number of rows that fits in memory."""


class DirectEngine:
    """Every pair of query and row; time is n_queries × n_rows × n_features."""

    def __init__(self, kernel_sum: KernelSum):
        self.kernel_sum = kernel_sum

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums by products where they are safe, the cheaper the better, and by differences elsewhere."""
        values = np.full(len(queries), -np.inf)
        error = np.full(len(queries), DIFFERENCES_ERROR)
        left = np.arange(len(queries))
        for arithmetic in ARITHMETICS:
            near = left[self.products_are_safe(queries[left], log_tol, arithmetic)]
            if len(near):
                values[near] = self._by_products(queries[near], arithmetic)
                error[near] = log_tol / 2
            left = np.flatnonzero(values < math.log(arithmetic.near_underflow))
        values[left] = by_differences(self.kernel_sum, queries[left])[0]
        error[left] = DIFFERENCES_ERROR
        return LogSums(values, error)

    def products_are_safe(self, queries: np.ndarray, log_tol: float, arithmetic: Arithmetic) -> np.ndarray:
        """For which queries the sums by products are right to half of `log_tol`."""
        nowhere = np.zeros(len(queries), bool)
        if not isinstance(self.kernel_sum.kernel, Gaussian):
            return nowhere
        if arithmetic.sum_error(len(self.kernel_sum.rows)) > log_tol / 4:
            return nowhere
        norm = safe_reach(self.kernel_sum.n_features, log_tol, arithmetic)
        reach = norm / math.sqrt(self.kernel_sum.n_features)  # in each column, which cannot overflow
        if not self.kernel_sum.half_extent.max() < reach:
            return nowhere
        return within(self.kernel_sum.in_units(queries), reach)

    def _by_products(self, queries: np.ndarray, arithmetic: Arithmetic) -> np.ndarray:
        unit_queries = self.kernel_sum.in_units(queries).astype(arithmetic.dtype)
        with computing_in(arithmetic.dtype):
            n_blocks, blocks, weights = data_blocks(
                self.kernel_sum.unit_points, self.kernel_sum.rows.log_weights
            )
            augmented = augmented_rows(blocks, weights)
            size = query_block(len(queries))
            parts = [
                product_block(padded(unit_queries[start : start + size], size), augmented, n_blocks)
                for start in range(0, len(queries), size)
            ]
            sums = np.concatenate([np.asarray(part) for part in parts])[: len(queries)]
        with np.errstate(divide="ignore"):
            return np.log(sums.astype(np.float64))


def scan_directly(
    kernel_sum: KernelSum,
    queries: np.ndarray,
    factors: np.ndarray,
    log_tol: float,
    leave_out: np.ndarray | None = None,
) -> np.ndarray:
    """Log-sums at each query for each bandwidth ``factor * scales``, shape ``(n_factors, n_queries)``.

    The distances of a pair are computed once for all factors. `leave_out` names for each query the one row
    that is left out of its sum (its own, in a leave-one-out likelihood).
    """
    narrowest = replace(kernel_sum, scales=kernel_sum.scales * float(np.min(factors)))
    near = DirectEngine(narrowest).products_are_safe(queries, log_tol, DOUBLE)
    values = np.full((len(factors), len(queries)), -np.inf)
    if near.any():
        own = None if leave_out is None else leave_out[near]
        values[:, near] = _scan_by_products(narrowest, queries[near], factors / np.min(factors), own)
    again = np.flatnonzero(np.any(values < math.log(DOUBLE.near_underflow), axis=0))
    own = None if leave_out is None else leave_out[again]
    values[:, again] = by_differences(kernel_sum, queries[again], factors, own)
    return values


def _scan_by_products(
    kernel_sum: KernelSum, queries: np.ndarray, factors: np.ndarray, leave_out: np.ndarray | None
) -> np.ndarray:
    """Log of the plain Gaussian sums of all factors; where they come near underflow they are not right."""
    leave_out = np.full(len(queries), -1) if leave_out is None else leave_out
    unit_queries = kernel_sum.in_units(queries)
    with double_precision():
        n_blocks, blocks, log_weights = data_blocks(kernel_sum.unit_points, kernel_sum.rows.log_weights)
        augmented = augmented_rows(blocks, jnp.zeros(log_weights.shape))
        size = query_block(len(queries))
        parts = [
            product_scan_block(
                padded(unit_queries[start : start + size], size),
                padded(leave_out[start : start + size], size),
                augmented,
                log_weights / math.log(2),
                n_blocks,
                jnp.asarray(1.0 / factors**2),
            )
            for start in range(0, len(queries), size)
        ]
        return np.log(np.concatenate([np.asarray(part) for part in parts], axis=1)[:, : len(queries)])


def safe_reach(n_features: int, log_tol: float, arithmetic: Arithmetic) -> float:
    """Norm in bandwidths up to which the products' rounding stays below a quarter of `log_tol`."""
    return math.sqrt(log_tol / (8 * (n_features + 4) * arithmetic.epsilon))


def by_differences(
    kernel_sum: KernelSum,
    queries: np.ndarray,
    factors: np.ndarray | None = None,
    leave_out: np.ndarray | None = None,
) -> np.ndarray:
    """Log-sums at each query for each bandwidth ``factor * scales``, shape ``(n_factors, n_queries)``.

    The distances of a pair are computed once for all factors. `leave_out` names for each query the one row
    that is left out of its sum (its own, in a leave-one-out likelihood), or -1.
    """
    factors = np.ones(1) if factors is None else np.asarray(factors, np.float64)
    leave_out = np.full(len(queries), -1) if leave_out is None else leave_out
    if len(queries) == 0:
        return np.empty((len(factors), 0))
    with double_precision():
        n_blocks, points, log_weights = data_blocks(kernel_sum.rows.points, kernel_sum.rows.log_weights)
        size = query_block(len(queries))
        parts = [
            difference_block(
                padded(queries[start : start + size], size),
                padded(leave_out[start : start + size], size),
                points,
                log_weights,
                n_blocks,
                kernel_sum.scales,
                jnp.asarray(1.0 / factors**2),
                kernel_sum.kernel,
            )
            for start in range(0, len(queries), size)
        ]
        return np.concatenate([np.asarray(part) for part in parts], axis=1)[:, : len(queries)]
