"""Whether a classifier can tell a model's samples from rows that the model has not seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from densimeter.foundations.estimates import Estimate
from densimeter.foundations.randomness import RandomState, generator_from

MOST_ROWS = 10_000
"""Of each kind; with more, differences that nobody would mind are found."""


@dataclass(frozen=True)
class TwoSampleTest:
    """How well rows and samples were told apart on rows that the classifier had not seen.

    Attributes
    ----------
    accuracy : Estimate
        Share of right guesses, 0.5 for a right model.
    auc : Estimate
        Probability that the classifier puts a sample above a row, 0.5 for a right model.
    p_value : float
        How often a right model gets so high an area, one-sided.
    n_rows : int
        Of each kind.
    """

    accuracy: Estimate
    auc: Estimate
    p_value: float
    n_rows: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "accuracy": self.accuracy.to_dict(),
            "auc": self.auc.to_dict(),
            "p_value": self.p_value,
            "n_rows": self.n_rows,
        }


def classifier_two_sample_test(
    rows: ArrayLike,
    samples: ArrayLike,
    *,
    classifier: Any = None,
    n_folds: int = 5,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> TwoSampleTest:
    """Cross-validated classification of held-out rows against a model's samples.

    If the model is right, no classifier does better than chance on rows it has not seen. Equally many of
    both kinds are used. The area under the ROC curve is that within each fold, averaged; its error is
    DeLong's, and under a right model that of Wilcoxon's rank sum, both corrected for the rows that the folds'
    classifiers share.

    Parameters
    ----------
    rows : array of shape (n_samples, n_features)
        Rows that the model has not seen.
    samples : array of shape (n_draws, n_features)
        Independent draws of the model, at least as many as rows if all rows are to be used.
    classifier : scikit-learn classifier, optional
        With ``predict_proba``; by default gradient-boosted trees on histograms.
    n_folds : int
    confidence : float
    random_state : seed or generator

    References
    ----------
    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR (2017); DeLong, DeLong and
    Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves", Biometrics 44 (1988);
    Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52 (2003).

    Examples
    --------
    >>> x, y = np.random.default_rng(0).normal(size=(2, 500, 2))
    >>> classifier_two_sample_test(x, y + 2, random_state=0).p_value < 1e-6
    True
    """
    generator = generator_from(random_state)
    rows, samples = np.asarray(rows, np.float64), np.asarray(samples, np.float64)
    n = min(len(rows), len(samples), MOST_ROWS)
    both = np.concatenate([generator.permutation(part)[:n] for part in (rows, samples)])
    labels = np.repeat([0, 1], n)
    seed = int(generator.integers(2**31))
    model: Any = _trees(seed) if classifier is None else classifier
    folds = list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(both, labels))
    with threadpool_limits(1, "openmp"):  # so few rows are not worth the threads' waiting for each other
        table = np.array([_score_fold(clone(model), both, labels, *fold) for fold in folds])
    area, accuracy = float(table[:, 0].mean()), float(table[:, 2].mean())
    return TwoSampleTest(
        _estimate(accuracy, _error_of_mean(table[:, 3]), confidence, f"mean over {n_folds} folds"),
        _estimate(area, _error_of_mean(table[:, 1]), confidence, f"mean over {n_folds} folds, DeLong"),
        float(ndtr(-(area - 0.5) / _error_of_mean(table[:, 4]))),
        n,
    )


def _score_fold(
    model: Any, both: np.ndarray, labels: np.ndarray, seen: np.ndarray, unseen: np.ndarray
) -> tuple[float, float, float, float, float]:
    """Area, its error, accuracy, its error, and the area's error under a right model."""
    guesses = model.fit(both[seen], labels[seen]).predict_proba(both[unseen])[:, 1]
    truth = labels[unseen]
    accuracy = float(((guesses > 0.5) == truth).mean())
    accuracy_error = math.sqrt(accuracy * (1 - accuracy) / len(truth))
    return (
        *_area(guesses[truth == 0], guesses[truth == 1]),
        accuracy,
        accuracy_error,
        _null_error(np.bincount(truth)),
    )


def _error_of_mean(errors: np.ndarray) -> float:
    """Of the mean over K folds, whose classifiers share training rows: not 1/K but 1/K + 1/(K - 1)."""
    n_folds = len(errors)
    return math.sqrt(np.square(errors).mean() * (1 / n_folds + 1 / (n_folds - 1)))


def _estimate(value: float, error: float, confidence: float, method: str) -> Estimate:
    half = float(ndtri((1 + confidence) / 2)) * error
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0), confidence, method)


def _trees(seed: int) -> Any:
    trees: Any = HistGradientBoostingClassifier  # its annotations claim that early_stopping is a word
    return trees(max_iter=60, learning_rate=0.1, max_leaf_nodes=15, early_stopping=False, random_state=seed)


def _area(low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """``P(low < high) + P(low = high) / 2`` and its standard error, by DeLong's placements."""
    both = rankdata(np.concatenate([low, high]))
    placed_low = 1 - (both[: len(low)] - rankdata(low)) / len(high)
    placed_high = (both[len(low) :] - rankdata(high)) / len(low)
    variance = placed_low.var(ddof=1) / len(low) + placed_high.var(ddof=1) / len(high)
    return float(placed_high.mean()), math.sqrt(variance)


def _null_error(counts: np.ndarray) -> float:
    """Standard error of the area where both kinds are alike (Wilcoxon's rank sum)."""
    a, b = counts
    return math.sqrt((a + b + 1) / (12 * a * b))
