"""Errors of means: against scipy, and against the truth in simulations."""

import numpy as np
import pytest
from scipy import stats

from densimeter.evaluation import sampling_errors
from densimeter.evaluation.sampling_errors import StudentError, bootstrap_errors


def skewed_scores(n, seed, columns=1):
    """Log-densities of normal rows in three columns: their lower tail is the longer one."""
    return -np.random.default_rng(seed).chisquare(3, size=(n, columns)) / 2


def student_errors(columns, _generator):
    return [StudentError.of(column) for column in columns.T]


def test_bca_is_scipys():
    scores = skewed_scores(60, 0)
    ours = np.mean(
        [bootstrap_errors(scores, np.random.default_rng(seed))[0].ends(0.9) for seed in range(6)], axis=0
    )
    theirs = stats.bootstrap(
        (scores[:, 0],), np.mean, n_resamples=60_000, confidence_level=0.9, rng=np.random.default_rng(9)
    ).confidence_interval
    width = theirs.high - theirs.low
    np.testing.assert_allclose(ours, theirs, atol=0.015 * width)
    student = StudentError.of(scores[:, 0]).ends(0.9)
    assert abs(student[0] - theirs.low) > 0.015 * width  # what is compared is no property of any interval


def test_columns_are_resampled_together():
    scores = skewed_scores(200, 1, columns=2)
    both = np.column_stack([scores, scores[:, 0] - scores[:, 1]])
    one, other, difference = bootstrap_errors(both, np.random.default_rng(0))
    np.testing.assert_allclose(difference.resampled, one.resampled - other.resampled, atol=1e-12)


def test_sets_of_rows_leave_the_interval_as_it_is(monkeypatch):
    scores = skewed_scores(20_011, 2)
    in_sets = bootstrap_errors(scores, np.random.default_rng(0))[0]
    monkeypatch.setattr(sampling_errors, "MOST_RESAMPLED", 10**9)
    monkeypatch.setattr(sampling_errors, "N_RESAMPLES", 2000)
    alone = bootstrap_errors(scores, np.random.default_rng(1))[0]
    width = np.diff(alone.ends(0.95))[0]
    np.testing.assert_allclose(in_sets.ends(0.95), alone.ends(0.95), atol=0.06 * width)  # of 2,000 resamples


def test_scores_that_are_all_equal_have_no_error():
    for error in (
        StudentError.of(np.full(9, -2.0)),
        *bootstrap_errors(np.full((9, 1), -2.0), np.random.default_rng(0)),
    ):
        assert error.ends(0.95) == (-2.0, -2.0)


def test_p_value_is_scipys():
    differences = np.random.default_rng(3).normal(0.2, size=30)
    error = StudentError.of(differences)
    assert error.p_value() == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert error.p_value(slack=abs(error.value)) == 1.0
    assert error.p_value() < error.p_value(slack=0.1) < 1.0
    assert StudentError.of(np.full(5, 0.5)).p_value() == 0.0


def test_corrected_resampled_error_is_the_papers():
    means = np.array([0.1, 0.3, 0.2, 0.25])
    error = StudentError.of_repeats(means, test_share=0.25)
    variance = (1 / 4 + 0.25) * np.var(means, ddof=1)
    half = stats.t.ppf(0.975, 3) * np.sqrt(variance)
    np.testing.assert_allclose(error.ends(0.95), [means.mean() - half, means.mean() + half])


@pytest.mark.slow
@pytest.mark.parametrize("errors_of", [student_errors, bootstrap_errors])
def test_intervals_cover_as_often_as_they_say(errors_of, monkeypatch):
    monkeypatch.setattr(sampling_errors, "N_RESAMPLES", 1000)
    generator = np.random.default_rng(4)
    covered = 0
    for _ in range(40):
        scores = -generator.chisquare(3, size=(300, 100)) / 2
        for error in errors_of(scores, generator):
            lower, upper = error.ends(0.95)
            covered += lower <= -1.5 <= upper
    assert covered / 4000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.slow
def test_groups_are_resampled_whole(monkeypatch):
    """Thirty groups of five rows that are equal: 95 % of 2,000 tables, less for the bootstrap of thirty."""
    monkeypatch.setattr(sampling_errors, "N_RESAMPLES", 1000)
    generator, labels = np.random.default_rng(6), np.repeat(np.arange(30), 5)
    scores = generator.normal(size=(30, 2000))[labels]
    ends = np.array([error.ends(0.95) for error in bootstrap_errors(scores, generator, labels)])
    assert 0.91 < np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0)) < 0.965


@pytest.mark.slow
def test_the_correction_for_repeated_splits_is_needed_and_enough():
    """The expected score of a normal density fitted to 80 of 100 rows, over many data sets."""
    generator = np.random.default_rng(5)
    fits = generator.normal(size=(20_000, 80))
    means, variances = fits.mean(axis=1), fits.var(axis=1)
    truth = np.mean(-0.5 * np.log(2 * np.pi * variances) - (1 + means**2) / (2 * variances))
    naive = corrected = 0
    for _ in range(1000):
        rows, scores = generator.normal(size=100), []
        for _ in range(10):
            order = generator.permutation(100)
            train, test = rows[order[20:]], rows[order[:20]]
            scores.append(stats.norm.logpdf(test, train.mean(), train.std()).mean())
        for share in (0.0, 0.25):
            lower, upper = StudentError.of_repeats(np.array(scores), share).ends(0.95)
            if share:
                corrected += lower <= truth <= upper
            else:
                naive += lower <= truth <= upper
    assert naive < 850
    assert corrected > 920
