"""What the words of ``covariance_type`` stand for."""

from __future__ import annotations

from densimeter.mixture.families import Family
from densimeter.mixture.matrix_families import Full, Tied
from densimeter.mixture.variance_families import Diagonal, Spherical

FAMILIES: dict[str, Family] = {
    "full": Full(),
    "tied": Tied(),
    "diag": Diagonal(),
    "spherical": Spherical(),
}
