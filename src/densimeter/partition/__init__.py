"""log Z of any energy, each way with an interval that says what it guarantees.

The story: where weights come from (`weights`); their mean (`importance`), and where its samples do not reach
(`probe`); a finite-sample interval for it (`bernstein`, `certificate`); bounds from both sides along a bridge
(`annealing`, `annealed`); and the oracle in low dimensions (`quadrature`).

A target is given by its *energy*, a function of one point ``(n_features,)`` traceable by JAX, minus the
unnormalised log-density; a proposal is a `PointDensity`: ``log_prob(x)`` for one point and
``sample(key, n_samples)``. Everything is computed in float64.
"""

from densimeter.foundations.densities import Gaussian, PointDensity, StudentT
from densimeter.foundations.diagnostics import chi_square, effective_sample_size, pareto_k
from densimeter.partition.annealed import AnnealedResult, annealed
from densimeter.partition.certificate import Certificate, certificate
from densimeter.partition.importance import ImportanceResult, importance, importance_of
from densimeter.partition.quadrature import QuadratureResult, quadrature
from densimeter.partition.weights import EnergyWeights, LogWeights, PointFunction, TiltWeights

__all__ = [
    "AnnealedResult",
    "Certificate",
    "EnergyWeights",
    "Gaussian",
    "ImportanceResult",
    "LogWeights",
    "PointDensity",
    "PointFunction",
    "QuadratureResult",
    "StudentT",
    "TiltWeights",
    "annealed",
    "certificate",
    "chi_square",
    "effective_sample_size",
    "importance",
    "importance_of",
    "pareto_k",
    "quadrature",
]
