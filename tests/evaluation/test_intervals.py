import numpy as np
import pytest
from scipy import stats

from densimeter.evaluation.intervals import mean_interval
from densimeter.foundations.estimates import Estimate, Guarantee


def test_equals_scipy():
    scores = np.random.default_rng(0).normal(size=40)
    ours = mean_interval(scores, 0.9)
    theirs = stats.ttest_1samp(scores, 0).confidence_interval(0.9)
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_covers_the_truth_as_often_as_it_says(confidence):
    """4,000 samples of 30: the share that covers has a standard error of at most 0.8 %."""
    rng = np.random.default_rng(1)
    intervals = [mean_interval(rng.normal(2.0, 3.0, size=30), confidence) for _ in range(4000)]
    share = np.mean([interval.contains(2.0) for interval in intervals])
    assert share == pytest.approx(confidence, abs=0.024)


def _log_z(half_width: float, confidence: float, error: float = 0.0) -> Estimate:
    value = 1.0 + error
    return Estimate(value, value - half_width, value + half_width, confidence, "made up")


@pytest.mark.parametrize("confidence_of_log_z", [0.95, 0.99, 0.999])
def test_covers_when_log_z_is_uncertain_too(confidence_of_log_z):
    """Both errors drawn anew: at least the stated share covers, less three standard errors."""
    rng = np.random.default_rng(2)
    spread = 0.3
    half_width = spread * stats.norm.ppf((1 + confidence_of_log_z) / 2)
    covered = 0
    for _ in range(3000):
        log_z = _log_z(half_width, confidence_of_log_z, rng.normal(0, spread))
        scores = rng.normal(5.0, 2.0, size=50) - log_z.value
        covered += mean_interval(scores, 0.95, log_z).contains(5.0 - 1.0)
    assert covered / 3000 > 0.95 - 0.012


def test_an_exact_log_z_changes_nothing():
    scores = np.arange(10.0)
    assert mean_interval(scores, 0.95, Estimate.exact(3.0)) == mean_interval(scores, 0.95)


def test_log_z_of_two_models_both_widen():
    scores = np.random.default_rng(0).normal(size=100)
    one = mean_interval(scores, 0.95, _log_z(0.01, 0.999))
    two = mean_interval(scores, 0.95, _log_z(0.01, 0.999), -_log_z(0.02, 0.999))
    assert two.upper - two.lower > one.upper - one.lower


def test_a_row_outside_the_support_makes_the_mean_minus_infinity():
    estimate = mean_interval(np.array([0.0, -np.inf, 1.0]), 0.95)
    assert estimate.value == -np.inf
    assert estimate.guarantee is Guarantee.EXACT
    assert estimate.to_dict()["value"] is None


def test_one_score_has_an_interval_without_ends():
    assert mean_interval(np.array([1.0]), 0.95).upper == np.inf
