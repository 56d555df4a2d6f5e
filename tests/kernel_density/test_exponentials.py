from __future__ import annotations

import jax
import numpy as np

from densimeter.foundations.precision import double_precision
from densimeter.kernel_density.exponentials import RELATIVE_ERROR, fast_exp2


def test_is_a_power_of_two_within_its_stated_error_when_compiled():
    exponents = np.concatenate([np.linspace(-999, 999, 200_001), np.arange(-50, 50) / 2])
    with double_precision():
        found = np.asarray(jax.jit(fast_exp2)(exponents))
    assert np.abs(found / np.exp2(exponents) - 1).max() < RELATIVE_ERROR


def test_stays_tiny_far_below():
    with double_precision():
        found = np.asarray(jax.jit(fast_exp2)(np.array([-np.inf, -1e300, -1001.0])))
    assert np.all((found >= 0) & (found < 1e-300))
