"""The gradient of a mixture's log-density, against central differences of SciPy's densities."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from densimeter.foundations.errors import DataError
from densimeter.mixture import GaussianMixture

WEIGHTS = np.array([0.3, 0.7])
MEANS = np.array([[0.0, 1.0], [3.0, -2.0]])
COVARIANCES = {
    "full": np.array([[[2.0, 0.5], [0.5, 1.0]], [[1.0, -0.3], [-0.3, 0.4]]]),
    "tied": np.array([[2.0, 0.5], [0.5, 1.0]]),
    "diag": np.array([[2.0, 1.0], [0.5, 0.4]]),
    "spherical": np.array([2.0, 0.4]),
}


def full(kind):
    covariances = COVARIANCES[kind]
    return {
        "full": covariances,
        "tied": np.stack([covariances] * 2),
        "diag": np.array([np.diag(row) for row in covariances]) if kind == "diag" else None,
        "spherical": np.array([v * np.eye(2) for v in covariances]) if kind == "spherical" else None,
    }[kind]


def reference(kind, row):
    parts = zip(MEANS, full(kind), strict=True)
    return logsumexp(
        [stats.multivariate_normal(mean, covariance).logpdf(row) for mean, covariance in parts], b=WEIGHTS
    )


@pytest.mark.parametrize("kind", COVARIANCES)
def test_it_is_the_slope_of_the_log_density(kind):
    mixture = GaussianMixture.from_parameters(WEIGHTS, MEANS, COVARIANCES[kind], covariance_type=kind)
    rows = np.array([[0.2, 0.1], [5.0, -3.0], [1.5, 0.0]])
    step = 1e-5  # central differences: an error of about 1e-10 from the step and as much from rounding
    slopes = [
        [(reference(kind, row + step * e) - reference(kind, row - step * e)) / (2 * step) for e in np.eye(2)]
        for row in rows
    ]
    np.testing.assert_allclose(mixture.gradient(rows), slopes, rtol=1e-7, atol=1e-8)


def test_a_missing_cell_is_named():
    mixture = GaussianMixture.from_parameters(WEIGHTS, MEANS, COVARIANCES["full"])
    with pytest.raises(DataError, match="row 1 misses column 0"):
        mixture.gradient([[0.0, 0.0], [np.nan, 1.0]])
