"""log Z of any energy, each way with an interval that says what it guarantees.

The story: where weights come from (`weights`), how far they can be trusted (`diagnostics`), their mean
(`importance`), and a finite-sample interval for it (`certificate`).

A target is given by its *energy*, a function of one point ``(n_features,)`` traceable by JAX, minus the
unnormalised log-density; a proposal is a `PointDensity`: ``log_prob(x)`` for one point and
``sample(key, n_samples)``. Everything is computed in float64.
"""

from densimeter.foundations.densities import Gaussian, PointDensity, StudentT
from densimeter.partition.certificate import Certificate, certificate
from densimeter.partition.diagnostics import chi_square, effective_sample_size, pareto_k
from densimeter.partition.importance import ImportanceResult, importance, importance_of
from densimeter.partition.weights import EnergyWeights, LogWeights, PointFunction, TiltWeights

__all__ = [
    "Certificate",
    "EnergyWeights",
    "Gaussian",
    "ImportanceResult",
    "LogWeights",
    "PointDensity",
    "PointFunction",
    "StudentT",
    "TiltWeights",
    "certificate",
    "chi_square",
    "effective_sample_size",
    "importance",
    "importance_of",
    "pareto_k",
]
