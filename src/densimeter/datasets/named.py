"""The built-in tables by name: what `densimeter compare --list` shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from densimeter.datasets.checkerboard import Checkerboard
from densimeter.datasets.density import KnownDensity
from densimeter.datasets.moons import TwoMoons
from densimeter.datasets.packaged import load_old_faithful
from densimeter.datasets.ring import RingOfGaussians
from densimeter.foundations.checks import check_number, choose
from densimeter.foundations.randomness import generator_from

N_ROWS_TO_FIT = 1250
"""Rows of a synthetic table that are not for testing: 1,000 for training, 250 for validation."""

TEST_FRACTION_OF_SYNTHETIC = 0.9
"""Fresh rows of a known density cost nothing, and a sharp comparison needs many."""


@dataclass(frozen=True)
class NamedDataset:
    """A built-in table: rows to draw or load, and the density behind them where it is known."""

    name: str
    summary: str
    columns: tuple[str, ...]
    density: KnownDensity | None = None
    load: Callable[[], np.ndarray] | None = None

    @property
    def default_test_fraction(self) -> float | None:
        """The test fraction of a table whose rows can be drawn at will, or None for a real one."""
        return None if self.density is None else TEST_FRACTION_OF_SYNTHETIC

    def table(self, test_fraction: float, seed: int) -> pa.Table:
        """Named columns; synthetic ones are long enough to leave `N_ROWS_TO_FIT` rows beside the test rows.

        Raises
        ------
        SettingError
            If `test_fraction` does not lie in (0, 1).
        """
        check_number("test_fraction", test_fraction, above=0, below=1)
        rows = self.load() if self.load else self._draw(round(N_ROWS_TO_FIT / (1 - test_fraction)), seed)
        return pa.table(dict(zip(self.columns, rows.T, strict=True)))

    def _draw(self, n_samples: int, seed: int) -> np.ndarray:
        assert self.density is not None
        # a stream of its own: whoever splits the rows with the same seed draws other numbers
        return self.density.sample(n_samples, generator_from(seed).spawn(1)[0])


_ALL = (
    NamedDataset(
        "ring", "ten unit Gaussians on a circle of radius 10", ("x", "y"), RingOfGaussians(10, 10.0)
    ),
    NamedDataset(
        "tight-ring",
        "ten unit Gaussians on a circle of radius 1: not identifiable",
        ("x", "y"),
        RingOfGaussians(10, 1.0),
    ),
    NamedDataset(
        "circle",
        "a circle of radius 10 with unit Gaussian noise: a ring of infinitely many Gaussians",
        ("x", "y"),
        RingOfGaussians(math.inf, 10.0),
    ),
    NamedDataset("moons", "two interleaved half circles with noise 0.1", ("x", "y"), TwoMoons(0.1)),
    NamedDataset("checkerboard", "eight squares of a checkerboard on [-4, 4]^2", ("x", "y"), Checkerboard()),
    NamedDataset(
        "faithful",
        "272 eruptions of the Old Faithful geyser, in minutes",
        ("eruptions", "waiting"),
        load=lambda: load_old_faithful().data,
    ),
)

NAMED_DATASETS = {dataset.name: dataset for dataset in _ALL}


def named_dataset(name: str) -> NamedDataset:
    """The built-in table called `name`.

    Raises
    ------
    SettingError
        If there is none; the advice names the nearest.

    Examples
    --------
    >>> named_dataset("ring").columns
    ('x', 'y')
    """
    return choose("dataset", name, NAMED_DATASETS)
