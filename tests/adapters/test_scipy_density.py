"""scipy's families: maximum likelihood in any units, normalised, and told apart from what is no density."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from densimeter.adapters.column_families import column_families, log_prob
from densimeter.adapters.scipy_density import ScipyDensity
from densimeter.foundations.cubature import Tolerances, integrate
from densimeter.foundations.errors import FitError, NonFiniteError, SettingError


def _refused(estimator):
    """scikit-learn's table for this check has 15 rows of 30 columns: a covariance of them is singular."""
    if estimator.distribution != "multivariate_normal":
        return {}
    return {"check_sample_weight_equivalence_on_dense_data": "a singular covariance is refused"}


@parametrize_with_checks(
    [ScipyDensity(), ScipyDensity("multivariate_normal"), ScipyDensity("t")],
    expected_failed_checks=_refused,
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def _positive(n=1000, seed=0):
    return np.random.default_rng(seed).gamma(2.0, 3.0, size=(n, 1))


@pytest.mark.parametrize(
    "name",
    ["norm", "t", "gamma", "lognorm", "weibull_min", "expon", "uniform", "beta", "laplace", "genextreme"],
)
def test_integrates_to_one(name):
    X = _positive()
    model = ScipyDensity(name).fit(X)
    family = column_families()[name]
    lower, upper = family.support(*model.params_[0].values())

    def integrand(rows):
        return model.score_samples(rows), np.ones(len(rows))

    found = integrate(integrand, np.array([lower]), np.array([upper]), Tolerances(1e-6), X)
    assert found.value * np.exp(found.log_scale) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["t", "gamma", "weibull_min", "skewnorm", "logistic"])
def test_is_at_least_as_likely_as_scipys_own_fit(name):
    X = _positive()
    own = column_families()[name].logpdf(X[:, 0], *column_families()[name].fit(X[:, 0])).mean()
    assert ScipyDensity(name).fit(X).score(X) >= own - 1e-6


@pytest.mark.parametrize("name", ["t", "gamma", "multivariate_normal", "multivariate_t"])
@settings(max_examples=8)
@given(log_scale=st.integers(-30, 30), shift=st.integers(-50, 50))
def test_scores_follow_a_change_of_units(name, log_scale, shift):
    """Shifts by whole standard deviations and scales by powers of two; the searches stop at about 1e-4."""
    X = np.column_stack([_positive(400)[:, 0], np.random.default_rng(1).standard_t(4, 400)])
    scale = 2.0**log_scale
    here = ScipyDensity(name).fit(X).score(X)
    there = ScipyDensity(name).fit((X + shift) * scale).score((X + shift) * scale)
    assert there == pytest.approx(here - 2 * np.log(scale), abs=1e-3)


def test_normal_is_the_one_component_mixture():
    X = np.random.default_rng(0).normal(size=(300, 3)) @ np.array([[1, 0.5, 0], [0, 1, 2], [0, 0, 0.5]])
    mixture = GaussianMixture(1, reg_covar=0).fit(X)
    model = ScipyDensity("multivariate_normal").fit(X)
    np.testing.assert_allclose(model.score_samples(X), mixture.score_samples(X), rtol=1e-8)
    np.testing.assert_allclose(model.params_["cov"], mixture.covariances_[0], rtol=1e-8)


def test_multivariate_t_finds_its_own_parameters():
    shape = np.array([[2.0, 0.6], [0.6, 0.5]])
    X = stats.multivariate_t([10, -3], shape, df=4).rvs(20_000, random_state=0)
    found = ScipyDensity("multivariate_t").fit(X)
    # four standard errors of 20,000 rows
    assert found.params_["df"] == pytest.approx(4, abs=0.4)
    np.testing.assert_allclose(found.params_["loc"], [10, -3], atol=0.06)
    np.testing.assert_allclose(found.params_["shape"], shape, atol=0.12)
    truth = stats.multivariate_t([10, -3], shape, df=4)
    assert found.score(X) >= truth.logpdf(X).mean()


def test_multivariate_t_in_one_column_is_the_t_fit():
    X = np.random.default_rng(0).standard_t(5, size=(2000, 1))
    assert ScipyDensity("multivariate_t").fit(X).score(X) == pytest.approx(
        ScipyDensity("t").fit(X).score(X), abs=1e-6
    )


def test_columns_are_independent():
    X = np.column_stack([_positive()[:, 0], np.random.default_rng(3).normal(size=1000)])
    together = ScipyDensity(["gamma", stats.norm]).fit(X)
    apart = [ScipyDensity("gamma").fit(X[:, :1]), ScipyDensity("norm").fit(X[:, 1:])]
    np.testing.assert_allclose(
        together.score_samples(X), apart[0].score_samples(X[:, :1]) + apart[1].score_samples(X[:, 1:])
    )


def test_outside_the_support_is_minus_infinity():
    model = ScipyDensity("gamma", fixed={"loc": 0}).fit(np.c_[_positive(), _positive(seed=1)])
    assert model.params_[0]["loc"] == 0
    assert model.score_samples([[-1.0, 2.0], [1.0, -2.0], [-1.0, -1.0]]).tolist() == [-np.inf] * 3


@pytest.mark.parametrize("name", ["gamma", ["norm"], "multivariate_normal", "multivariate_t"])
def test_samples_are_of_the_density(name):
    model = ScipyDensity(name).fit(_positive())
    drawn, others = model.sample(4000, random_state=1), model.sample(4000, random_state=1)
    np.testing.assert_array_equal(drawn, others)
    scores = model.score_samples(drawn)
    grid = np.linspace(-60, 150, 400_001)[:, None]
    log_p = model.score_samples(grid)
    negative_entropy = (np.exp(log_p) * np.where(np.isneginf(log_p), 0, log_p)).sum() * (grid[1] - grid[0])
    assert scores.mean() == pytest.approx(negative_entropy[0], abs=5 * scores.std() / np.sqrt(4000) + 1e-3)


@pytest.mark.parametrize(
    ("distribution", "message"),
    [
        ("gama", "did you mean 'gamma'"),
        ("multivariate_norma", "did you mean 'multivariate_normal'"),
        ("vonmises", "vonmises_line"),
        (stats.vonmises, "vonmises_line"),
        (stats.gamma(2), "frozen"),
        (3, "no continuous family"),
        (["norm"], "1 distributions for 2 columns"),
        (["norm", "multivariate_t"], "no variant"),
    ],
)
def test_what_is_no_distribution_is_named(distribution, message):
    with pytest.raises(SettingError, match=message):
        ScipyDensity(distribution).fit(np.random.default_rng(0).normal(size=(20, 2)))


@pytest.mark.parametrize(
    ("distribution", "fixed", "message"),
    [
        ("gamma", {"shape": 1}, "no parameter 'shape'"),
        ("norm", {"loc": 0, "scale": 1}, "all parameters"),
        ("multivariate_t", {"df": 3}, "no fixed parameters"),
    ],
)
def test_fixed_parameters_are_checked(distribution, fixed, message):
    with pytest.raises(SettingError, match=message):
        ScipyDensity(distribution, fixed=fixed).fit(_positive(20))


@pytest.mark.parametrize("fixed", [{"loc": -2.0}, {"scale": 5.0}, {"a": 2.0}, {"loc": 0, "a": 2.0}])
def test_fixed_parameters_stay(fixed):
    params = ScipyDensity("gamma", fixed=fixed).fit(_positive()).params_[0]
    assert {name: params[name] for name in fixed} == fixed


def test_a_failed_fit_names_column_and_distribution():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"height": [1.0, 2.0, 3.0], "age": [5.0, 5.0, 5.0]})
    with pytest.raises(FitError, match=r"'age' is constant.*norm"):
        ScipyDensity("norm").fit(frame)
    with pytest.raises(FitError, match=r"gamma.*'0'|gamma.*column 0"):
        ScipyDensity("gamma", fixed={"loc": 10.0}).fit([[1.0], [2.0], [3.0]])


@pytest.mark.parametrize("seed", range(10))
def test_ends_on_rows_are_not_rounded_out(seed):
    """The fitted uniform density reaches from the smallest row to the largest, in any units."""
    X = 10.0 ** (seed - 5) * np.random.default_rng(seed).normal(7, 1, size=(50, 1))
    model = ScipyDensity("uniform").fit(X)
    assert model.score(X) == pytest.approx(-np.log(np.ptp(X)))


def test_dependent_columns_are_refused():
    x = np.random.default_rng(0).normal(size=50)
    for name in ("multivariate_normal", "multivariate_t"):
        with pytest.raises(FitError, match="linearly dependent"):
            ScipyDensity(name).fit(np.c_[x, 2 * x])


def test_an_infinite_density_is_an_error_and_not_a_number():
    model = ScipyDensity("gamma", fixed={"loc": 0, "a": 0.5}).fit(_positive())
    with pytest.raises(NonFiniteError, match="row 1"):
        model.score_samples([[1.0], [0.0]])


def test_clone_and_pickle():
    X = _positive()
    model = clone(ScipyDensity(stats.gamma)).fit(X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))


def test_log_prob_is_silent():
    assert log_prob(stats.gamma, np.array([-1.0, 0.0]), (2.0, 0.0, 1.0)).tolist() == [-np.inf, -np.inf]
