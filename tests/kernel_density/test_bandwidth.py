from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from densimeter.foundations.errors import SettingError
from densimeter.kernel_density.bandwidth import ColumnBandwidth, MatrixBandwidth, bandwidth_from
from densimeter.kernel_density.estimator import KernelDensity

MATRIX = np.array([[2.0, 0.9], [0.9, 0.5]])


def test_a_matrix_is_the_covariance_of_the_gaussian_kernel():
    queries = np.random.default_rng(0).normal(size=(50, 2))
    found = KernelDensity(bandwidth=MATRIX).fit([[0.3, -1.0]]).score_samples(queries)
    np.testing.assert_allclose(found, multivariate_normal([0.3, -1.0], MATRIX).logpdf(queries), atol=1e-6)


def test_a_number_is_the_root_of_a_matrix():
    rng = np.random.default_rng(1)
    X, queries = rng.normal(size=(2, 100, 2))
    number = KernelDensity(bandwidth=0.7).fit(X).score_samples(queries)
    matrix = KernelDensity(bandwidth=0.49 * np.eye(2)).fit(X).score_samples(queries)
    np.testing.assert_allclose(number, matrix, atol=2e-6)


def test_columns_of_very_different_units_lose_nothing():
    unit = np.array([1e-150, 1e150])
    scaled = MatrixBandwidth.of(MATRIX * unit * unit[:, None], np.zeros(2))
    plain = MatrixBandwidth.of(MATRIX, np.zeros(2))
    points = np.random.default_rng(2).normal(size=(20, 2))
    np.testing.assert_allclose(scaled.to_frame(points * unit), plain.to_frame(points), rtol=1e-12)
    assert scaled.log_volume == pytest.approx(plain.log_volume, abs=1e-10)


def test_draws_have_the_spread_of_the_bandwidth():
    draws = np.random.default_rng(3).normal(size=(100_000, 2))
    np.testing.assert_allclose(
        np.cov(MatrixBandwidth.of(MATRIX, np.zeros(2)).spread(draws).T), MATRIX, atol=0.03
    )
    columns = ColumnBandwidth(np.array([0.1, 3.0])).spread(draws)
    np.testing.assert_allclose(columns.std(axis=0), [0.1, 3.0], rtol=0.02)


@pytest.mark.parametrize(
    "value",
    [
        np.ones((3, 3)),
        [[1.0, 2.0], [2.0, 1.0]],
        [[1.0, 0.5], [0.4, 1.0]],
        [[1.0, np.nan], [np.nan, 1.0]],
        [1.0, 0.0],
        1e-301,
        "wide",
        None,
    ],
)
def test_refuses_what_is_no_bandwidth(value):
    with pytest.raises(SettingError):
        bandwidth_from(value, 2, np.zeros(2))
