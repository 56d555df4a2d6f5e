"""Means over rows that hang together: closed forms, and the truth in simulations."""

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from densimeter.evaluation.dependence import Clustered, Independent, Serial, likeness_of_neighbours
from densimeter.evaluation.sampling_errors import StudentError


def autoregression(generator, n, slope, burn=300):
    """A stationary series with mean 0."""
    return lfilter([1.0], [1.0, -slope], generator.normal(size=n + burn))[burn:]


def clusters(generator, n_groups, correlation, sizes):
    sizes = sizes(generator, n_groups)
    labels = np.repeat(np.arange(n_groups), sizes)
    shared = np.sqrt(correlation) * generator.normal(size=n_groups)[labels]
    return shared + np.sqrt(1 - correlation) * generator.normal(size=len(labels)), labels


EQUAL, UNEVEN = (lambda g, k: np.full(k, 8)), (lambda g, k: 1 + g.geometric(0.12, k))


def test_groups_of_one_row_are_independent_rows():
    scores = np.random.default_rng(0).normal(size=40)
    clustered, plain = Clustered(np.arange(40)).error(scores), Independent().error(scores)
    assert clustered.standard_error == pytest.approx(plain.standard_error)
    assert clustered.degrees == pytest.approx(39)


def test_groups_of_one_size_are_as_many_means():
    generator = np.random.default_rng(1)
    scores, labels = clusters(generator, 12, 0.5, EQUAL)
    found = Clustered(generator.permutation(12)[labels]).error(scores)
    means = StudentError.of(scores.reshape(12, 8).mean(axis=1))
    assert found.standard_error == pytest.approx(means.standard_error)
    assert found.degrees == pytest.approx(11)


def test_degrees_of_uneven_groups_are_those_of_the_quadratic_form():
    """Satterthwaite's from the eigenvalues of the form, where the correlation is as good as one."""
    sizes = np.array([1, 2, 3, 10, 30])
    labels = np.repeat(np.arange(5), sizes)
    effects = np.random.default_rng(2).normal(size=5)
    found = Clustered(labels).error(effects[labels])
    spread = np.diag(sizes.astype(float))
    centred = np.eye(5) - np.outer(sizes / sizes.sum(), np.ones(5))
    eigenvalues = np.linalg.eigvalsh(spread.T @ centred.T @ centred @ spread)
    assert found.degrees == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    sums = sizes * (effects - (sizes @ effects) / sizes.sum())
    factor = (sizes**2).sum() / eigenvalues.sum()
    assert found.standard_error == pytest.approx(np.sqrt(factor * (sums**2).sum()) / sizes.sum())


def test_what_is_too_little_to_know_has_no_bound():
    scores = np.random.default_rng(0).normal(size=20)
    assert Clustered(np.zeros(20)).error(scores).ends(0.95) == (-np.inf, np.inf)
    assert Serial(np.arange(20) // 4).error(scores).ends(0.95) == (-np.inf, np.inf)
    for dependence in (Clustered(np.arange(20) // 4), Serial(np.arange(20))):
        assert dependence.error(np.ones(20)).ends(0.95) == (1.0, 1.0)


def test_time_is_read_from_the_moments_not_from_the_order_of_rows():
    generator = np.random.default_rng(3)
    series, order = autoregression(generator, 200, 0.7), generator.permutation(200)
    straight, mixed = Serial(np.arange(200)).error(series), Serial(order).error(series[order])
    assert mixed.standard_error == pytest.approx(straight.standard_error)
    assert straight.standard_error > 1.5 * StudentError.of(series).standard_error


def test_several_rows_of_one_moment_are_one():
    generator = np.random.default_rng(4)
    series = autoregression(generator, 300, 0.5)
    twice = Serial(np.repeat(np.arange(300), 2)).error(np.repeat(series, 2))
    once = Serial(np.arange(300)).error(series)
    assert twice.standard_error == pytest.approx(once.standard_error)


def _coverage(draw, repeats, seed=0):
    generator, covered = np.random.default_rng(seed), 0
    for _ in range(repeats):
        scores, dependence = draw(generator)
        lower, upper = dependence.error(scores).ends(0.95)
        covered += lower <= 0 <= upper
    return covered / repeats


def _grouped(n_groups, correlation, sizes):
    def draw(generator):
        scores, labels = clusters(generator, n_groups, correlation, sizes)
        return scores, Clustered(labels)

    return draw


def _in_time(n, slope):
    return lambda generator: (autoregression(generator, n, slope), Serial(np.arange(n)))


def test_dependent_rows_are_covered():
    """800 tables each: 95 %, three standard errors of 0.8 %."""
    assert _coverage(_grouped(57, 0.5, UNEVEN), 800) == pytest.approx(0.95, abs=0.025)
    assert _coverage(_in_time(200, 0.85), 800) == pytest.approx(0.95, abs=0.025)
    plain = _coverage(lambda g: (autoregression(g, 200, 0.85), Independent()), 800)
    assert plain < 0.6  # the cover is no property of any interval


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", [10, 20, 57])
@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.9])
def test_groups_are_covered(n_groups, correlation):
    """Within 1.5 % of 95 %, of 6,000 tables."""
    assert _coverage(_grouped(n_groups, correlation, EQUAL), 6000) == pytest.approx(0.95, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.9])
def test_uneven_groups_are_covered(correlation):
    assert _coverage(_grouped(57, correlation, UNEVEN), 6000) == pytest.approx(0.95, abs=0.015)
    assert 0.935 < _coverage(_grouped(20, correlation, UNEVEN), 6000) < 0.98


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 100, 200, 500])
@pytest.mark.parametrize("slope", [0.0, 0.5, 0.85])
def test_series_are_covered(n, slope):
    """Within 1.5 % of 95 %, of 6,000 series, those of autocorrelation 0.85 among them."""
    assert _coverage(_in_time(n, slope), 6000) == pytest.approx(0.95, abs=0.015)


def test_random_order_seldom_looks_alike_and_a_series_does():
    generator = np.random.default_rng(5)
    p_values = [likeness_of_neighbours(generator.standard_t(2, 150), np.arange(150))[1] for _ in range(2000)]
    assert np.mean(np.array(p_values) < 0.01) < 0.02
    assert stats.kstest(p_values, "uniform").statistic < 0.05
    likeness, p_value = likeness_of_neighbours(autoregression(generator, 300, 0.6), np.arange(300))
    assert likeness == pytest.approx(0.6, abs=0.15)
    assert p_value < 1e-6
    assert likeness_of_neighbours(np.ones(50), np.arange(50))[1] == 1.0
