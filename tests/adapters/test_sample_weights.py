"""A weight of two is the row given twice, a weight of zero the row left out, in models of other packages."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler

from densimeter import FlowDensity, GaussianMixture, KernelDensity, PipelineDensity, ScipyDensity
from densimeter.foundations.errors import DataError, SettingError


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.gamma(3, 2, (80, 2)) + np.array([0, 5])
    return X, rng.integers(0, 4, 80)


def pipeline(*steps):
    return PipelineDensity(make_pipeline(*steps))


MODELS = {
    "norm": ScipyDensity(),
    "gamma": ScipyDensity("gamma", fixed={"loc": 0}),
    "t": ScipyDensity("t"),
    "uniform": ScipyDensity("uniform"),
    "multivariate normal": ScipyDensity("multivariate_normal"),
    "multivariate t": ScipyDensity("multivariate_t"),
    "pipeline": pipeline(StandardScaler(), GaussianMixture(1)),
    "pipeline without scale": pipeline(MinMaxScaler(), ScipyDensity()),
}


@pytest.mark.parametrize("name", MODELS)
def test_whole_weights_are_repetitions_and_only_ratios_matter(name, table):
    X, counts = table
    repeated = MODELS[name].fit(np.repeat(X, counts, axis=0)).score_samples(X)
    for weights in (counts, counts * 0.37, counts * 1e300):
        found = MODELS[name].fit(X, sample_weight=weights)
        np.testing.assert_allclose(found.score_samples(X), repeated, atol=1e-6)
    present = counts > 0
    np.testing.assert_array_equal(
        MODELS[name].fit(X, sample_weight=present).score_samples(X),
        MODELS[name].fit(X[present]).score_samples(X),
    )
    assert found.score(X, sample_weight=counts) == pytest.approx(
        found.score(np.repeat(X, counts, axis=0)), abs=1e-10
    )


@pytest.mark.parametrize("family", [stats.norm, stats.laplace, stats.gumbel_r, stats.logistic])
def test_weights_that_are_no_counts_reach_the_weighted_maximum(family):
    rng = np.random.default_rng(1)
    column, weights = rng.normal(3, 2, 60), rng.exponential(size=60)

    def loss(parameters):
        return -(weights * family.logpdf(column, parameters[0], np.exp(parameters[1]))).sum()

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 10_000}
    best = optimize.minimize(loss, [3.0, 0.7], method="Nelder-Mead", options=options).fun
    fitted = ScipyDensity(family).fit(column[:, None], sample_weight=weights)
    assert -(weights * fitted.score_samples(column[:, None])).sum() <= best + 1e-6


def test_the_weighted_normal_is_that_of_the_weighted_moments():
    rng = np.random.default_rng(2)
    X, weights = rng.normal(size=(50, 2)), rng.exponential(size=50)
    expected = stats.multivariate_normal(
        np.average(X, axis=0, weights=weights), np.cov(X, rowvar=False, aweights=weights, ddof=0)
    )
    found = ScipyDensity("multivariate_normal").fit(X, sample_weight=weights)
    np.testing.assert_allclose(found.score_samples(X), expected.logpdf(X), atol=1e-10)


@pytest.mark.parametrize("model", [ScipyDensity(), pipeline(ScipyDensity()), FlowDensity()])
@pytest.mark.parametrize("weights", [[1, -1, 1], [0, 0, 0], [1, np.nan, 1], [1, 1], [[1], [1], [1]]])
def test_what_is_no_weight_is_one_error(model, weights):
    X = np.array([[0.0], [1.0], [3.0]])
    with pytest.raises(DataError):
        model.fit(X, sample_weight=weights)
    fitted = ScipyDensity().fit(X)
    with pytest.raises(DataError):
        fitted.score(X, sample_weight=weights)


def test_a_last_step_without_weights_is_named():
    class Unweighted(ScipyDensity):
        def fit(self, X, y=None):
            return super().fit(X)

    with pytest.raises(SettingError, match="the last step, Unweighted, takes no sample_weight"):
        pipeline(PowerTransformer(), Unweighted()).fit([[1.0], [2.0], [4.0]], sample_weight=[1, 2, 3])


def test_a_flow_learns_from_weights():
    pytest.importorskip("flowjax")
    rng = np.random.default_rng(3)
    X = np.r_[rng.normal(-3, 1, (300, 1)), rng.normal(3, 1, (300, 1))]
    weights = np.where(X[:, 0] < 0, 9.0, 1.0)
    flow = FlowDensity(n_layers=1, width=8, max_steps=500, random_state=0).fit(X, sample_weight=weights)
    drawn = flow.sample(2000, random_state=0)
    # nine tenths of the weight lie on the left; 600 rows and 500 steps leave an error of a few hundredths
    assert (drawn < 0).mean() == pytest.approx(0.9, abs=0.05)
    gone = FlowDensity(n_layers=1, width=8, max_steps=100, random_state=0)
    left = gone.fit(X, sample_weight=X[:, 0] < 0).score_samples(X)
    np.testing.assert_array_equal(left, gone.fit(X[X[:, 0] < 0]).score_samples(X))


SCALED = {
    "norm": ScipyDensity(),
    "t": ScipyDensity("t"),
    "gamma": ScipyDensity("gamma", fixed={"loc": 0}),
    "multivariate normal": ScipyDensity("multivariate_normal"),
    "pipeline": pipeline(StandardScaler(), ScipyDensity()),
    "plain pipeline": pipeline(KernelDensity(bandwidth="scott")),
}


@pytest.mark.parametrize("exponent", [498, -498])
@pytest.mark.parametrize("name", SCALED)
def test_rows_in_units_of_1e150_score_as_rows_in_units_of_one(name, exponent, table):
    X, _ = table
    expected = SCALED[name].fit(X).score_samples(X) - X.shape[1] * exponent * np.log(2)
    huge = np.ldexp(X, exponent)
    np.testing.assert_allclose(SCALED[name].fit(huge).score_samples(huge), expected, rtol=1e-9)


@pytest.mark.parametrize("exponent", [498, -498])
def test_a_flow_of_rows_in_units_of_1e150(exponent, table):
    pytest.importorskip("flowjax")
    X, _ = table
    flow = FlowDensity(n_layers=1, width=4, max_steps=100, random_state=0)
    expected = flow.fit(X).score_samples(X) - X.shape[1] * exponent * np.log(2)
    huge = np.ldexp(X, exponent)
    np.testing.assert_allclose(flow.fit(huge).score_samples(huge), expected, rtol=1e-9)
