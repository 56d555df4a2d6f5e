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
from densimeter.evaluation.normalization import Verdict, check_normalization
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

    def integrand(rows):
        return proposal.log_prob(rows), np.ones(len(rows))

    ends = 400.0 * 10.0 ** np.arange(d)
    found = integrate(integrand, -ends, ends, Tolerances(1e-3, max_evaluations=4 * 10**5), X)
    drawn = proposal.sample(100_000, np.random.default_rng(1))
    inside = (np.abs(drawn) < ends).all(axis=1).mean()
    assert found.value * np.exp(found.log_scale) == pytest.approx(inside, abs=0.005)
