import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate as scipy_integrate

from densimeter.foundations.cubature import Tolerances, integrate


def plain(function):
    """A signed integrand without a scale of its own."""
    return lambda rows: (np.zeros(len(rows)), function(rows))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=8), st.floats(-2, 0), st.floats(0.5, 3))
def test_polynomials_are_exact(coefficients, low, high):
    polynomial = np.polynomial.Polynomial(coefficients)
    found = integrate(plain(lambda rows: polynomial(rows[:, 0])), np.array([low]), np.array([high]))
    antiderivative = polynomial.integ()
    expected = antiderivative(high) - antiderivative(low)
    assert found.value * math.exp(found.log_scale) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [(lambda x: np.cos(50 * x), 0, 2), (lambda x: np.sign(x - 0.3), 0, 1), (lambda x: np.sqrt(x), 0, 1)],
)
def test_signed_and_rough_integrands_against_quadpack(function, low, high):
    expected, _ = scipy_integrate.quad(function, low, high, points=[0.3], limit=200)
    found = integrate(plain(lambda rows: function(rows[:, 0])), np.array([low]), np.array([high]))
    assert found.converged
    assert abs(found.value * math.exp(found.log_scale) - expected) <= found.error + 1e-12


def test_the_stated_error_covers_the_true_one_at_every_tolerance():
    def ridge(rows):
        return 1 / (1 + 400 * (rows[:, 0] - rows[:, 1]) ** 2)

    expected, _ = scipy_integrate.dblquad(lambda y, x: 1 / (1 + 400 * (x - y) ** 2), 0, 1, 0, 1, epsabs=1e-12)
    for tolerance in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
        found = integrate(plain(ridge), np.zeros(2), np.ones(2), Tolerances(tolerance))
        assert found.converged
        assert abs(found.value * math.exp(found.log_scale) - expected) <= found.error


def test_an_absolute_tolerance_ends_the_work_early():
    def wave(rows):
        return 1e-6 * np.cos(300 * rows[:, 0])

    loose = integrate(plain(wave), np.zeros(1), np.ones(1), Tolerances(absolute=1e-5))
    tight = integrate(plain(wave), np.zeros(1), np.ones(1), Tolerances(absolute=1e-12))
    assert loose.converged
    assert tight.converged
    assert loose.n_evaluations < tight.n_evaluations


def test_zero_is_zero():
    found = integrate(plain(lambda rows: np.zeros(len(rows))), np.full(2, -np.inf), np.full(2, np.inf))
    assert (found.value, found.converged) == (0.0, True)
