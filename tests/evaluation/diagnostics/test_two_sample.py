import json

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from densimeter.evaluation.diagnostics import classifier_two_sample_test
from densimeter.evaluation.diagnostics.two_sample import _area


def test_area_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    low, high = rng.integers(0, 8, 60), rng.integers(2, 10, 40)
    labels = np.repeat([0, 1], [60, 40])
    assert _area(low, high)[0] == pytest.approx(roc_auc_score(labels, np.concatenate([low, high])))


def test_error_of_the_area_is_that_of_repeated_samples():
    rng = np.random.default_rng(0)
    found = np.array([_area(rng.normal(size=80), rng.normal(1, 1.5, size=60)) for _ in range(2000)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.06)


def test_a_shift_is_found_to_its_known_extent():
    """No classifier of two normals a standard deviation apart has a larger area than Phi(1 / sqrt 2)."""
    rng = np.random.default_rng(0)
    rows, samples = rng.normal(size=(2000, 1)), rng.normal(1, 1, size=(2000, 1))
    found = classifier_two_sample_test(rows, samples, classifier=LogisticRegression(), random_state=0)
    assert found.auc.contains(norm.cdf(1 / np.sqrt(2)))
    assert found.accuracy.contains(norm.cdf(0.5))
    assert found.p_value < 1e-10
    json.dumps(found.to_dict())


def test_a_right_model_is_rarely_told_from_its_rows():
    """Linear classifiers, whose folds agree the most: at 5 % no more than 5 % + 3 standard errors."""
    rng = np.random.default_rng(0)
    model = LogisticRegression()
    p_values = [
        classifier_two_sample_test(*rng.normal(size=(2, 60, 2)), classifier=model, random_state=rng).p_value
        for _ in range(100)
    ]
    assert np.mean(np.array(p_values) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


def test_trees_find_a_wrong_dependence():
    rng = np.random.default_rng(0)
    rows = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 800)
    samples = rng.normal(size=(900, 2))
    found = classifier_two_sample_test(rows, samples, random_state=0)
    assert found.auc.lower > 0.6
    assert found.n_rows == 800
    assert found == classifier_two_sample_test(rows, samples, random_state=0)
