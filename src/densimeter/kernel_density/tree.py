"""The exact sum over near blocks of rows; far ones are left out where a bound proves they do not matter.

Rows and queries are put in k-d order and cut into blocks with bounding boxes. A kernel never grows with
distance, so a block of rows of weight W adds at most ``W k(gap)`` to any query of a block whose box is `gap`
away. For each block of queries the nearest row blocks are summed first. As every term is positive, that is a
lower bound of the sum; then the farthest blocks are left out as long as all their upper bounds together stay
below ``log_tol / 4`` of it. A compact kernel's blocks beyond its edge have upper bound zero.

The memory is ``8 (2 n d + 2 m d)`` bytes for the blocks, and at most 64 MB at work.
"""

from __future__ import annotations

import math
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.padding import bucket_size
from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.blocks import Blocks, squared_gaps
from densimeter.kernel_density.columns import within
from densimeter.kernel_density.direct import DOUBLE, by_differences, safe_reach
from densimeter.kernel_density.exponentials import fast_exp2
from densimeter.kernel_density.kernel_sum import KernelSum, LogSums
from densimeter.kernel_density.pairs import augmented_queries, augmented_rows, squared_distances
from densimeter.kernel_density.profiles import Gaussian, Kernel

BLOCK = 256
"""Rows in a block, and queries in a block."""
BLOCKS_PER_JOB = 16
JOBS_PER_CALL = 256
SMALLEST_TOLERANCE = 1e-9
"""Below, the fast exponential's 1e-10 would show."""
LARGEST_COORDINATE = 1e100
"""In bandwidths; squares of larger ones would come near overflow."""
_MOST_RISE = 500.0
"""Nats that a term may exceed the top it is taken relative to."""
_MOST_BOUNDS = 2**21
"""Bounds held at once."""


class TreeEngine:
    """Sums over the blocks that matter: for compact kernels and bandwidths small against the extent."""

    def __init__(self, kernel_sum: KernelSum):
        self.kernel_sum = kernel_sum

    @cached_property
    def blocks(self) -> Blocks:
        """The rows in blocks, in bandwidths."""
        return Blocks.of(self.kernel_sum.unit_points, BLOCK)

    @cached_property
    def block_log_weights(self) -> np.ndarray:
        """Log of the weight of each block."""
        in_blocks = self.blocks.arrange(self.kernel_sum.rows.log_weights, -np.inf)[: self.blocks.n_blocks]
        top = in_blocks.max(axis=1)
        return top + np.log(np.exp(in_blocks - top[:, None]).sum(axis=1))

    def log_sums(self, queries: np.ndarray, log_tol: float) -> LogSums:
        """Log-sums with all that was left out, and all rounding, below `log_tol`."""
        unit_queries = self.kernel_sum.in_units(queries)
        reach = safe_reach(self.kernel_sum.n_features, log_tol, DOUBLE)
        values = np.full(len(queries), np.nan)
        if log_tol >= SMALLEST_TOLERANCE and self.kernel_sum.half_extent.max() < LARGEST_COORDINATE:
            fits = within(unit_queries, LARGEST_COORDINATE)
            if fits.any():
                values[fits] = _Search(self, unit_queries[fits], log_tol, reach).run()
        left = np.flatnonzero(np.isnan(values))  # too far apart for the blocks' arithmetic
        values[left] = by_differences(self.kernel_sum, queries[left])[0]
        return LogSums(values, np.full(len(queries), log_tol))


def _n_needed(left_out: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """How many nearest blocks must be summed so that the upper bounds of the rest stay within `allowed`."""
    return np.sum((left_out > allowed[:, None]) & (left_out > -np.inf), axis=1)


class _Search:
    """The sums of one set of queries: bounds, then rounds of jobs over the blocks that still may matter."""

    def __init__(self, engine: TreeEngine, unit_queries: np.ndarray, log_tol: float, reach: float):
        self.engine, self.log_tol, self.reach = engine, log_tol, reach
        self.kernel = engine.kernel_sum.kernel
        self.queries = Blocks.of(unit_queries, BLOCK)
        with double_precision():
            self.device_queries = jnp.asarray(self.queries.points)
            self.device_points = jnp.asarray(engine.blocks.points)
            self.device_weights = jnp.asarray(
                engine.blocks.arrange(engine.kernel_sum.rows.log_weights, -np.inf)
            )
        self.top = np.full(self.queries.points.shape[:2], -np.inf)
        self.total = np.zeros(self.queries.points.shape[:2])

    def run(self) -> np.ndarray:
        """Log-sums in the order of the queries; NaN where the arithmetic of blocks is not safe."""
        step = max(1, _MOST_BOUNDS // self.engine.blocks.n_blocks)
        for start in range(0, self.queries.n_blocks, step):
            self._sum_chunk(np.arange(start, min(start + step, self.queries.n_blocks)))
        with np.errstate(divide="ignore", over="ignore"):
            values = np.log(self.total) + np.where(np.isfinite(self.top), self.top, 0.0)
        values[~np.isfinite(self.total)] = np.nan
        return self.queries.restore(values)

    def _sum_chunk(self, members: np.ndarray) -> None:
        gaps = squared_gaps(self.queries.low[members], self.queries.high[members], self.engine.blocks)
        with double_precision():
            profile = np.asarray(self.kernel.log_profile(jnp.asarray(gaps)))
        upper = profile + self.engine.block_log_weights
        nearest_first = np.argsort(-upper, axis=1, kind="stable")
        upper = np.take_along_axis(upper, nearest_first, axis=1)
        left_out = np.logaddexp.accumulate(upper[:, ::-1], axis=1)[:, ::-1]
        done = np.zeros(len(members), int)
        for stop in (BLOCKS_PER_JOB, 4 * BLOCKS_PER_JOB, upper.shape[1]):
            lower = self._lower_bounds(members)
            needed = np.minimum(_n_needed(left_out, lower + math.log(self.log_tol / 4)), stop)
            nearest = np.take_along_axis(upper, np.minimum(done, upper.shape[1] - 1)[:, None], axis=1)[:, 0]
            rises = nearest > lower + _MOST_RISE
            self._run_jobs(members, nearest_first, done, needed, rises)
            done = np.maximum(done, needed)
        self._mark_unsafe(members, gaps, nearest_first, done)

    def _lower_bounds(self, members: np.ndarray) -> np.ndarray:
        """The smallest log-sum so far among the queries of each block."""
        with np.errstate(divide="ignore"):
            so_far = np.log(self.total[members]) + np.where(
                np.isfinite(self.top[members]), self.top[members], 0
            )
        return so_far.min(axis=1)

    def _run_jobs(
        self,
        members: np.ndarray,
        nearest_first: np.ndarray,
        start: np.ndarray,
        stop: np.ndarray,
        rises: np.ndarray,
    ) -> None:
        """Sum row blocks `start` to `stop` of each member, relative to a new top where it `rises`."""
        n_jobs = np.maximum(-(-(stop - start) // BLOCKS_PER_JOB), 0)
        which = np.repeat(np.arange(len(members)), n_jobs)
        first_job = np.cumsum(n_jobs) - n_jobs
        offset = start[which] + BLOCKS_PER_JOB * (np.arange(len(which)) - first_job[which])
        columns = offset[:, None] + np.arange(BLOCKS_PER_JOB)
        empty = self.engine.blocks.n_blocks
        inside = columns < stop[which][:, None]
        chosen = nearest_first[which[:, None], np.minimum(columns, nearest_first.shape[1] - 1)]
        blocks = np.where(inside, chosen, empty)
        for at in range(0, len(which), JOBS_PER_CALL):
            now = which[at : at + JOBS_PER_CALL]
            self._run_call(members[now], blocks[at : at + JOBS_PER_CALL], rises[now])

    def _run_call(self, query_blocks: np.ndarray, row_blocks: np.ndarray, rises: np.ndarray) -> None:
        n_jobs, size = len(query_blocks), bucket_size(len(query_blocks), smallest=8)
        tops = np.where(rises[:, None], -np.inf, self.top[query_blocks])
        with double_precision():
            tops, totals = _job_sums(
                np.resize(query_blocks, size),
                np.resize(row_blocks, (size, BLOCKS_PER_JOB)),
                n_jobs,
                self.device_queries,
                self.device_points,
                self.device_weights,
                np.resize(tops, (size, BLOCK)),
                self.kernel,
            )
        for block, top, total in zip(query_blocks, np.asarray(tops), np.asarray(totals), strict=False):
            self._add(block, top, total)  # the padding of the jobs is not reached

    def _add(self, block: int, top: np.ndarray, total: np.ndarray) -> None:
        """Add sums taken relative to ``exp(top)`` to those of a block of queries."""
        highest = np.maximum(self.top[block], top)
        shift = np.where(np.isfinite(highest), highest, 0.0)
        self.total[block] = self.total[block] * np.exp(self.top[block] - shift) + total * np.exp(top - shift)
        self.top[block] = highest

    def _mark_unsafe(
        self, members: np.ndarray, gaps: np.ndarray, nearest_first: np.ndarray, done: np.ndarray
    ) -> None:
        """Products round too much where a summed block is far away; those queries are left to differences."""
        if not isinstance(self.kernel, Gaussian):
            return
        blocks = self.engine.blocks
        widths = np.sqrt(((blocks.high - blocks.low) ** 2).sum(axis=1))
        own = np.sqrt(((self.queries.high[members] - self.queries.low[members]) ** 2).sum(axis=1))
        farthest = np.sqrt(gaps) + widths + own[:, None]
        ordered = np.take_along_axis(farthest, nearest_first, axis=1)
        summed = np.arange(ordered.shape[1]) < done[:, None]
        self.total[members[np.any(summed & (ordered > self.reach), axis=1)]] = np.nan


@partial(jax.jit, static_argnames="kernel")
def _job_sums(
    query_blocks: jax.Array,
    row_blocks: jax.Array,
    n_jobs: int,
    queries: jax.Array,
    points: jax.Array,
    log_weights: jax.Array,
    tops: jax.Array,
    kernel: Kernel,
) -> tuple[jax.Array, jax.Array]:
    """For each job the sums of one block of queries over its row blocks, relative to ``exp(top)``.

    A top that is not yet known is the largest exponent of the job.
    """

    def one(index: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        block = queries[query_blocks[index]]
        rows = points[row_blocks[index]].reshape(-1, block.shape[1])
        weights = log_weights[row_blocks[index]].reshape(-1)
        exponents = _exponents(block, rows, weights, kernel)
        top = jax.lax.cond(
            jnp.isfinite(tops[index]).all(), lambda: tops[index], lambda: exponents.max(axis=1) * math.log(2)
        )
        shift = jnp.where(jnp.isfinite(top), top, 0.0) / math.log(2)
        power = fast_exp2 if isinstance(kernel, Gaussian) else jnp.exp2
        sums = power(exponents - shift[:, None]).sum(axis=1)
        return state[0].at[index].set(top), state[1].at[index].set(sums)

    empty = (jnp.zeros(tops.shape), jnp.zeros(tops.shape))
    return jax.lax.fori_loop(0, n_jobs, one, empty)


def _exponents(queries: jax.Array, rows: jax.Array, log_weights: jax.Array, kernel: Kernel) -> jax.Array:
    """Exponents to base 2 of every pair; for the Gaussian a product of coordinates centred on the queries."""
    if isinstance(kernel, Gaussian):
        centre = queries.mean(axis=0)
        return augmented_queries(queries - centre) @ augmented_rows(rows - centre, log_weights).T
    squared = squared_distances(queries, rows, jnp.ones(queries.shape[1]))
    return (kernel.log_profile(squared) + log_weights) / math.log(2)
