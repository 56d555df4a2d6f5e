from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from densimeter.foundations.errors import SettingError
from densimeter.kernel_density.estimator import KernelDensity


@pytest.mark.parametrize("bandwidth", [0.6, [0.3, 1.0], [[0.5, 0.2], [0.2, 0.3]]])
def test_is_the_slope_of_the_log_density(bandwidth):
    rng = np.random.default_rng(0)
    model = KernelDensity(bandwidth=bandwidth, algorithm="direct", log_tol=1e-12).fit(
        rng.normal(size=(40, 2)), sample_weight=rng.uniform(0.5, 2, size=40)
    )
    queries = rng.normal(size=(6, 2)) * 2
    found = model.gradient(queries)
    for query, gradient in zip(queries, found, strict=True):
        slope = approx_fprime(query, lambda x: model.score_samples(x[None])[0], 1e-6)
        np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-4)


def test_far_away_it_points_to_the_nearest_row():
    model = KernelDensity(bandwidth=2.0).fit([[0.0, 0.0], [10.0, 0.0]])
    np.testing.assert_allclose(model.gradient([[1e6, 0.0]]), [[(10 - 1e6) / 4, 0.0]], rtol=1e-12)


def test_needs_the_gaussian():
    with pytest.raises(SettingError, match="Gaussian"):
        KernelDensity(bandwidth=1.0, kernel="linear").fit([[0.0]]).gradient([[0.0]])


def test_the_old_name_still_works_and_says_the_new_one():
    model = KernelDensity(bandwidth=1.0).fit([[0.0], [2.0]])
    with pytest.warns(DeprecationWarning, match=r"KernelDensity\.gradient"):
        old = model.score_gradient([[0.5]])
    np.testing.assert_array_equal(old, model.gradient([[0.5]]))
