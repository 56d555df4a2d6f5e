import json

import numpy as np
import pytest
from scipy import stats

from densimeter.evaluation.diagnostics import (
    highest_density_coverage,
    marginal_fits,
    probability_integral_transform,
)


def test_ranks_are_the_probability_integral_transform():
    rng = np.random.default_rng(0)
    rows, samples = rng.normal(size=(200, 2)), rng.normal(size=(200_000, 2))
    for column, values in zip(probability_integral_transform(rows, samples), rows.T, strict=True):
        # the samples' own error is at most 0.005 everywhere with a confidence beyond 99 %
        np.testing.assert_allclose(column.ranks, stats.norm.cdf(values), atol=0.005)
        np.testing.assert_allclose(
            column.actual, [(column.ranks <= level).mean() for level in column.nominal], atol=1e-12
        )
        assert column.within_band


@pytest.mark.parametrize(
    ("scale", "sign"), [(0.6, -1), (1.6, 1)], ids=["a narrow model covers less", "a wide one more"]
)
def test_coverage_of_a_wrong_spread_is_known(scale, sign):
    """Of a normal model with standard deviation s, P(|x| < s q_c) rows lie in the region of probability c."""
    rng = np.random.default_rng(0)
    rows, samples = rng.normal(size=5000), rng.normal(0, scale, size=50_000)
    found = highest_density_coverage(stats.norm.logpdf(rows, 0, scale), stats.norm.logpdf(samples, 0, scale))
    expected = 2 * stats.norm.cdf(scale * stats.norm.ppf((1 + found.nominal) / 2)) - 1
    np.testing.assert_allclose(found.actual, expected, atol=found.band)
    assert np.sign((found.actual - found.nominal)[50]) == sign
    assert not found.within_band
    assert found.p_value < 1e-6


def test_rows_outside_the_support_are_in_no_region():
    found = highest_density_coverage([-np.inf] * 50, np.zeros(1000), random_state=0)
    assert found.actual[found.nominal < 0.99].max() == 0


def test_a_plateau_is_covered_evenly():
    """A uniform density has one value everywhere: regions are picked at random, and coverage is right."""
    found = highest_density_coverage(np.zeros(2000), np.zeros(5000), random_state=0)
    assert found.within_band
    assert found.p_value > 0.001


def test_rounded_columns_are_not_blamed_on_the_model():
    rng = np.random.default_rng(0)
    rows, samples = rng.normal(size=(3000, 1)).round(1), rng.normal(size=(10_000, 1))
    (column,) = probability_integral_transform(rows, samples, ["height"], random_state=0)
    (marginal,) = marginal_fits(rows, samples, ["height"], random_state=0)
    assert min(column.p_value, marginal.p_value) > 0.001
    assert stats.ks_2samp(rows[:, 0], samples[:, 0]).pvalue < 0.01  # without care
    assert marginal.rounding_step == pytest.approx(0.1)
    assert json.loads(json.dumps(column.to_dict()))["name"] == "height"


def test_marginals_have_both_quantiles_and_histograms():
    rng = np.random.default_rng(0)
    rows, samples = rng.gamma(2, size=(500, 2)), rng.gamma(2, size=(800, 2))
    for j, fit in enumerate(marginal_fits(rows, samples)):
        np.testing.assert_allclose(fit.row_quantiles, np.quantile(rows[:, j], fit.probabilities))
        np.testing.assert_allclose(fit.sample_quantiles, np.quantile(samples[:, j], fit.probabilities))
        assert (fit.row_density * np.diff(fit.edges)).sum() == pytest.approx(1)
        assert (fit.sample_density * np.diff(fit.edges)).sum() <= 1 + 1e-12
        assert fit.p_value > 0.001
        json.dumps(fit.to_dict())


def test_a_constant_column_has_a_marginal():
    (fit,) = marginal_fits(np.full((30, 1), 5.0), np.random.default_rng(0).normal(5, 1, (100, 1)))
    assert np.isfinite(fit.row_density).all()


def test_the_same_seed_gives_the_same_numbers():
    rows = np.random.default_rng(0).integers(0, 4, size=(100, 1)) * 1.0
    first, second = (probability_integral_transform(rows, rows, random_state=3)[0] for _ in range(2))
    np.testing.assert_array_equal(first.ranks, second.ranks)
