"""The check of the claim "normalised": no density is refused, and what is none does not pass."""

import json
from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from densimeter.adapters.pipeline_density import PipelineDensity
from densimeter.adapters.scipy_density import ScipyDensity
from densimeter.evaluation.covering_proposal import covering_proposal
from densimeter.evaluation.normalization import Verdict, check_normalization, draws_of
from densimeter.foundations.cubature import Tolerances, integrate


def _rows(d, n=1000):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, d)) * 4
    return (centres[rng.integers(4, size=n)] + rng.normal(size=(n, d))) * 10.0 ** (np.arange(d) % 3)


def _check(model, X):
    return check_normalization(model.fit(X).score_samples, X, random_state=0)


MIXTURE = GaussianMixture(4, random_state=0)
DENSITIES = {
    "mixture": MIXTURE,
    "kernels": KernelDensity(bandwidth=1.0),
    "narrow kernels": KernelDensity(bandwidth=0.1),
    "spikes": KernelDensity(bandwidth=1e-4),
    "top hats": KernelDensity(bandwidth=1.0, kernel="tophat"),
    "t": ScipyDensity("t"),
    "cauchy": ScipyDensity("cauchy"),
    "uniform": ScipyDensity("uniform"),
    "expon": ScipyDensity("expon"),
    "lognorm": ScipyDensity("lognorm"),
    "multivariate t": ScipyDensity("multivariate_t"),
    "pipeline, counted": PipelineDensity(make_pipeline(StandardScaler(), MIXTURE)),
}
NO_DENSITIES = {
    "pipeline, not counted": make_pipeline(StandardScaler(), MIXTURE),
    "one-class machine": OneClassSVM(),
    "isolation forest": IsolationForest(n_estimators=20, random_state=0),
}


@pytest.mark.parametrize(
    ("name", "d"), [*product(DENSITIES, [1, 2]), ("mixture", 4), ("narrow kernels", 4), ("uniform", 4)]
)
def test_no_density_is_refused(name, d):
    found = _check(DENSITIES[name], _rows(d))
    assert not found.refused, found.reason
    assert found.n_evaluations <= 4 * 10**5


@pytest.mark.parametrize("name", ["mixture", "kernels", "t", "cauchy", "uniform", "top hats", "expon"])
@pytest.mark.parametrize("d", [1, 2])
def test_the_usual_densities_are_recognised(name, d):
    found = _check(DENSITIES[name], _rows(d))
    assert found.verdict is Verdict.NORMALISED, found.reason
    assert found.log_integral.contains(0)


@pytest.mark.parametrize("name", NO_DENSITIES)
@pytest.mark.parametrize("d", [1, 3])
def test_what_is_no_density_is_refused(name, d):
    found = _check(NO_DENSITIES[name], _rows(d))
    assert found.refused, found.reason
    json.dumps(found.to_dict())


def _drawn(density, d, n=500):
    return density.rvs(size=(n, d), random_state=np.random.default_rng(1))


HEAVY_OR_FAR = {
    "t, no variance": stats.t(1.5),
    "t, no mean": stats.t(0.5),
    "Levy": stats.levy(),
    "tiny": stats.norm(0, 1e-200),
    "huge": stats.norm(0, 1e100),
    "huge, heavy": stats.cauchy(0, 1e100),
    "far away": stats.norm(1e9, 1),
    "rising to infinity": stats.gamma(0.1),
}


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("name", HEAVY_OR_FAR)
def test_no_density_of_any_scale_or_tail_is_refused(name, d):
    density = HEAVY_OR_FAR[name]
    found = check_normalization(lambda x: density.logpdf(x).sum(axis=1), _drawn(density, d), random_state=0)
    assert not found.refused, found.reason


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("wide", [1e5, 1e20, 1e100])
def test_a_density_far_wider_than_the_rows_is_not_refused(wide, d):
    rows = np.random.default_rng(0).normal(size=(500, d))
    found = check_normalization(lambda x: stats.norm.logpdf(x, scale=wide).sum(axis=1), rows, random_state=0)
    assert not found.refused, found.reason


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize(("fill", "n_filled"), [(-999.0, 25), (1e12, 1), (1e30, 5)])
def test_fill_values_among_unit_data_do_not_make_a_normal_no_density(fill, n_filled, d):
    rows = np.random.default_rng(0).normal(size=(500, d))
    rows[:n_filled] = fill
    model = GaussianMixture(1, covariance_type="diag", random_state=0).fit(rows)
    for draws in (None, draws_of(model, 0)):
        found = check_normalization(model.score_samples, rows, draws=draws, random_state=0)
        assert not found.refused, found.reason
    assert found.verdict is Verdict.NORMALISED, found.reason
    twice = check_normalization(
        lambda x: model.score_samples(x) + np.log(2), rows, draws=draws, random_state=0
    )
    assert twice.refused, twice.reason


@pytest.mark.parametrize("d", [1, 4])
@pytest.mark.parametrize("far", [1e3, 1e9])
def test_components_far_apart_are_no_reason_to_refuse(far, d):
    rows = np.random.default_rng(0).normal(size=(500, d))
    rows[:150] += far
    assert not _check(GaussianMixture(2, random_state=0), rows).refused


def test_mass_where_no_row_lies_is_seen_where_the_model_can_be_sampled():
    rows = np.random.default_rng(0).normal(size=(500, 2))
    model = GaussianMixture(2, weights_init=[0.7, 0.3]).fit(np.r_[rows, rows[:200] + 1e5])
    assert check_normalization(model.score_samples, rows, random_state=0).refused  # nothing tells it
    found = check_normalization(model.score_samples, rows, draws=draws_of(model, 0), random_state=0)
    assert found.verdict is Verdict.NORMALISED


def test_few_rows_cannot_prove_that_mass_is_missing():
    """A tenth of the mass is elsewhere: 20 of its rows miss it one time in eight."""
    rows = np.random.default_rng(0).normal(size=(500, 1))

    def scores(x):
        parts = stats.norm.logpdf(x[:, 0]) + np.log(0.9), stats.norm.logpdf(x[:, 0], 1e7) + np.log(0.1)
        return np.logaddexp(*parts)

    assert not check_normalization(scores, rows[:20], random_state=0).refused
    assert check_normalization(scores, rows, random_state=0).refused


WRONG = {
    "twice the density": lambda x: stats.norm.logpdf(x).sum(axis=1) + np.log(2),
    "the density, not its log": lambda x: np.exp(stats.norm.logpdf(x).sum(axis=1)),
    "without the constant": lambda x: -0.5 * (x**2).sum(axis=1),
    "logs to base ten": lambda x: stats.norm.logpdf(x).sum(axis=1) / np.log(10),
    "constant": lambda x: np.full(len(x), -0.5),
    "of a slow decay": lambda x: -x.shape[1] * np.log1p(np.linalg.norm(x, axis=1)),
}


@pytest.mark.parametrize("d", [1, 4])
@pytest.mark.parametrize("name", WRONG)
def test_the_usual_mistakes_are_refused(name, d):
    found = check_normalization(WRONG[name], np.random.default_rng(0).normal(size=(500, d)), random_state=0)
    assert found.refused, found.reason


@pytest.mark.parametrize("factor", [0.1, 10.0])
@pytest.mark.parametrize("d", [1, 4])
def test_a_missing_jacobian_is_refused(factor, d):
    rows = factor * np.random.default_rng(0).normal(size=(500, d))
    found = check_normalization(lambda x: stats.norm.logpdf(x / factor).sum(axis=1), rows, random_state=0)
    assert found.refused, found.reason


def test_scores_that_fail_far_away_are_judged_by_the_others():
    def scores(x):
        if np.abs(x).max() > 1e20:
            raise ValueError("too far")
        return stats.norm.logpdf(x[:, 0])

    found = check_normalization(scores, np.random.default_rng(0).normal(size=(500, 1)), random_state=0)
    assert found.verdict is Verdict.NORMALISED


@pytest.mark.parametrize("shift", [-0.2, 0.2])
@pytest.mark.parametrize("d", [1, 3])
def test_a_wrong_constant_is_found_to_its_size(shift, d):
    X = _rows(d)
    mixture = GaussianMixture(4, random_state=0).fit(X)
    found = check_normalization(lambda x: mixture.score_samples(x) + shift, X, random_state=0)
    assert found.refused
    assert found.log_integral.contains(shift)


def test_a_density_of_another_place_is_not_refused():
    """All its mass lies where no draw falls: nothing is known."""
    X = np.random.default_rng(0).normal(size=(500, 2))
    far = stats.multivariate_normal([1e4, 1e4], np.eye(2))
    assert not check_normalization(far.logpdf, X, random_state=0).refused


@pytest.mark.parametrize("d", [1, 2])
def test_constant_columns_and_few_rows_do_not_break_it(d):
    X = np.full((5, d), 3.0)
    check = check_normalization(lambda x: stats.norm.logpdf(x, 3, 1).sum(axis=1), X, random_state=0)
    assert not check.refused


def test_scores_that_are_not_numbers_count_as_zero_density():
    X = np.random.default_rng(0).normal(size=(500, 1))
    check = check_normalization(
        lambda x: np.where(np.abs(x[:, 0]) < 50, stats.norm.logpdf(x[:, 0]), np.nan), X, random_state=0
    )
    assert check.verdict is Verdict.NORMALISED


def test_the_same_seed_gives_the_same_verdict():
    X = _rows(2)
    assert _check(MIXTURE, X) == _check(MIXTURE, X)


@pytest.mark.parametrize(("d", "bandwidth"), [(1, 0.02), (2, 1.0)], ids=["with narrow kernels", "without"])
def test_the_proposal_is_a_density_and_draws_from_itself(d, bandwidth):
    X = _rows(d, 300)
    scores = KernelDensity(bandwidth=bandwidth).fit(X).score_samples
    proposal = covering_proposal(scores, X, np.random.default_rng(0))
    assert len(proposal.parts) == (4 if d == 1 else 3)
    X[0] += 4000.0 * 10.0 ** np.arange(d)
    scores = KernelDensity(bandwidth=bandwidth / 4 if d == 1 else bandwidth).fit(X).score_samples
    proposal = covering_proposal(scores, X, np.random.default_rng(0), draws=X[::-1])
    assert len(proposal.parts) == (6 if d == 1 else 5)

    def integrand(rows):
        return proposal.log_prob(rows), np.ones(len(rows))

    ends = 4000.0 * 10.0 ** np.arange(d)
    found = integrate(integrand, -ends, ends, Tolerances(1e-3, max_evaluations=4 * 10**5), X)
    drawn = proposal.sample(100_000, np.random.default_rng(1))
    inside = (np.abs(drawn) < ends).all(axis=1).mean()
    assert found.value * np.exp(found.log_scale) == pytest.approx(inside, abs=0.005)
