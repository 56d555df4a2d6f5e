"""Laws that every density model of the package keeps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import densimeter as dm
from densimeter.foundations.estimates import Estimate

SMALL = dict(hidden=(16,), max_steps=100, log_z_width=0.05, random_state=0)  # noqa: C408
MODELS = {
    "mixture": dm.GaussianMixture(3, random_state=0),
    "kernel": dm.KernelDensity(),
    "energy": dm.EnergyModel(base="gaussian", **SMALL),
    "textbook energy": dm.EnergyModel(
        base="gaussian", tilt_bound=None, activation="relu", objective="importance", **SMALL
    ),
}


@pytest.fixture(scope="module", params=MODELS, ids=str)
def model(request):
    return MODELS[request.param]


def _rows(n_features: int, n: int = 150) -> np.ndarray:
    rng = np.random.default_rng(n_features)
    centres = rng.normal(size=(3, n_features)) * 4
    return centres[rng.integers(3, size=n)] + rng.normal(size=(n, n_features))


@pytest.mark.parametrize("n_features", [1, 2])
def test_integrates_to_one(model, n_features):
    fitted = clone(model).fit(_rows(n_features))
    edges = np.linspace(-25, 25, 20_001 if n_features == 1 else 401)
    middles = (edges[:-1] + edges[1:]) / 2
    grid = np.stack(np.meshgrid(*[middles] * n_features), axis=-1).reshape(-1, n_features)
    mass = np.exp(fitted.score_samples(grid)).sum() * (edges[1] - edges[0]) ** n_features
    log_z = getattr(fitted, "log_normalizer_", None)
    # an estimated log Z makes the integral uncertain by as much as its interval says, at 95 %; four times
    # that leaves room for one interval in twenty and for the grid
    error = 4 * log_z.half_width if isinstance(log_z, Estimate) else 0.0
    assert mass == pytest.approx(1.0, abs=1e-6 + error)


@settings(max_examples=4, deadline=None)
@given(
    log_scale=st.floats(-6, 6),
    shift=st.floats(-1e3, 1e3),
)
@pytest.mark.parametrize("name", MODELS)
def test_scores_follow_a_change_of_units(name, log_scale, shift):
    """p(a x + b) |a|^d = p(x): fitted on rows in other units, every log-density moves by -d log a.

    Scales are powers of two, so that the only rounding is that of the shift, against which 1e-6 nats is wide;
    the training of the energy model in float32 multiplies it, hence 0.02 nats there.
    """
    scale = 2.0 ** round(log_scale)
    X = _rows(2)
    there = clone(MODELS[name]).fit(X * scale + shift).score_samples(X[:40] * scale + shift)
    here = clone(MODELS[name]).fit(X).score_samples(X[:40])
    tolerance = 0.02 if "energy" in name else 1e-6
    np.testing.assert_allclose(there, here - 2 * np.log(scale), atol=tolerance)


def test_score_is_the_mean_of_the_scores(model):
    X = _rows(2)
    fitted = clone(model).fit(X)
    assert fitted.score(X) == pytest.approx(fitted.score_samples(X).mean())


def test_far_rows_have_finite_scores(model):
    fitted = clone(model).fit(_rows(2))
    assert np.isfinite(fitted.score_samples([[1e4, -1e4], [0.0, 1e3]])).all()


def test_the_input_is_never_modified(model):
    X = _rows(2)
    before = X.copy()
    X.setflags(write=False)
    clone(model).fit(X).score_samples(X)
    np.testing.assert_array_equal(X, before)


def test_samples_score_as_their_model_says(model):
    """The mean score of a model's own samples is minus its entropy, computed on a grid."""
    fitted = clone(model).fit(_rows(2))
    drawn = fitted.sample(4000, random_state=1)
    rows = drawn[0] if isinstance(drawn, tuple) else drawn
    edges = np.linspace(-25, 25, 501)
    middles = (edges[:-1] + edges[1:]) / 2
    grid = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    log_p = fitted.score_samples(grid)
    negative_entropy = (np.exp(log_p) * log_p).sum() * (edges[1] - edges[0]) ** 2
    scores = fitted.score_samples(rows)
    assert scores.mean() == pytest.approx(negative_entropy, abs=5 * scores.std() / np.sqrt(len(scores)))
