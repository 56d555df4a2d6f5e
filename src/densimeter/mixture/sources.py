"""Rows on their way into the compiled step: laid out in pieces of one shape, grouped by what they miss.

A piece has the same shape whatever the number of rows, so a new row count compiles nothing; tables of a few
blocks, and rows with missing cells, of whose patterns there are many, come in a few shorter shapes. Short
tables are laid out once and kept; long ones, and batches that come from elsewhere, are laid out again in each
pass, so that a fit never holds more than the user's rows and `RESIDENT_BYTES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from densimeter.foundations.precision import computing_in
from densimeter.mixture.families import Family
from densimeter.mixture.gaps import GapBlock, gap_blocks

BLOCKS_PER_PIECE, FEW_BLOCKS = 32, 6
"""Blocks of a piece, and of one that holds a short table: less to clear and to copy."""
RESIDENT_BYTES = 64 * 2**20
"""Tables up to this size are copied once in the layout of the compiled step; longer ones are streamed."""
_CACHED_NUMBERS = 1 << 16
"""Numbers of a block's features and responsibilities: half of a megabyte, a core's second-level cache."""

SHORTEST_BLOCK, LONGEST_BLOCK = 320, 1024
"""Rows in a block: shorter ones make thin matrix products, longer ones gain nothing."""
SHORTEST_PATTERN = 64
"""Rows with the same missing cells that make a piece; fewer share a block with those of other patterns."""
PIECES_AT_ONCE = 4
"""A table is cut into a multiple of so many pieces of equal length, for processors to share."""


class Piece(NamedTuple):
    """Columns ``(n_blocks, d, block)``, weights ``(n_blocks, block)``, and how many blocks hold rows."""

    columns: Any
    weights: Any
    n_filled: Any


class Item(NamedTuple):
    """A piece to be, the columns it knows, and its total weight; `lay_out` may run on any thread."""

    observed: np.ndarray
    weight: float
    lay_out: Callable[[], Piece]


Batches = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]
"""Makes a fresh pass over batches of rows ``(n, d)`` with weights ``(n,)``."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The shape of pieces: rows in a block, and the dtype."""

    block: int
    dtype: np.dtype

    @classmethod
    def of(cls, family: Family, n_features: int, n_densities: int, dtype: np.dtype) -> Layout:
        """Blocks whose features and `n_densities` responsibilities a row stay in the cache."""
        wanted = _CACHED_NUMBERS // (family.n_terms(n_features) + 2 * n_densities)
        return cls(min(LONGEST_BLOCK, max(SHORTEST_BLOCK, wanted // 32 * 32)), np.dtype(dtype))

    @property
    def piece_rows(self) -> int:
        """Rows that a piece holds."""
        return self.block * BLOCKS_PER_PIECE

    def lay_out(self, rows: np.ndarray, weights: np.ndarray, shape: tuple[int, int]) -> Piece:
        """At most `piece_rows` rows as a piece; padding has weight zero.

        `shape` is the number of blocks and their length.
        """
        n, d = rows.shape
        n_blocks, block = shape
        columns = np.zeros((n_blocks, d, block), self.dtype)
        laid_weights = np.zeros((n_blocks, block), self.dtype)
        n_filled = -(-n // block)
        for i in range(n_filled):
            part = slice(i * block, min((i + 1) * block, n))
            size = part.stop - part.start
            columns[i, :, :size] = rows[part].T
            columns[i, :, size:] = rows[:1].T  # padding that is no farther out than the data
            laid_weights[i, :size] = weights[part]
        return Piece(columns, laid_weights, np.int32(n_filled))

    def _tight_shape(self, n_rows: int) -> tuple[int, int]:
        """A shape with at most four times the rows: patterns of missing cells are many and short."""
        block = SHORTEST_PATTERN
        while block < min(n_rows, self.block):
            block *= 4
        block, n_blocks = min(block, self.block), 1
        while n_blocks * block < n_rows:
            n_blocks *= 4
        return n_blocks, block

    def items(self, rows: np.ndarray, weights: np.ndarray) -> Iterator[Item | GapBlock]:
        """The rows as pieces, grouped by the columns they have, and those of rare patterns in blocks.

        Rows without a single cell are left out.
        """
        common, rare = split_by_pattern(rows, SHORTEST_PATTERN)
        for observed, members in common:
            if len(observed):
                for cut in self._cuts(len(rows) if members is None else len(members)):
                    yield self._item(observed, rows, weights, cut if members is None else members[cut])
        if len(rare):
            yield from gap_blocks(rows[rare], weights[rare])

    def _cuts(self, n_rows: int) -> Iterator[slice]:
        """Slices of whole blocks, each of a piece at most."""
        n_pieces = -(-n_rows // self.piece_rows)
        if n_pieces > 1:
            n_pieces += -n_pieces % PIECES_AT_ONCE
        step = -(-n_rows // (n_pieces * self.block)) * self.block
        return (slice(first, first + step) for first in range(0, n_rows, step))

    def _item(
        self, observed: np.ndarray, rows: np.ndarray, weights: np.ndarray, chosen: slice | np.ndarray
    ) -> Item:
        mass = weights[chosen]
        total = float(mass.sum(dtype=np.float64))
        if not isinstance(chosen, slice):  # a pattern: missing cells become zero
            tight = self._tight_shape(len(mass))
            return Item(observed, total, lambda: self.lay_out(np.nan_to_num(rows[chosen]), mass, tight))
        n_blocks = FEW_BLOCKS if len(rows) <= FEW_BLOCKS * self.block else BLOCKS_PER_PIECE
        return Item(observed, total, lambda: self.lay_out(rows[chosen], mass, (n_blocks, self.block)))


Pattern = tuple[np.ndarray, np.ndarray | None]
"""The observed columns of a missing pattern and the indices of its rows; None stands for all rows."""


def patterns(rows: np.ndarray) -> list[Pattern]:
    """Every missing pattern of the rows."""
    return split_by_pattern(rows, 1)[0]


def split_by_pattern(rows: np.ndarray, at_least: int) -> tuple[list[Pattern], np.ndarray]:
    """The missing patterns that so many rows have, and the indices of all other rows."""
    every, nobody = np.arange(rows.shape[1]), np.empty(0, int)
    with np.errstate(over="ignore", invalid="ignore"):
        certain = np.isfinite(rows.sum())
    if certain or not (missing := np.isnan(rows)).any():
        return [(every, None)], nobody
    _, labels, counts = np.unique(
        np.packbits(missing, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    order = np.argsort(labels, kind="stable")
    often = counts >= at_least
    ends = np.cumsum(counts)
    members = [order[end - count : end] for end, count in zip(ends[often], counts[often], strict=True)]
    return [(every[~missing[one[0]]], one) for one in members], order[~often[labels[order]]]


class Resident:
    """Pieces laid out once; `complete` says that no cell is missing."""

    def __init__(self, layout: Layout, batches: Batches, complete: bool):
        self.complete = complete
        self._items = [
            Item(item.observed, item.weight, _keep(item.lay_out(), layout.dtype))
            if isinstance(item, Item)
            else item
            for rows, weights in batches()
            for item in layout.items(rows, weights)
        ]

    def __iter__(self) -> Iterator[Item | GapBlock]:
        return iter(self._items)

    @property
    def single(self) -> Piece | None:
        """The piece, if one holds all rows and no cell is missing."""
        only = self._items[0] if self.complete and len(self._items) == 1 else None
        return only.lay_out() if isinstance(only, Item) else None


def _keep(piece: Piece, dtype: np.dtype) -> Callable[[], Piece]:
    """The piece, handed to JAX once."""
    with computing_in(dtype):
        kept = Piece(jax.device_put(piece.columns), jax.device_put(piece.weights), piece.n_filled)
    return lambda: kept


class Streamed:
    """Pieces laid out anew in each pass; `complete` says that no cell is missing."""

    def __init__(self, layout: Layout, batches: Batches, complete: bool):
        self.complete = complete
        self._layout = layout
        self._batches = batches

    def __iter__(self) -> Iterator[Item | GapBlock]:
        for rows, weights in self._batches():
            yield from self._layout.items(rows, weights)


Source = Resident | Streamed
