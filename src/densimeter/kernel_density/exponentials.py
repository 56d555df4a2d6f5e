"""``2^x`` to eleven digits in a dozen operations, for the inner loop of a kernel sum."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

RELATIVE_ERROR = 1e-10
"""Of `fast_exp2`; the polynomial alone is wrong by 6e-11."""

SMALLEST_EXPONENT = -1000.0
_INTEGER_IN_LOW_BITS = 1.5 * 2.0**52


def _minimax_like_coefficients(degree: int) -> list[float]:
    """Coefficients of the interpolant of 2^r on [-1/2, 1/2] at the Chebyshev nodes, constant term first."""
    nodes = 0.5 * np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    return [float(c) for c in np.polynomial.polynomial.polyfit(nodes, 2.0**nodes, degree)]


_COEFFICIENTS = _minimax_like_coefficients(7)


def fast_exp2(exponents: jax.Array) -> jax.Array:
    """``2^x`` in float64 for x up to 1000; below -1000 it is 2^-1000.

    x is split into an integer k and a remainder r in [-1/2, 1/2]; 2^r is a polynomial, and k is added to the
    exponent bits. Needs 64-bit mode.
    """
    bounded = jnp.clip(exponents, SMALLEST_EXPONENT, -SMALLEST_EXPONENT)
    integer = jax.lax.round(bounded, jax.lax.RoundingMethod.TO_NEAREST_EVEN)
    remainder = bounded - integer
    power = jnp.full_like(remainder, _COEFFICIENTS[-1])
    for coefficient in reversed(_COEFFICIENTS[:-1]):
        power = power * remainder + coefficient
    as_bits = jax.lax.bitcast_convert_type
    integer_bits = as_bits(integer + _INTEGER_IN_LOW_BITS, jnp.int64)
    return as_bits(as_bits(power, jnp.int64) + (integer_bits << 52), jnp.float64)
