"""Density models of a table, compared by normalised, held-out log-likelihood.

The names below are loaded when they are first used, so that ``import densimeter`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from densimeter._version import __version__

if TYPE_CHECKING:
    from densimeter import adapters as adapters
    from densimeter import datasets as datasets
    from densimeter import energy as energy
    from densimeter import evaluation as evaluation
    from densimeter import kernel_density as kernel_density
    from densimeter import mixture as mixture
    from densimeter import partition as partition
    from densimeter import plotting as plotting
    from densimeter import storage as storage
    from densimeter import tables as tables
    from densimeter import variational as variational
    from densimeter.adapters.flow_density import FlowDensity as FlowDensity
    from densimeter.adapters.pipeline_density import PipelineDensity as PipelineDensity
    from densimeter.adapters.pipeline_density import as_density as as_density
    from densimeter.adapters.scipy_density import ScipyDensity as ScipyDensity
    from densimeter.energy.estimator import EnergyModel as EnergyModel
    from densimeter.evaluation.comparison import compare as compare
    from densimeter.evaluation.results import Comparison as Comparison
    from densimeter.foundations.estimates import Estimate as Estimate
    from densimeter.kernel_density.estimator import KernelDensity as KernelDensity
    from densimeter.mixture.bayesian import BayesianGaussianMixture as BayesianGaussianMixture
    from densimeter.mixture.estimator import GaussianMixture as GaussianMixture
    from densimeter.mixture.selection import select_components as select_components
    from densimeter.plotting.comparison_display import ComparisonDisplay as ComparisonDisplay
    from densimeter.plotting.density_display import DensityDisplay as DensityDisplay
    from densimeter.plotting.diagnostic_displays import CalibrationDisplay as CalibrationDisplay
    from densimeter.plotting.diagnostic_displays import MarginalDisplay as MarginalDisplay
    from densimeter.storage.files import load as load
    from densimeter.storage.files import save as save
    from densimeter.variational import elbo as elbo
    from densimeter.variational import fit_variational as fit_variational
    from densimeter.variational import jensen_shannon_divergence as jensen_shannon_divergence
    from densimeter.variational import kl_divergence as kl_divergence
    from densimeter.variational import renyi_divergence as renyi_divergence
    from densimeter.variational import reverse_kl_divergence as reverse_kl_divergence
    from densimeter.variational import symmetrised_kl_divergence as symmetrised_kl_divergence

_HOMES = {
    "BayesianGaussianMixture": "densimeter.mixture.bayesian",
    "CalibrationDisplay": "densimeter.plotting.diagnostic_displays",
    "Comparison": "densimeter.evaluation.results",
    "ComparisonDisplay": "densimeter.plotting.comparison_display",
    "DensityDisplay": "densimeter.plotting.density_display",
    "EnergyModel": "densimeter.energy.estimator",
    "Estimate": "densimeter.foundations.estimates",
    "FlowDensity": "densimeter.adapters.flow_density",
    "GaussianMixture": "densimeter.mixture.estimator",
    "KernelDensity": "densimeter.kernel_density.estimator",
    "MarginalDisplay": "densimeter.plotting.diagnostic_displays",
    "PipelineDensity": "densimeter.adapters.pipeline_density",
    "ScipyDensity": "densimeter.adapters.scipy_density",
    "as_density": "densimeter.adapters.pipeline_density",
    "compare": "densimeter.evaluation.comparison",
    "elbo": "densimeter.variational",
    "fit_variational": "densimeter.variational",
    "jensen_shannon_divergence": "densimeter.variational",
    "kl_divergence": "densimeter.variational",
    "load": "densimeter.storage.files",
    "renyi_divergence": "densimeter.variational",
    "reverse_kl_divergence": "densimeter.variational",
    "save": "densimeter.storage.files",
    "select_components": "densimeter.mixture.selection",
    "symmetrised_kl_divergence": "densimeter.variational",
}
"""Each public name and the file it lives in."""

_ROOMS = frozenset(
    {
        "adapters",
        "datasets",
        "energy",
        "evaluation",
        "kernel_density",
        "mixture",
        "partition",
        "plotting",
        "storage",
        "tables",
        "variational",
    }
)

__all__ = [
    "BayesianGaussianMixture",
    "CalibrationDisplay",
    "Comparison",
    "ComparisonDisplay",
    "DensityDisplay",
    "EnergyModel",
    "Estimate",
    "FlowDensity",
    "GaussianMixture",
    "KernelDensity",
    "MarginalDisplay",
    "PipelineDensity",
    "ScipyDensity",
    "__version__",
    "adapters",
    "as_density",
    "compare",
    "datasets",
    "elbo",
    "energy",
    "evaluation",
    "fit_variational",
    "jensen_shannon_divergence",
    "kernel_density",
    "kl_divergence",
    "load",
    "mixture",
    "partition",
    "plotting",
    "renyi_divergence",
    "reverse_kl_divergence",
    "save",
    "select_components",
    "storage",
    "symmetrised_kl_divergence",
    "tables",
    "variational",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"densimeter.{name}")
    raise AttributeError(f"module 'densimeter' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
