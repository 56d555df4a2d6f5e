import numpy as np
import pytest
from scipy import stats

from densimeter.evaluation.diagnostics.cells import matched
from densimeter.evaluation.diagnostics.ranks import band_half_width, uniform_ranks, uniformity


def test_ranks_are_those_counted_one_by_one():
    rng = np.random.default_rng(0)
    values, samples = rng.integers(0, 5, 40), rng.integers(0, 5, 30)
    ranks = uniform_ranks(values, samples, 0)
    for value, rank in zip(values, ranks, strict=True):
        below, equal = (samples < value).sum(), (samples == value).sum()
        assert below / 31 <= rank <= (below + equal + 1) / 31


@pytest.mark.parametrize(
    ("draw", "least"),
    [(lambda rng, n: rng.normal(size=n), 0.029), (lambda rng, n: rng.integers(0, 3, n), 0.005)],
    ids=["continuous", "ties"],
)
def test_a_right_model_is_rarely_rejected(draw, least):
    """At the 5 % level over 1000 tables: 5 % ± 3 standard errors of 0.7 %; fewer with ties."""
    rng = np.random.default_rng(0)
    p_values = [
        uniformity(uniform_ranks(draw(rng, 150), samples := draw(rng, 400), rng), len(samples))[1]
        for _ in range(1000)
    ]
    assert least < np.mean(np.array(p_values) < 0.05) < 0.071


def test_without_ties_the_distance_is_that_of_two_samples():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=500), rng.normal(0.2, 1, size=2000)
    distance, p_value = uniformity(uniform_ranks(x, y, 0), len(y))
    other = stats.ks_2samp(x, y, method="asymp")
    assert distance == pytest.approx(other.statistic, abs=2 / 500)
    assert p_value == pytest.approx(other.pvalue, rel=0.3)


def test_the_band_holds_whole_curves_as_often_as_it_says():
    rng = np.random.default_rng(0)
    half = band_half_width(200, 300, 0.9)
    held = 0
    for _ in range(1000):
        ranks = np.sort(uniform_ranks(rng.random(200), rng.random(300), rng))
        above = np.arange(1, 201) / 200 - ranks
        held += above.max() <= half and (1 / 200 - above).max() <= half
    assert held >= 0.9 * 1000 - 3 * np.sqrt(1000 * 0.09)


def test_rounded_values_and_samples_share_their_cells():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    pair = matched(x.round(1), x)
    np.testing.assert_array_equal(pair.values, pair.drawn)
    plain = matched(x, x)
    assert plain.rounding is None


def test_tied_values_without_a_lattice_share_their_cells():
    values = np.repeat(np.sqrt(np.arange(1.0, 30.0)), 40)
    pair = matched(values, values)
    assert pair.rounding is not None
    np.testing.assert_array_equal(pair.values, pair.drawn)
    assert matched(values, np.array([-5.0, 50.0])).drawn.tolist() == [-1.0, 29.0]
