from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.estimates import Estimate
from densimeter.plotting.comparison_display import ComparisonDisplay
from densimeter.plotting.diagnostic_displays import CalibrationDisplay, MarginalDisplay

mpl.use("Agg")

LEVELS = np.linspace(0, 1, 11)


def _estimate(value, half=0.1):
    return Estimate(value, value - half, value + half, 0.95, "normal")


def _model(name, value):
    return SimpleNamespace(
        name=name, log_likelihood=_estimate(value), difference_to_best=_estimate(value + 1)
    )


@pytest.fixture
def comparison():
    models = (_model("good", -1.0), _model("bad", -2.0))
    return SimpleNamespace(models=models, oracle=_estimate(-0.9))


@pytest.fixture
def diagnostics():
    def calibration(name, power):
        return SimpleNamespace(name=name, nominal=LEVELS, actual=LEVELS**power, band=0.1)

    def marginal(name):
        return SimpleNamespace(
            name=name,
            edges=np.arange(4.0),
            row_density=np.ones(3) / 3,
            sample_density=np.array([0.5, 0.5, 0.0]),
        )

    def model(power):
        return SimpleNamespace(
            coverage=calibration("highest-density regions", power),
            columns=(calibration("a", power), calibration("b", 1)),
            marginals=(marginal("a"), marginal("b")),
        )

    no = SimpleNamespace(reason="the model cannot be sampled")
    silent = SimpleNamespace(coverage=no, columns=no, marginals=no)
    return SimpleNamespace(models={"good": model(1), "bad": model(2), "silent": silent})


def test_both_panels_show_the_models_best_on_top(comparison):
    display = ComparisonDisplay.from_comparison(comparison, axes=Figure().subplots(1, 2))
    likelihood, difference = display.axes_
    assert [label.get_text() for label in likelihood.get_yticklabels()] == ["good", "bad"]
    assert likelihood.get_ylim()[0] > likelihood.get_ylim()[1]
    dots = [line.get_xdata()[0] for line in likelihood.lines if line.get_marker() == "o"]
    assert dots == [-1.0, -2.0]
    assert "difference" in difference.get_xlabel()


def test_a_model_of_infinite_score_has_no_place_on_the_axis(comparison):
    never = Estimate(-np.inf, -np.inf, -np.inf, 0.95, "outside the support")
    comparison.models[1].log_likelihood = never
    display = ComparisonDisplay.from_comparison(comparison, axes=Figure().subplots(1, 2))
    assert [line.get_xdata()[0] for line in display.axes_[0].lines if line.get_marker() == "o"] == [-1.0]


def test_a_comparison_needs_two_axes(comparison):
    with pytest.raises(SettingError, match="two panels"):
        ComparisonDisplay.from_comparison(comparison, axes=[Figure().subplots()])


def test_a_display_is_drawn_again_elsewhere(comparison):
    display = ComparisonDisplay.from_comparison(comparison, axes=Figure().subplots(1, 2))
    other = Figure().subplots(1, 2)
    assert display.plot(other).axes_[0] is other[0]


@pytest.mark.parametrize(("column", "title"), [(None, "highest-density regions"), ("a", "a")])
def test_calibration_is_drawn_for_each_model_that_has_it(diagnostics, column, title):
    ax = Figure().subplots()
    display = CalibrationDisplay.from_comparison(None, column, diagnostics=diagnostics, ax=ax)
    assert ax.get_title() == title
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["good", "bad"]
    np.testing.assert_array_equal(ax.lines[-1].get_ydata(), LEVELS**2)
    assert display.figure_ is ax.figure


def test_the_comparison_is_asked_where_no_diagnostics_are_given(diagnostics):
    ax = Figure().subplots()
    comparison = SimpleNamespace(diagnose=lambda: diagnostics)
    assert set(MarginalDisplay.from_comparison(comparison, "b", ax=ax).fits) == {"good", "bad"}
    assert ax.get_xlabel() == "b"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["test rows", "good", "bad"]


def test_an_unknown_column_and_models_without_samples_are_refused(diagnostics):
    with pytest.raises(SettingError, match="column"):
        MarginalDisplay.from_comparison(None, "c", diagnostics=diagnostics)
    silent = SimpleNamespace(models={"silent": diagnostics.models["silent"]})
    with pytest.raises(DataError, match="cannot be sampled"):
        CalibrationDisplay.from_comparison(None, diagnostics=silent)
