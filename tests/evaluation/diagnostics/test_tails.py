import json

import numpy as np
import pytest
from scipy import stats

from densimeter.evaluation.diagnostics import summarise_tail


@pytest.mark.parametrize("n", [5, 50, 1000])
def test_trimmed_mean_and_its_error_are_those_of_scipy(n):
    scores = np.random.default_rng(0).standard_t(3, size=n)
    found = summarise_tail(scores, trimmed_share=0.2)
    assert found.trimmed_mean.value == pytest.approx(stats.trim_mean(scores, 0.2))
    interval = stats.ttest_1samp(scores, 0)  # without trimming the interval is Student's
    plain = summarise_tail(scores, trimmed_share=0.0).trimmed_mean
    ends = interval.confidence_interval(0.95)
    assert (plain.lower, plain.upper) == pytest.approx((ends.low, ends.high))
    cut = int(0.2 * n)
    error = stats.mstats.trimmed_stde(scores, limits=(cut / n + 1e-9, cut / n + 1e-9))
    expected = stats.t.ppf(0.975, n - 2 * cut - 1) * float(error)
    assert found.trimmed_mean.half_width == pytest.approx(expected)


@pytest.mark.parametrize("freedom", [1.5, 30])
def test_robust_intervals_cover(freedom):
    """95 % over 1000 tables, ± 3 standard errors of 0.7 %, and as much again for 200 rows not being many."""
    rng = np.random.default_rng(0)
    found = [summarise_tail(rng.standard_t(freedom, size=200)) for _ in range(1000)]
    for covered in (
        [one.trimmed_mean.contains(0) for one in found],
        [one.median.contains(0) for one in found],
    ):
        assert 0.93 < np.mean(covered) < 0.98


def test_the_median_interval_is_the_binomial_one():
    found = summarise_tail(np.arange(1.0, 21.0)).median
    assert (found.lower, found.upper) == (6.0, 15.0)  # of 20 rows the 6th and the 15th: 95.9 %
    assert stats.binom.cdf(5, 20, 0.5) < 0.025 < stats.binom.cdf(6, 20, 0.5)


def test_heavy_tails_are_told_from_light_ones():
    rng = np.random.default_rng(0)
    light = [summarise_tail(stats.norm.logpdf(rng.normal(size=1000))).heavy for _ in range(100)]
    heavy = [summarise_tail(stats.norm.logpdf(rng.standard_t(2, size=1000))).heavy for _ in range(100)]
    assert sum(light) <= 2
    assert sum(heavy) >= 98


def _share_of_heavy(draw, n, repeats, seed=0):
    rng = np.random.default_rng(seed)
    return np.mean([summarise_tail(draw(rng, n)).heavy for _ in range(repeats)])


def _normal_rows(rng, n, d=1):
    return stats.norm.logpdf(rng.normal(size=(n, d))).sum(axis=1)


def test_thirty_normal_rows_are_seldom_called_heavy():
    """5 % at most; of 300 tables, three standard errors of 1.3 % above it."""
    assert _share_of_heavy(_normal_rows, 30, 300) < 0.09
    assert _share_of_heavy(_normal_rows, 20, 20) == 0


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("n", [26, 30, 40, 60, 100, 130, 300, 1000])
def test_exact_normals_are_called_heavy_at_most_at_the_level(n, d):
    """4,000 tables: three standard errors of 0.35 % above 5 %."""
    assert _share_of_heavy(lambda rng, n: _normal_rows(rng, n, d), n, 4000, seed=1) < 0.05 + 0.0105


@pytest.mark.parametrize(
    ("freedom", "n", "power"), [(1, 30, 0.45), (2, 100, 0.7), (1, 100, 0.93), (2, 1000, 0.97)]
)
def test_heavy_tails_are_found(freedom, n, power):
    found = _share_of_heavy(lambda rng, n: stats.norm.logpdf(rng.standard_t(freedom, size=n)), n, 200)
    assert found > power


def test_excluded_rows_are_counted_and_trimmed():
    scores = np.r_[[-np.inf] * 3, np.random.default_rng(0).normal(size=97)]
    found = summarise_tail(scores)
    assert found.heavy
    assert found.n_excluded == 3
    assert np.isfinite([found.trimmed_mean.lower, found.median.value]).all()
    many = summarise_tail(np.r_[[-np.inf] * 60, np.zeros(40)])
    assert many.trimmed_mean.value == many.median.value == -np.inf
    assert json.loads(json.dumps(many.to_dict()))["median"]["value"] is None


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_scores_promise_nothing(n):
    found = summarise_tail(np.arange(float(n)))
    assert found.median.lower == -np.inf
    assert found.trimmed_mean.value == pytest.approx((n - 1) / 2)
