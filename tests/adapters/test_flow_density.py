"""The flow is a density in the user's units; these tests need its package."""

import numpy as np
import pytest
from sklearn.base import clone

from densimeter.adapters.flow_density import FlowDensity
from densimeter.datasets import RingOfGaussians
from densimeter.foundations.errors import DataError, SettingError

pytest.importorskip("flowjax")

SMALL = {"n_layers": 2, "width": 16, "max_steps": 300, "random_state": 0}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return np.c_[rng.gamma(2, 5, 400), 1e3 + 1e-2 * rng.normal(size=400)]


@pytest.fixture(scope="module")
def fitted(rows):
    return FlowDensity(**SMALL).fit(rows)


@pytest.mark.slow
@pytest.mark.parametrize("n_features", [1, 2])
def test_integrates_to_one(n_features):
    X = np.random.default_rng(0).gamma(3, size=(300, n_features))
    model = FlowDensity(**SMALL).fit(X)
    edges = np.linspace(-25, 35, 20_001 if n_features == 1 else 601)
    middles = (edges[:-1] + edges[1:]) / 2
    grid = np.stack(np.meshgrid(*[middles] * n_features), axis=-1).reshape(-1, n_features)
    mass = np.exp(model.score_samples(grid)).sum() * (edges[1] - edges[0]) ** n_features
    assert mass == pytest.approx(1, abs=2e-3)  # midpoints of cells of 0.1 under a kinked density


@pytest.mark.slow
def test_samples_score_as_their_model_says(fitted):
    drawn = fitted.sample(2000, random_state=1)
    np.testing.assert_array_equal(drawn, fitted.sample(2000, random_state=1))
    assert drawn.shape == (2000, 2)
    # the mean of exp(log g - log p) over draws of p is one for any density g
    other = FlowDensity(**{**SMALL, "max_steps": 100}).fit(drawn)
    ratios = np.exp(other.score_samples(drawn) - fitted.score_samples(drawn))
    assert ratios.mean() == pytest.approx(1, abs=0.1)


def test_units_move_the_score_by_the_jacobian(fitted, rows):
    moved = FlowDensity(**SMALL).fit(rows * 4)
    # powers of two: the scaled rows, and so the training, are the same
    np.testing.assert_allclose(
        moved.score_samples(rows * 4), fitted.score_samples(rows) - 2 * np.log(4), atol=1e-4
    )


def test_same_seed_same_model(fitted, rows):
    again = clone(fitted).fit(rows)
    np.testing.assert_array_equal(again.score_samples(rows), fitted.score_samples(rows))


@pytest.mark.slow
def test_validation_rows_are_not_trained_on(rows):
    model = FlowDensity(**SMALL).fit(rows[:300], X_val=rows[300:])
    np.testing.assert_allclose(model.scaling_.location, rows[:300].mean(axis=0))
    best = max(model.history_, key=lambda told: told["validation_score"])
    assert best["step"] == model.best_step_
    expected = model.score(rows[300:]) - model.scaling_.log_jacobian
    assert best["validation_score"] == pytest.approx(expected, abs=1e-3)  # float32 against float64


def test_far_rows_have_finite_scores(fitted):
    assert np.isfinite(fitted.score_samples([[1e6, -1e6], [0.0, 0.0]])).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_layers", 0), ("learning_rate", -1), ("validation_fraction", 1.0), ("patience", 0)],
)
def test_bad_settings_are_named(name, value):
    with pytest.raises(SettingError, match=name):
        FlowDensity(**{**SMALL, name: value}).fit(np.zeros((10, 1)))


def test_too_few_rows_to_split_are_refused():
    with pytest.raises(DataError, match="leave none"):
        FlowDensity(**{**SMALL, "validation_fraction": 0.9}).fit(np.zeros((2, 1)))


@pytest.mark.slow
def test_beats_one_gaussian_on_the_ring_and_stays_below_the_oracle():
    ring = RingOfGaussians(10, 10.0)
    X, test = ring.sample(1000, 0), ring.sample(5000, 1)
    score = FlowDensity(random_state=0).fit(X).score(test)
    oracle = ring.log_prob(test).mean()
    assert oracle - 0.35 < score < oracle + 0.05
