"""Density models of a table, compared by normalised, held-out log-likelihood.

The names below are loaded when they are first used, so that ``import densimeter`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from densimeter._version import __version__

if TYPE_CHECKING:
    from densimeter import datasets as datasets
    from densimeter.energy.estimator import EnergyModel as EnergyModel
    from densimeter.evaluation.comparison import Comparison as Comparison
    from densimeter.evaluation.comparison import compare as compare
    from densimeter.foundations.estimates import Estimate as Estimate
    from densimeter.kernel_density.estimator import KernelDensity as KernelDensity
    from densimeter.mixture.estimator import GaussianMixture as GaussianMixture

_HOMES = {
    "Comparison": "densimeter.evaluation.comparison",
    "EnergyModel": "densimeter.energy.estimator",
    "Estimate": "densimeter.foundations.estimates",
    "GaussianMixture": "densimeter.mixture.estimator",
    "KernelDensity": "densimeter.kernel_density.estimator",
    "compare": "densimeter.evaluation.comparison",
}
"""Each public name and the file it lives in."""

_ROOMS = ("datasets", "energy", "evaluation", "kernel_density", "mixture", "partition", "plotting", "tables")

__all__ = ["__version__", *_HOMES, *_ROOMS]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"densimeter.{name}")
    raise AttributeError(f"module 'densimeter' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
