import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from densimeter.datasets import load_old_faithful
from densimeter.tables.rounding import Ties, expected_coincidences, find_rounding, repeats_may_be_chance


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@settings(max_examples=50)
@given(
    step=st.sampled_from([0.01, 0.1, 0.25, 1.0, 5.0]),
    offset=st.sampled_from([0, -7, 1e6]),
    seed=st.integers(0, 99),
)
def test_rounded_columns_are_found_and_spread_within_their_cells(step, offset, seed):
    rng = np.random.default_rng(seed)
    exact = rng.normal(scale=10 * step, size=400)
    column = offset + np.round(exact / step) * step
    rounding = find_rounding("a", column)
    assert rounding.step == pytest.approx(step, rel=1e-6)
    spread = rounding.dequantize(column, rng)
    assert np.abs(spread - column).max() <= step / 2 * (1 + 1e-6)
    assert len(np.unique(spread)) == len(spread)
    assert rounding.mean_log_cell(column) == pytest.approx(np.log(step))


@pytest.mark.parametrize("irregular", [False, True])
def test_cells_lie_side_by_side(rng, irregular):
    values = np.log(np.arange(1, 60)) if irregular else np.round(np.arange(60, 180) / 60, 3)
    rounding = find_rounding("a", rng.choice(values, 2000))
    assert (rounding.step is None) == irregular
    assert (rounding.lower < rounding.values).all()
    assert (rounding.values < rounding.upper).all()
    np.testing.assert_allclose(rounding.upper[:-1], rounding.lower[1:], rtol=1e-9)


def test_noise_is_uniform_over_the_cell(rng):
    column = np.repeat(np.arange(10.0), 2000)
    noise = find_rounding("a", column).dequantize(column, rng) - column
    assert stats.kstest(noise, stats.uniform(-0.5, 1).cdf).pvalue > 0.01


def test_the_input_is_not_modified(rng):
    column = np.round(rng.normal(size=100), 1)
    before = column.copy()
    find_rounding("a", column).dequantize(column, rng)
    np.testing.assert_array_equal(column, before)


@pytest.mark.parametrize("step", [0.1, 1.0, 3.0])
def test_the_correction_bounds_the_probability_of_the_rounded_rows(rng, step):
    """E[log p(x + u)] + log cell <= log P(cell) (Theis et al., 2016), and near it for narrow cells."""
    density = stats.norm(scale=2.0)
    column = np.round(density.rvs(100_000, random_state=rng) / step) * step
    rounding = find_rounding("a", column)
    bound = density.logpdf(rounding.dequantize(column, rng)).mean() + rounding.mean_log_cell(column)
    exact = np.log(density.cdf(column + step / 2) - density.cdf(column - step / 2)).mean()
    sampling = 3 * density.logpdf(column).std() / np.sqrt(len(column))
    assert bound <= exact + 1e-3
    # Jensen's gap is half the variance of log p over the cell, (x step / 4)^2 / 12 / 2, on average over x
    assert exact - bound <= (step / 4) ** 2 * 4 / 24 * 1.5 + sampling


def test_uneven_cells_bound_it_too(rng):
    """Ties without a lattice: the same bound, cell by cell, with the widths of each."""
    column = rng.choice(np.log(np.arange(1, 40)), 50_000)
    rounding = find_rounding("a", column)
    density = stats.norm(2.5, 1.0)
    bound = density.logpdf(rounding.dequantize(column, rng)).mean() + rounding.mean_log_cell(column)
    index = np.searchsorted(rounding.values, column)
    exact = np.log(density.cdf(rounding.upper) - density.cdf(rounding.lower))[index].mean()
    assert exact - 0.05 < bound <= exact + 0.002


def test_real_columns():
    eruptions, waiting = load_old_faithful().data.T
    assert find_rounding("eruptions", eruptions).step == pytest.approx(1 / 60, rel=1e-4)  # whole seconds
    assert find_rounding("waiting", waiting).step == 1


def test_a_point_mass_among_continuous_values_is_found(rng):
    column = np.where(rng.random(1000) < 0.3, 0.0, np.exp(rng.normal(size=1000)))
    rounding = find_rounding("rain", column)
    assert rounding.step is None
    value, share = rounding.atom
    assert value == 0
    assert share == pytest.approx((column == 0).mean())
    assert f", 0 in {share:.0%} of them" in rounding.describe(1000)


def test_zeros_of_both_signs_are_one_value():
    ties = Ties.of(np.array([0.0, -0.0, 1.0, 2.0]))
    assert len(ties.values) == 3
    assert ties.share == 0.5


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), n_rows=st.sampled_from([2, 30, 1000, 20_000]))
def test_continuous_columns_raise_no_alarm(seed, n_rows):
    column = np.random.default_rng(seed).normal(size=n_rows)
    assert find_rounding("a", column) is None


@pytest.mark.parametrize(("location", "n_rows"), [(0, 300_000), (1, 300_000), (1000, 10_000)])
def test_ties_by_single_precision_raise_no_alarm(rng, location, n_rows):
    column = (location + rng.normal(size=n_rows)).astype(np.float32).astype(np.float64)
    assert find_rounding("a", column) is None


def test_single_precision_so_coarse_that_ties_are_the_rule_is_rounding(rng):
    column = (1e6 + rng.normal(size=2000)).astype(np.float32).astype(np.float64)
    assert find_rounding("a", column).step == pytest.approx(0.0625)


@pytest.mark.parametrize("copies", [2, 10, 100])
def test_repeated_rows_are_no_rounding(rng, copies):
    once = rng.normal(size=200)
    assert find_rounding("a", np.repeat(once, copies), lambda: once) is None


def test_resampled_rows_of_one_column_are_no_rounding(rng):
    assert find_rounding("a", rng.choice(rng.normal(size=1000), 1000)) is None


def test_one_column_of_few_uneven_values_is_discrete(rng):
    assert find_rounding("a", rng.choice([0.13, 1.7, 2.9, 5.55, 9.1], 500)) is not None


def _uniform(n, seed=0):
    return np.random.default_rng(seed).random(n)


@pytest.mark.parametrize(
    ("column", "by_chance"),
    [
        (np.random.default_rng(0).poisson(0.3, 5000).astype(float), True),
        (_uniform(3000).round(2), True),
        (_uniform(3000).round(6), True),  # one pair in a thousand tables has no tie
        (_uniform(100_000).astype(np.float32).astype(float), True),
        (_uniform(100_000, 1).round(4) / 3, True),
        (100 * _uniform(3000).round(2), True),
        (_uniform(3000), False),
        (_uniform(300).astype(np.float32).astype(float), False),
        (_uniform(200).round(9), False),
        (np.log(_uniform(100_000)), False),
    ],
)
def test_repeats_are_chance_where_the_digits_are_few_for_so_many_rows(column, by_chance):
    rows = np.repeat(column, 2)[:, None]
    assert repeats_may_be_chance(["a"], rows, rows[:, 0]) is by_chance
    beside = np.column_stack([rows[:, 0], np.repeat(_uniform(len(column), 7), 2)])
    assert not repeats_may_be_chance(["a", "b"], beside, np.repeat(np.arange(len(column)), 2))


@pytest.mark.parametrize("places", [3, 4])
def test_coincidences_are_as_many_as_expected(places):
    """Pairs of equal values among 3,000 rounded normal ones, on average over 40 tables, by counting."""
    found, expected = [], []
    for seed in range(40):
        column = np.random.default_rng(seed).normal(size=3000).round(places)
        counts = np.unique(column, return_counts=True)[1]
        found.append((counts * (counts - 1) / 2).sum())
        expected.append(expected_coincidences(column))
    assert np.mean(expected) == pytest.approx(np.mean(found), rel=0.2)
