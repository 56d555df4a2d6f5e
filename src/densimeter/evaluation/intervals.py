"""Intervals for means of held-out scores."""

from __future__ import annotations

import numpy as np
from scipy import stats

from densimeter.foundations.estimates import Estimate, Guarantee


def mean_interval(scores: np.ndarray, confidence: float, *log_normalizers: Estimate) -> Estimate:
    r"""Mean of independent scores with its Student-t interval, widened by what is unknown of log Z.

    The mean log-likelihood of a model whose normaliser is estimated has two errors: that of the sample of
    test rows and that of log Z, the same for every row. The failure probability :math:`\alpha` of the
    interval is shared between them, so that both hold together (union bound): with log Z intervals that
    fail with probability :math:`\alpha_Z` in all, the rows' interval is taken at
    :math:`1 - (\alpha - \alpha_Z)`. Where less than a quarter of :math:`\alpha` would be left for the
    rows, the half-widths are combined as those of independent errors.

    Parameters
    ----------
    scores : array of shape (n_samples,)
        Log-density of each test row in nats, or paired differences of two models.
    confidence : float
        In (0, 1).
    *log_normalizers : Estimate
        The estimated log normalisers that every score has subtracted; the negative of one that was added.

    Examples
    --------
    >>> print(mean_interval(np.array([1.0, 2.0, 3.0, 4.0]), 0.95))
    2.500 [0.446, 4.554]
    """
    mean = float(np.mean(scores))
    if not np.isfinite(mean):
        return Estimate(mean, mean, mean, confidence, "a row outside the support", Guarantee.EXACT)
    unsure = [log_z for log_z in log_normalizers if log_z.guarantee is not Guarantee.EXACT]
    if not unsure:
        half = _student_half_width(scores, confidence)
        return Estimate(mean, mean - half, mean + half, confidence, "Student t")
    failure = 1 - confidence
    spare = failure - sum(1 - log_z.confidence for log_z in unsure)
    if spare >= failure / 4:
        half = _student_half_width(scores, 1 - spare)
        below = half + sum(log_z.upper - log_z.value for log_z in unsure)
        above = half + sum(log_z.value - log_z.lower for log_z in unsure)
        return Estimate(mean, mean - below, mean + above, confidence, "Student t + log Z")
    half = _student_half_width(scores, confidence)
    below = np.linalg.norm([half, *(log_z.upper - log_z.value for log_z in unsure)])
    above = np.linalg.norm([half, *(log_z.value - log_z.lower for log_z in unsure)])
    return Estimate(
        mean, float(mean - below), float(mean + above), confidence, "Student t and log Z in quadrature"
    )


def _student_half_width(scores: np.ndarray, confidence: float) -> float:
    n = len(scores)
    if n < 2:
        return float("inf")
    quantile = stats.t.ppf((1 + confidence) / 2, n - 1)
    return float(quantile * np.std(scores, ddof=1) / np.sqrt(n))
