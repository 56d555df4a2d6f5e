"""Intervals for means of held-out scores, with what is unknown of log Z."""

from __future__ import annotations

import numpy as np

from densimeter.evaluation.sampling_errors import SamplingError, StudentError
from densimeter.foundations.estimates import Estimate, Guarantee


def mean_interval(scores: np.ndarray, confidence: float, *log_normalizers: Estimate) -> Estimate:
    """Mean of independent scores with its Student-t interval, widened by what is unknown of log Z.

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
    if not np.isfinite(np.mean(scores)):
        return outside_the_support(float(np.mean(scores)), confidence)
    return interval_of(StudentError.of(scores), confidence, *log_normalizers)


def outside_the_support(mean: float, confidence: float) -> Estimate:
    """The mean of scores of which one is -inf."""
    return Estimate(mean, mean, mean, confidence, "a row outside the support", Guarantee.EXACT)


def interval_of(error: SamplingError, confidence: float, *log_normalizers: Estimate) -> Estimate:
    r"""The interval of a mean whose scores have estimated log normalisers subtracted.

    The mean log-likelihood of a model whose normaliser is estimated has two errors: that of the sample of
    test rows and that of log Z, the same for every row. The failure probability :math:`\alpha` of the
    interval is shared between them, so that both hold together (union bound): with log Z intervals that
    fail with probability :math:`\alpha_Z` in all, the rows' interval is taken at
    :math:`1 - (\alpha - \alpha_Z)`. Where less than a quarter of :math:`\alpha` would be left for the
    rows, the half-widths are combined as those of independent errors.
    """
    unsure = [log_z for log_z in log_normalizers if log_z.guarantee is not Guarantee.EXACT]
    if not unsure:
        return Estimate(error.value, *error.ends(confidence), confidence, error.method)
    lower_by = np.array([log_z.upper - log_z.value for log_z in unsure])
    upper_by = np.array([log_z.value - log_z.lower for log_z in unsure])
    failure = 1 - confidence
    spare = failure - sum(1 - log_z.confidence for log_z in unsure)
    if spare >= failure / 4:
        lower, upper = error.ends(1 - spare)
        lower, upper, method = lower - lower_by.sum(), upper + upper_by.sum(), f"{error.method} + log Z"
    else:
        lower, upper = error.ends(confidence)
        lower = error.value - np.linalg.norm([error.value - lower, *lower_by])
        upper = error.value + np.linalg.norm([upper - error.value, *upper_by])
        method = f"{error.method} and log Z in quadrature"
    return Estimate(error.value, float(lower), float(upper), confidence, method)
