"""Non-uniform Fourier transforms at given points, of type 1 and of type 2, with a known error.

In one column the points lie on a grid so much finer than the shortest wave that they are moved to it by a
Taylor series of a few terms,

    exp(iω(g + t)) = exp(iωg) Σ_m (iωt)^m / m!,

and each term is an ordinary fast Fourier transform of sums over the points of a cell (Anderson and Dahleh,
1996, "Rapid computation of the discrete Fourier transform"). A point costs one addition a term, several times
less than spreading it over fourteen cells, which finufft's transforms do, in any number of columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

import finufft
import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from densimeter.kernel_density.accuracy import FINE, Accuracy

TAYLOR_REMAINDER = 2e-14
"""Of the Taylor series, at most, in each of two transforms."""
SMALL_TRANSFORM = 1e8
"""Operations below which finufft runs on one thread."""
MOST_TERMS = 16
POINTS_PER_MODE = 4
"""With fewer the Taylor series' many transforms of its grid cost more than its points save."""
_SECONDS_PER_POINT, _SECONDS_PER_CELL, _SECONDS_PER_CHUNK_AND_CELL = 1.2e-9, 8e-9, 1e-9
_CHUNK = 2**13


class Transform(Protocol):
    """Between points and the frequencies ``k = -K..K`` of each column."""

    def coefficients(self, weights: np.ndarray) -> np.ndarray:
        """``Σ_i w_i exp(i k·θ_i)`` for real weights."""
        ...

    def sums(self, coefficients: np.ndarray, dampings: list[np.ndarray]) -> np.ndarray:
        """``Σ_k φ_k c_k exp(-i k·θ)``, real, for each damping φ, ``(n_dampings, n_points)``."""
        ...


def transform_at(angles: list[np.ndarray], n_modes: tuple[int, ...], accuracy: Accuracy = FINE) -> Transform:
    """The faster transform at points in [-π, π], one array of angles per column."""
    if len(n_modes) == 1 and POINTS_PER_MODE * n_modes[0] < len(angles[0]):
        return TaylorTransform(angles[0], n_modes[0])
    return FinufftTransform(angles, n_modes, accuracy)


class FinufftTransform:
    """The transforms of finufft, in one to three columns; points are sorted once for each type.

    Barnett, Magland and af Klinteberg (2019), "A parallel nonuniform fast Fourier transform library".
    """

    def __init__(self, angles: list[np.ndarray], n_modes: tuple[int, ...], accuracy: Accuracy = FINE):
        self.angles, self.n_modes, self.accuracy = angles, n_modes, accuracy

    def coefficients(self, weights: np.ndarray) -> np.ndarray:
        """Type 1."""
        return np.asarray(self._plan(1).execute(weights.astype(np.complex128)))

    def sums(self, coefficients: np.ndarray, dampings: list[np.ndarray]) -> np.ndarray:
        """Type 2. Sums are real, so one transform answers two dampings: one is carried as imaginary part."""
        sums = np.empty((len(dampings), len(self.angles[0])))
        plan = self._plan(2)
        for first in range(0, len(dampings), 2):
            pair = dampings[first : first + 2]
            damping = pair[0] if len(pair) == 1 else pair[0] + 1j * pair[1]
            both = np.asarray(plan.execute(coefficients * damping))
            sums[first] = both.real
            if len(pair) == 2:
                sums[first + 1] = both.imag
        return sums

    def _plan(self, kind: int) -> finufft.Plan:
        sign = 1 if kind == 1 else -1
        plan = finufft.Plan(
            kind,
            self.n_modes,
            eps=self.accuracy.tolerance,
            isign=sign,
            upsampfac=self.accuracy.upsampling,
            **self._threads(),
        )
        plan.setpts(*self.angles)
        return plan

    def _threads(self) -> dict[str, Any]:
        """One thread for a small transform, where waking the others costs more than they give; else all."""
        d, accuracy = len(self.n_modes), self.accuracy
        operations = len(self.angles[0]) * float(accuracy.n_cells) ** d
        operations += 20 * math.prod(self.n_modes) * accuracy.upsampling**d
        return {"nthreads": 1} if operations < SMALL_TRANSFORM else {}


class TaylorTransform:
    """Transforms in one column by a Taylor series about the points of a fine grid."""

    def __init__(self, angles: np.ndarray, n_modes: int):
        self.angles, self.cutoff = angles, n_modes // 2
        self.n_cells, self.n_terms = _grid_for(self.cutoff, 2 ** math.ceil(math.log2(len(angles))))

    def _chunks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Pieces of the points small enough for the cache, their cells, and offsets from them in cells."""
        for start in range(0, len(self.angles), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            offsets = self.angles[chunk] * (self.n_cells / (2 * math.pi))
            cells = np.rint(offsets)
            offsets -= cells
            cells += self.n_cells // 2  # from 0 to n_cells, which is 0 again
            yield chunk, cells.astype(np.intp), offsets

    @property
    def _steps(self) -> np.ndarray:
        """``iω δ`` at the frequencies 0..K, where δ is the width of a cell."""
        return 2j * math.pi / self.n_cells * np.arange(self.cutoff + 1)

    @property
    def _signs(self) -> np.ndarray:
        """Cells are counted from the left end, half a turn from zero."""
        return 1.0 - 2.0 * (np.arange(self.cutoff + 1) % 2)

    def coefficients(self, weights: np.ndarray) -> np.ndarray:
        """Type 1."""
        moments = np.zeros((self.n_terms, self.n_cells + 1))
        for chunk, cells, offsets in self._chunks():
            terms = weights[chunk]
            for m in range(self.n_terms):
                moments[m] += np.bincount(cells, terms, self.n_cells + 1)
                terms = terms * offsets
        moments[:, 0] += moments[:, -1]
        steps, total = self._steps, np.zeros(self.cutoff + 1, np.complex128)
        for m in range(self.n_terms - 1, -1, -1):
            of_cells = np.conj(np.asarray(rfft(moments[m, :-1]))[: self.cutoff + 1])
            total = of_cells + total * steps / (m + 1)
        positive = total * self._signs
        return np.concatenate([np.conj(positive[:0:-1]), positive])

    def sums(self, coefficients: np.ndarray, dampings: list[np.ndarray]) -> np.ndarray:
        """Type 2."""
        sums = np.empty((len(dampings), len(self.angles)))
        for damping, row in zip(dampings, sums, strict=True):
            self._sum((coefficients * damping)[self.cutoff :], row)
        return sums

    def _sum(self, positive: np.ndarray, sums: np.ndarray) -> None:
        """Fill in the sums of a real series with coefficients at 0..K."""
        spectrum = np.conj(positive * self._signs) * self.n_cells
        derivatives = np.empty((self.n_terms, self.n_cells + 1))
        for m in range(self.n_terms):
            derivatives[m, :-1] = np.asarray(irfft(spectrum, self.n_cells))
            spectrum = spectrum * self._steps / (m + 1)
        derivatives[:, -1] = derivatives[:, 0]
        for chunk, cells, offsets in self._chunks():
            total = derivatives[-1].take(cells)
            for m in range(self.n_terms - 2, -1, -1):
                total *= offsets
                total += derivatives[m].take(cells)
            sums[chunk] = total


@cache
def _grid_for(cutoff: int, n_points: int) -> tuple[int, int]:
    """Cells of the grid, and terms of the series that keep its remainder below `TAYLOR_REMAINDER`."""
    best, least = (0, 0), math.inf
    for doubling in range(1, 12):
        half: Any = next_fast_len(cutoff * 2**doubling, real=True)
        n_cells = 2 * half
        largest = math.pi * cutoff / n_cells  # angle between a point and its cell at the highest frequency
        n_terms = next((m for m in range(2, 40) if largest**m / math.factorial(m) <= TAYLOR_REMAINDER), 40)
        per_cell = _SECONDS_PER_CELL + n_points / _CHUNK * _SECONDS_PER_CHUNK_AND_CELL
        seconds = n_terms * (n_points * _SECONDS_PER_POINT + n_cells * per_cell)
        if n_terms <= MOST_TERMS and seconds < least:
            best, least = (n_cells, n_terms), seconds
    return best
