import json

import numpy as np

from densimeter.evaluation.diagnostics import separating_rows, unexplained_rows


def test_separating_rows_are_the_extremes_of_the_difference():
    rng = np.random.default_rng(0)
    first, second, index = rng.normal(size=100), rng.normal(size=100), rng.permutation(1000)[:100]
    found = separating_rows(first, second, index, n_rows=3)
    order = np.argsort(first - second)
    assert {row.position for row in found} == {*order[:3].tolist(), *order[-3:].tolist()}
    assert all(row.index == index[row.position] for row in found)
    sizes = [abs(row.difference) for row in found]
    assert sizes == sorted(sizes, reverse=True)


def test_rows_that_both_exclude_separate_nothing():
    found = separating_rows([-np.inf, -np.inf, 0.0], [-np.inf, 1.0, 0.0])
    assert [(row.position, row.difference) for row in found] == [(1, -np.inf)]
    assert json.loads(json.dumps(found[0].to_dict()))["first"] is None


def test_models_that_agree_have_no_separating_rows():
    assert separating_rows(np.zeros(5), np.zeros(5)) == ()


def test_unexplained_rows_are_low_under_every_model():
    rng = np.random.default_rng(1)
    scores = {"a": rng.normal(size=50), "b": rng.normal(size=50)}
    scores["a"][7] = -100  # low under one model only
    scores["a"][9] = scores["b"][9] = -50
    found = unexplained_rows(scores, n_rows=50)
    assert found[0].position == 9
    best = np.maximum(scores["a"], scores["b"])
    assert [row.best_score for row in found] == sorted(best.tolist())
    assert all(row.scores[row.best_model] == row.best_score for row in found)
    json.dumps(found[0].to_dict())
