"""Lower bounds of a log evidence, divergences of any two densities, and fits that make one small.

The story: whatever calls itself a density, seen as rows (`densities`); formulas for Gaussians
(`closed_forms`); what sets one divergence apart from another (`measures`), how each is estimated
(`estimation`), and the functions a user calls (`divergences`); bounds of a log evidence (`bounds`); families
of approximations (`families`), the two directions to come near a target in (`directions`), where a search
begins (`targets`), and the descent (`fitting`).
"""

from densimeter.variational.bounds import (
    categorical_elbo,
    elbo,
    evidence_gap,
    importance_weighted_bound,
    posterior,
    uniform,
)
from densimeter.variational.divergences import (
    jensen_shannon_divergence,
    kl_divergence,
    renyi_divergence,
    reverse_kl_divergence,
    symmetrised_kl_divergence,
)
from densimeter.variational.families import FullRank, MeanField, Mixture
from densimeter.variational.fitting import Outcome, VariationalFit, fit_variational

__all__ = [
    "FullRank",
    "MeanField",
    "Mixture",
    "Outcome",
    "VariationalFit",
    "categorical_elbo",
    "elbo",
    "evidence_gap",
    "fit_variational",
    "importance_weighted_bound",
    "jensen_shannon_divergence",
    "kl_divergence",
    "posterior",
    "renyi_divergence",
    "reverse_kl_divergence",
    "symmetrised_kl_divergence",
    "uniform",
]
