"""The two errors of a score, apart and together."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from densimeter.energy.scores import score_estimate
from densimeter.foundations.errors import SettingError
from densimeter.foundations.estimates import Estimate, Guarantee

LOG_Z = Estimate(0.3, 0.296, 0.305, 0.99, "empirical Bernstein", Guarantee.CERTIFIED)
VALUES = np.random.default_rng(0).normal(-2, 1, 500)


def test_test_set_interval_is_students():
    expected = ttest_1samp(VALUES, 0).confidence_interval(0.95)
    found = score_estimate(VALUES, LOG_Z, 0.95).test_set
    assert (found.lower, found.upper) == pytest.approx(tuple(expected))


def test_log_z_too_low_means_score_too_high():
    found = score_estimate(VALUES, LOG_Z, 0.95).log_normalizer
    assert found.value - found.lower == pytest.approx(0.005)
    assert found.upper - found.value == pytest.approx(0.004)
    assert found.guarantee is Guarantee.CERTIFIED


def test_together_the_chances_of_missing_add_up():
    found = score_estimate(VALUES, LOG_Z, 0.95)
    rows = ttest_1samp(VALUES, 0).confidence_interval(0.96)
    assert found.total.lower == pytest.approx(rows.low - 0.005)
    assert found.total.upper == pytest.approx(rows.high + 0.004)
    assert found.total.confidence == 0.95


def test_exact_log_z_leaves_the_rows_alone():
    found = score_estimate(VALUES, Estimate.exact(0.0), 0.95)
    assert (found.total.lower, found.total.upper) == (found.test_set.lower, found.test_set.upper)


def test_more_confidence_than_log_z_has_is_refused():
    with pytest.raises(SettingError, match=r"0\.99"):
        score_estimate(VALUES, LOG_Z, 0.995)


def test_a_single_row_promises_nothing():
    found = score_estimate(VALUES[:1], LOG_Z, 0.95).total
    assert found.guarantee is Guarantee.NONE
    assert (found.lower, found.upper) == (-np.inf, np.inf)
