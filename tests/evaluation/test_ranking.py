"""The family-wise correction, on a textbook's example and in a simulation."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from densimeter.evaluation.ranking import adjusted_pairs, holm, indistinguishable


def test_holm_by_hand():
    # Holm (1979): 4 x 0.005, 3 x 0.01, then the larger of 2 x 0.03 and what came before, and 0.04 beside it
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_any_false_rejection_among_all_pairs_is_as_rare_as_the_level():
    generator = np.random.default_rng(0)
    names, wrong = "abcd", 0
    for _ in range(600):
        scores = dict(zip(names, generator.normal(size=(4, 60)), strict=True))
        p = {(a, b): stats.ttest_rel(scores[a], scores[b]).pvalue for a, b in combinations(names, 2)}
        wrong += min(adjusted_pairs(names, p).values()) < 0.05
    assert wrong / 600 < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 600)
    assert wrong > 0


def test_runs_hold_only_models_that_no_pair_tells_apart():
    p = dict.fromkeys(combinations("abcd", 2), 0.01) | {("a", "b"): 0.5, ("b", "c"): 0.5, ("c", "d"): 0.5}
    assert indistinguishable("abcd", p, 0.05) == (("a", "b"), ("b", "c"), ("c", "d"))
    p["a", "c"] = 0.2
    assert indistinguishable("abcd", p, 0.05) == (("a", "b", "c"), ("c", "d"))
    assert indistinguishable("a", {}, 0.05) == ()
    with pytest.raises(KeyError):
        indistinguishable("ab", {}, 0.05)
