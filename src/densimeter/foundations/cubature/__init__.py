"""Integrals over boxes in one to three dimensions, with a stated error.

The story: an integrand with a scale of its own (`integrand`), infinite ends mapped to finite ones (`axes`),
peaks found first (`peaks`), the rule on one box (`rule`), and boxes halved where the error is (`adaptive`).
"""

from densimeter.foundations.cubature.adaptive import Integral, Tolerances, integrate
from densimeter.foundations.cubature.integrand import Integrand

__all__ = ["Integral", "Integrand", "Tolerances", "integrate"]
