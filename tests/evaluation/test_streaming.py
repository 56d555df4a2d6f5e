import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import densimeter as dm
from densimeter.evaluation import streaming
from densimeter.evaluation.intervals import mean_interval
from densimeter.evaluation.streaming import ScoreSummary, draw_blocks, score_blocks
from densimeter.foundations.errors import DataError
from densimeter.foundations.estimates import Estimate, Guarantee

LOG_Z = Estimate(0.5, 0.4, 0.7, 0.99, "certificate", Guarantee.CERTIFIED)


@given(
    scores=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    with_log_z=st.booleans(),
)
def test_merged_parts_give_the_interval_of_the_whole(scores, cuts, with_log_z):
    scores = np.array(scores)
    whole = ScoreSummary()
    for part in np.split(scores, sorted(min(cut, len(scores)) for cut in cuts)):
        whole = whole.merge(ScoreSummary.of(part))
    log_z = [LOG_Z] if with_log_z else []
    found, expected = whole.interval(0.95, *log_z), mean_interval(scores, 0.95, *log_z)
    assert whole.n_scored == len(scores)
    assert found.method == expected.method
    for end in ("value", "lower", "upper"):
        # sums in another order round otherwise, by the size of the scores
        assert getattr(found, end) == pytest.approx(getattr(expected, end), rel=1e-9, abs=1e-9)


def test_rows_without_a_score_are_counted_apart():
    found = ScoreSummary.of(np.array([np.nan, 1.0, 3.0])).merge(ScoreSummary.of(np.array([np.nan])))
    assert (found.n_scored, found.n_missing, found.mean) == (2, 2, 2.0)
    with pytest.raises(DataError, match="no row has a log-density"):
        ScoreSummary.of(np.array([np.nan])).interval(0.95)


def test_a_row_outside_the_support_makes_the_mean_minus_infinity():
    parts = [np.array([1.0, 2.0]), np.array([-np.inf, 3.0]), np.array([4.0])]
    whole = ScoreSummary()
    for part in parts:
        whole = whole.merge(ScoreSummary.of(part))
    assert whole.interval(0.95) == mean_interval(np.concatenate(parts), 0.95)


def test_one_row_alone_has_an_interval_without_bound():
    found = ScoreSummary.of(np.array([1.0])).interval(0.95)
    assert (found.value, found.lower, found.upper) == (1.0, -np.inf, np.inf)


def test_blocks_are_scored_like_the_whole_and_gaps_stay_in_place():
    rows = np.random.default_rng(0).normal(size=(50, 2))
    model = dm.GaussianMixture(2, random_state=0).fit(rows)
    expected = model.score_samples(rows)
    rows[7, 1], rows[30:35, 0] = np.nan, np.inf
    found = np.concatenate(list(score_blocks(model, np.split(rows, [10, 30, 35]), ["a", "b"], False)))
    assert np.flatnonzero(np.isnan(found)).tolist() == [7, *range(30, 35)]
    np.testing.assert_array_equal(found[~np.isnan(found)], expected[~np.isnan(found)])
    with pytest.raises(DataError, match="row 8 has no finite number in 'b'"):
        list(score_blocks(model, np.split(rows, [3, 5]), ["a", "b"], True))


@pytest.mark.parametrize("n", [1, 99, 100, 101, 250])
def test_as_many_rows_are_drawn_as_asked_for_in_random_order(n, monkeypatch):
    monkeypatch.setattr(streaming, "ROWS_AT_ONCE", 100)
    model = dm.GaussianMixture.from_parameters([0.5, 0.5], [[-50.0], [50.0]], np.ones((2, 1, 1)))
    rows = np.concatenate(list(draw_blocks(model, n, 0)))
    assert rows.shape == (n, 1)
    np.testing.assert_array_equal(rows, np.concatenate(list(draw_blocks(model, n, 0))))
    if n == 250:  # the first hundred rows are not the first component alone
        assert 30 < (rows[:100] > 0).sum() < 70
        assert (np.diff(rows[:100, 0] > 0) != 0).sum() > 20
