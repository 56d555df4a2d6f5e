import numpy as np
import pytest

from densimeter.evaluation.diagnostics import (
    highest_density_coverage,
    marginal_fits,
    probability_integral_transform,
)
from densimeter.plotting.diagnostics import (
    MOST_PANELS,
    plot_coverage,
    plot_marginals,
    plot_quantiles,
    plot_ranks,
)


def _data(d):
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, d)), rng.normal(size=(500, d))


def test_coverage_has_a_curve_for_each_model():
    rng = np.random.default_rng(0)
    found = {name: highest_density_coverage(rng.normal(size=200), rng.normal(size=300)) for name in "ab"}
    (axes,) = plot_coverage(found).axes
    assert {"a", "b"} <= {line.get_label() for line in axes.lines}
    drawn = next(line for line in axes.lines if line.get_label() == "a")
    np.testing.assert_array_equal(drawn.get_ydata(), found["a"].actual)


@pytest.mark.parametrize("d", [1, 3, 5, 20])
def test_a_panel_for_each_column_up_to_a_limit(d):
    rows, samples = _data(d)
    columns = probability_integral_transform(rows, samples, random_state=0)
    fits = marginal_fits(rows, samples, random_state=0)
    for figure in (plot_ranks(columns), plot_marginals(fits), plot_quantiles(fits)):
        assert len(figure.axes) == min(d, MOST_PANELS)


def test_the_worst_columns_are_shown():
    rows, samples = _data(20)
    samples[:, 7] += 1
    fits = marginal_fits(rows, samples, random_state=0)
    titles = [axes.get_title(loc="left") for axes in plot_quantiles(fits).axes]
    assert "x7" in titles
