"""Densities that are known exactly, and tables that travel with the package.

The story: density (what they all offer) -> ring, moons, checkerboard -> packaged -> named.
"""

from densimeter.datasets.checkerboard import Checkerboard
from densimeter.datasets.density import KnownDensity
from densimeter.datasets.moons import TwoMoons
from densimeter.datasets.named import NAMED_DATASETS, NamedDataset, named_dataset
from densimeter.datasets.packaged import load_old_faithful
from densimeter.datasets.ring import RingOfGaussians, make_ring

__all__ = [
    "NAMED_DATASETS",
    "Checkerboard",
    "KnownDensity",
    "NamedDataset",
    "RingOfGaussians",
    "TwoMoons",
    "load_old_faithful",
    "make_ring",
    "named_dataset",
]
