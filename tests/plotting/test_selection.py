"""The picture of a selection marks the best point."""

import matplotlib.pyplot as plt

from densimeter.plotting.selection import plot_selection


def test_marks_the_best():
    plt.switch_backend("agg")
    ax = plot_selection({"full": [(2, 5.0), (1, 7.0)]}, (2, 5.0), x_label="components", y_label="bic")
    curve, best = ax.lines
    assert list(curve.get_xdata()) == [1, 2]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (2, 5.0)
    plt.close("all")
