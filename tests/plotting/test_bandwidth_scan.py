from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from densimeter.kernel_density.selectors import BandwidthScan
from densimeter.plotting.bandwidth_scan import plot_bandwidth_scan


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("agg")
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


def test_draws_finite_scores_and_marks_the_best():
    scan = BandwidthScan(np.array([0.1, 1.0, 10.0]), np.array([-np.inf, -1.0, -2.0]), "criterion")
    ax = plot_bandwidth_scan(scan)
    curve, mark = ax.lines
    np.testing.assert_allclose(curve.get_xydata(), [[1.0, -1.0], [10.0, -2.0]])
    assert mark.get_xdata()[0] == 1.0
    assert ax.get_ylabel() == "criterion, nats per row"


def test_column_bandwidths_are_drawn_over_their_geometric_mean():
    scan = BandwidthScan(np.array([[1.0, 4.0], [2.0, 8.0]]), np.array([-3.0, -1.0]), "criterion")
    ax = plot_bandwidth_scan(scan)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [2.0, 4.0])
    assert "geometric mean" in ax.get_xlabel()
