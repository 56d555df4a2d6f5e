"""Held-out scores whose variance is not finite, and a summary that does not mind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit
from scipy.stats import binom

from densimeter.evaluation.diagnostics.availability import finite_or_none
from densimeter.foundations.diagnostics import tail_shape, tail_size
from densimeter.foundations.estimates import Estimate, Guarantee

FINITE_VARIANCE = 0.5
"""Shape of the tail from which scores have no variance, and their mean's usual interval does not hold."""

_TAIL_SIZES, _SHAPES = (6, 8, 12, 16, 20, 25), (0.72, 0.74, 0.65, 0.585, 0.545, FINITE_VARIANCE)
"""Shapes that the log-densities of normal rows exceed in one case of twenty or fewer, where their tail has so
few rows: a normal row's is the heaviest in one column."""


def heavy_from(n_samples: int) -> float:
    """The shape above which a tail of so many scores is called heavy: of exact normals at most 5 %.

    Below 26 scores there is none: the tail is five of them or less.
    """
    n_tail = tail_size(n_samples)
    return math.inf if n_tail < _TAIL_SIZES[0] else float(np.interp(n_tail, _TAIL_SIZES, _SHAPES))


@dataclass(frozen=True)
class TailSummary:
    """What the low scores are like, and a robust middle.

    Attributes
    ----------
    shape : float
        Of the generalised Pareto distribution of the lower tail of the scores: 0 for an exponential tail,
        above 0.5 without a variance, +inf where a row is excluded altogether or too few rows tell.
    heavy_from : float
        The shape above which a tail of so many scores is called heavy: `FINITE_VARIANCE`, or more where few
        scores leave the shape uncertain.
    n_excluded : int
        Rows of density zero, which make the mean -inf.
    median, trimmed_mean : Estimate
        Of all scores, the excluded rows' among them; nats per row.
    trimmed_share : float
        Taken off at either end before the trimmed mean.
    """

    shape: float
    heavy_from: float
    n_excluded: int
    median: Estimate
    trimmed_mean: Estimate
    trimmed_share: float

    @property
    def heavy(self) -> bool:
        """Whether the mean's usual interval should not be believed."""
        return self.n_excluded > 0 or self.heavy_from < self.shape < math.inf

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {
            "heavy": self.heavy,
            "shape": finite_or_none(self.shape),
            "n_excluded": self.n_excluded,
            "median": self.median.to_dict(),
            "trimmed_mean": self.trimmed_mean.to_dict(),
            "trimmed_share": self.trimmed_share,
        }


def summarise_tail(scores: ArrayLike, *, confidence: float = 0.95, trimmed_share: float = 0.1) -> TailSummary:
    r"""The shape of the scores' lower tail, their median, and their trimmed mean with its interval.

    The interval of the trimmed mean is that of Tukey and McLaughlin: with g of n scores taken off at either
    end and :math:`s_w` the standard deviation of the scores after winsorising,

    .. math:: \bar x_t \pm t_{n - 2 g - 1} \frac{s_w}{(1 - 2 g / n) \sqrt n}

    That of the median comes from order statistics and holds at any sample size. For skewed scores both are
    about the middle and not about the mean, which ranks the models.

    Parameters
    ----------
    scores : array of shape (n_samples,)
        Held-out log-densities or paired differences of two models, nats; -inf is allowed.
    confidence : float
    trimmed_share : float
        In [0, 0.5).

    References
    ----------
    Tukey and McLaughlin, "Less vulnerable confidence and significance procedures for location based on a
    single sample", Sankhya A 25 (1963); Yuen, "The two-sample trimmed t for unequal population variances",
    Biometrika 61 (1974).

    Examples
    --------
    >>> from scipy.stats import norm
    >>> rng = np.random.default_rng(0)
    >>> wild = norm.logpdf(rng.standard_t(2, size=5000))   # a normal model of heavy-tailed rows
    >>> summarise_tail(wild).heavy, summarise_tail(norm.logpdf(rng.normal(size=5000))).heavy
    (True, False)
    """
    ordered = np.sort(np.asarray(scores, np.float64))
    finite = ordered[np.isfinite(ordered)]
    n_excluded = len(ordered) - len(finite)
    shape = math.inf if n_excluded else tail_shape(-finite)
    return TailSummary(
        shape,
        heavy_from(len(ordered)),
        n_excluded,
        _median(ordered, confidence),
        _trimmed_mean(ordered, trimmed_share, confidence),
        trimmed_share,
    )


def _median(ordered: np.ndarray, confidence: float) -> Estimate:
    """With the order statistics between which it lies with at least the confidence."""
    n = len(ordered)
    value = float(np.median(ordered))
    skipped = int(binom.ppf((1 - confidence) / 2, n, 0.5)) - 1
    method = "order statistics"
    if skipped < 0:
        return Estimate(value, -math.inf, math.inf, confidence, f"{method}, too few rows", Guarantee.NONE)
    lower, upper = float(ordered[skipped]), float(ordered[n - 1 - skipped])
    return Estimate(value, lower, upper, confidence, method, Guarantee.CERTIFIED)


def _trimmed_mean(ordered: np.ndarray, share: float, confidence: float) -> Estimate:
    n = len(ordered)
    cut = int(share * n)
    kept = ordered[cut : n - cut]
    method = f"trimmed by {100 * share:g} % at either end, Tukey-McLaughlin"
    if not np.isfinite(kept).all():
        return Estimate(-math.inf, -math.inf, -math.inf, confidence, f"{method}, a row outside the support")
    value = float(kept.mean())
    if len(kept) < 2:
        return Estimate(value, -math.inf, math.inf, confidence, f"{method}, too few rows", Guarantee.NONE)
    winsorised = np.clip(ordered, kept[0], kept[-1])
    error = winsorised.std(ddof=1) / ((1 - 2 * cut / n) * math.sqrt(n))
    half = float(stdtrit(len(kept) - 1, (1 + confidence) / 2) * error)
    return Estimate(value, value - half, value + half, confidence, method)
