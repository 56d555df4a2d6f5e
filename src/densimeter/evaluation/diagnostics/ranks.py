"""Ranks of rows among samples of a model: uniform if the model is right."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from densimeter.foundations.randomness import RandomState, generator_from


def uniform_ranks(values: np.ndarray, samples: np.ndarray, random_state: RandomState = None) -> np.ndarray:
    """Where each value stands among the samples, in (0, 1); exactly uniform if it is one of their kind.

    ``u = (#below + V (#equal + 1)) / (m + 1)`` with V uniform: ties, also those of rounded columns and of
    densities with plateaus, are broken at random, and the value itself counts as one of them.

    Parameters
    ----------
    values : array of shape (n,)
    samples : array of shape (m,)
    random_state : seed or generator
        Of V.

    Examples
    --------
    >>> uniform_ranks(np.array([10.0]), np.arange(9.0), 0) > 0.9
    array([ True])
    """
    ordered = np.sort(samples)
    below = np.searchsorted(ordered, values, side="left")
    equal = np.searchsorted(ordered, values, side="right") - below
    return (below + generator_from(random_state).random(len(values)) * (equal + 1)) / (len(ordered) + 1)


def effective_size(n: int, m: int) -> float:
    """The size of one sample from a known law that says as much as n values against m samples."""
    return n * m / (n + m)


def uniformity(ranks: np.ndarray, m: int) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance of ranks ``(n,)`` among m samples from uniform, and its p-value.

    The samples are the same for every rank, so ranks vary together; the law of the distance is that of two
    samples, in the limit the one of a sample of the `effective_size`.
    """
    distance = float(stats.kstest(ranks, "uniform").statistic)
    size = max(round(effective_size(len(ranks), m)), 1)
    return distance, float(np.clip(stats.kstwo.sf(distance, size), 0, 1))


def band_half_width(n: int, m: int, confidence: float) -> float:
    """Half-width of the band that holds the whole empirical distribution of the ranks, with `confidence`.

    The Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant, at the `effective_size`.
    """
    return math.sqrt(math.log(2 / (1 - confidence)) / (2 * effective_size(n, m)))
