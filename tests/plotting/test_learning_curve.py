"""The learning curve shows every round and the step that was kept."""

import matplotlib.pyplot as plt

from densimeter.plotting.learning_curve import plot_learning_curve


def test_shows_rounds_and_the_kept_step():
    plt.switch_backend("agg")
    history = [{"step": 100, "validation_gain": 0.1}, {"step": 200, "validation_gain": 0.3}]
    curve, kept = plot_learning_curve(history, best_step=200).lines
    assert list(curve.get_ydata()) == [0.1, 0.3]
    assert list(kept.get_xdata()) == [200, 200]
    plt.close("all")
