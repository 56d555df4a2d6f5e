"""The display draws what the estimator says, and says what it cannot draw."""

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.mixture import GaussianMixture

from densimeter.foundations.errors import DataError, SettingError
from densimeter.plotting.density_display import DensityDisplay, as_matrices, covariance_ellipse


@pytest.fixture(autouse=True)
def _no_window():
    import matplotlib.pyplot as plt

    before = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


def fitted(d, family="full"):
    X = np.random.default_rng(0).standard_normal((200, d))
    return GaussianMixture(2, covariance_type=family, random_state=0).fit(X), X


def test_one_column_is_a_curve_over_a_histogram():
    model, X = fitted(1)
    display = DensityDisplay.from_estimator(model, X)
    (line,) = display.axes_[0].lines
    assert_allclose(line.get_ydata(), np.exp(model.score_samples(line.get_xdata()[:, None])))
    assert display.axes_[0].patches


@pytest.mark.parametrize("family", ["full", "tied", "diag", "spherical"])
def test_two_columns_are_contours_with_ellipses(family):
    model, X = fitted(2, family)
    display = DensityDisplay.from_estimator(model, X, grid_resolution=30, feature_names=["a", "b"])
    (panel,) = display.panels
    x, y = panel.grid
    assert_allclose(panel.density[4, 7], np.exp(model.score_samples([[x[7], y[4]]])[0]))
    assert len(display.axes_[0].patches) == 2 * 2
    assert display.axes_[0].get_ylabel() == "b"


def test_more_columns_are_pairs():
    model, X = fitted(3)
    display = DensityDisplay.from_estimator(model, X)
    assert [panel.columns for panel in display.panels] == [(0, 1), (0, 2), (1, 2)]
    with pytest.raises(SettingError, match="one Axes"):
        display.plot(ax=display.axes_[0])


def test_an_ellipse_lies_at_its_mahalanobis_distance():
    mean, covariance = np.array([1.0, -2.0]), np.array([[3.0, 1.2], [1.2, 1.0]])
    ellipse = covariance_ellipse(mean, covariance, 2.0)
    points = ellipse.get_patch_transform().transform(ellipse.get_path().vertices)[::3] - mean
    distance = np.sqrt(np.einsum("ni,ij,nj->n", points, np.linalg.inv(covariance), points))
    assert_allclose(distance, 2.0, rtol=1e-6)


def test_square_variances_are_not_taken_for_a_matrix():
    variances = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert_allclose(as_matrices(variances, 2, 2)[1], np.diag([3.0, 4.0]))


def test_what_cannot_be_drawn_is_told():
    model, X = fitted(2)
    with pytest.raises(DataError, match="finite numbers"):
        DensityDisplay.from_estimator(model, X * np.nan)
    with pytest.raises(DataError, match="45 pairs"):
        DensityDisplay.from_estimator(*fitted(10))
    with pytest.raises(SettingError, match="feature_names"):
        DensityDisplay.from_estimator(model, X, feature_names=["a"])
