"""A density to draw from that reaches wherever a model of given rows may have its mass.

Parts, each for a kind of model: kernels at the rows as narrow as the model's own peaks there (kernel
estimates with small bandwidths), broader kernels (anything smooth), a t distribution of the rows' covariance,
and independent Cauchy columns (heavy tails, in all directions and along the axes). Rows may differ from the
model: where outliers make up most of their covariance, a t distribution as wide as these joins, and where the
model has drawn rows itself, kernels at these. Draws are stratified over the parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.spatial import KDTree
from scipy.special import gammaln, logsumexp

Scores = Callable[[np.ndarray], np.ndarray]
"""Rows ``(n, d)`` to log-densities ``(n,)``, nats; -inf outside the support, never NaN."""

_MOST_BROAD_KERNELS = 500
_PROBED_ROWS = 48
_OCTAVES = 2.0 ** np.arange(1, -26, -1.0)
"""Distances, in standard deviations, at which a fall from a peak is looked for."""
_REACH = 9.0
"""Kernel widths beyond which a narrow kernel is zero beside the broad parts."""
_MOST_PAIRS = 2 * 10**7
_WEIGHTS = {"narrow": 0.35, "broad": 0.35, "student": 0.15, "cauchy": 0.15, "wide": 0.1, "drawn": 0.2}
"""Of the parts, before those that are there are made to add up to one."""
_FAR_WIDER = 3.0
"""Ratio of standard deviation and quartile width from which outliers make up the covariance."""


class Part(Protocol):
    """One part of the proposal."""

    def sample(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Independent rows ``(n, d)``."""
        ...

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        """Log-density of each row, nats."""
        ...


@dataclass(frozen=True)
class Proposal:
    """A mixture of parts with given shares."""

    parts: Sequence[Part]
    shares: np.ndarray

    def sample(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Rows ``(n, d)``, each part's share of them exactly, up to rounding, in random order."""
        ends = np.rint(np.cumsum(self.shares) * n).astype(int)
        counts = np.diff(ends, prepend=0)
        drawn = [part.sample(count, generator) for part, count in zip(self.parts, counts, strict=True)]
        return generator.permutation(np.concatenate(drawn))

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        """Log-density of each row, nats."""
        parts = [
            np.log(share) + part.log_prob(rows) for part, share in zip(self.parts, self.shares, strict=True)
        ]
        return np.asarray(logsumexp(parts, axis=0))


def covering_proposal(
    scores: Scores, rows: np.ndarray, generator: np.random.Generator, draws: np.ndarray | None = None
) -> Proposal:
    """The proposal for a model that was fitted to rows like these ``(n, d)``, and has drawn others itself."""
    frame = Frame.of(rows)
    whitened = frame.apply(rows)
    broad = _Kernels.broad(frame, whitened, generator)
    peaks = _peak_widths(scores, frame, whitened, generator)
    parts: dict[str, Part] = {
        "broad": broad,
        "student": _Student(frame, 1.0),
        "cauchy": _Cauchy(*_middle(rows)),
    }
    if (peaks < 0.7 * broad.widths).any():
        parts["narrow"] = _Kernels(frame, _narrow_centres(whitened, peaks, generator), peaks)
    if (rows.std(axis=0) > _FAR_WIDER * _middle(rows)[1]).any():
        parts["wide"] = _Student(Frame.of_all(rows), 3.0)
    if draws is not None:
        parts["drawn"] = _at_draws(scores, draws, generator)
    shares = np.array([_WEIGHTS[name] for name in parts])
    return Proposal(list(parts.values()), shares / shares.sum())


def _at_draws(scores: Scores, draws: np.ndarray, generator: np.random.Generator) -> _Kernels:
    """Kernels at the model's own draws, wide enough to meet each other where its peaks are no narrower."""
    frame = Frame.of(draws)
    whitened = frame.apply(draws)
    broad, peaks = (
        _Kernels.broad(frame, whitened, generator),
        _peak_widths(scores, frame, whitened, generator),
    )
    return replace(broad, widths=np.minimum(broad.widths, peaks))


@dataclass(frozen=True)
class Frame:
    """The affine map ``z = L^-1 (x - middle)`` that gives rows unit covariance, outliers aside."""

    middle: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Frame:
        """From medians, quartiles, and the correlations of rows clipped to five standard deviations."""
        middle, width = _middle(rows)
        return cls(middle, width[:, None] * _factor(np.clip((rows - middle) / width, -5, 5)))

    @classmethod
    def of_all(cls, rows: np.ndarray) -> Frame:
        """From mean and covariance, outliers and all."""
        largest = np.abs(rows).max(axis=0)
        scaled = rows / np.where(largest > 0, largest, 1.0)  # squares are then finite
        width = np.where(scaled.std(axis=0) > 0, scaled.std(axis=0), 1.0)
        factor = _factor((scaled - scaled.mean(axis=0)) / width)
        return cls(scaled.mean(axis=0) * largest, (width * largest)[:, None] * factor)

    @property
    def log_volume(self) -> float:
        """``log |det L|``: what a log-density of x gains as one of z."""
        return float(np.linalg.slogdet(self.factor)[1])

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """The whitened rows."""
        return np.linalg.solve(self.factor, (rows - self.middle).T).T

    def invert(self, whitened: np.ndarray) -> np.ndarray:
        """Rows in their own units."""
        return whitened @ self.factor.T + self.middle


def _factor(standardised: np.ndarray) -> np.ndarray:
    """Cholesky factor of the covariance, which columns that determine each other do not make singular."""
    d = standardised.shape[1]
    covariance = np.cov(standardised, rowvar=False, ddof=0).reshape(d, d)
    covariance += np.diag(np.where(np.diag(covariance) == 0, 1.0, 1e-6))
    return np.linalg.cholesky(covariance)


@dataclass(frozen=True)
class _Kernels:
    """Equal Gaussian kernels at whitened centres ``(m, d)``, with a width for each whitened axis."""

    frame: Frame
    centres: np.ndarray
    widths: np.ndarray

    @classmethod
    def broad(cls, frame: Frame, whitened: np.ndarray, generator: np.random.Generator) -> _Kernels:
        """At some of the whitened rows, wide enough to meet each other."""
        centres, d = generator.permutation(whitened)[:_MOST_BROAD_KERNELS], whitened.shape[1]
        width = 1.2 * (4 / (len(centres) * (d + 2))) ** (1 / (d + 4))  # Silverman's, and some
        return cls(frame, centres, np.full(d, width))

    def sample(self, n: int, generator: np.random.Generator) -> np.ndarray:
        chosen = self.centres[generator.integers(len(self.centres), size=n)]
        return self.frame.invert(chosen + generator.normal(size=chosen.shape) * self.widths)

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        z = self.frame.apply(rows) / self.widths
        log_height = -0.5 * z.shape[1] * np.log(2 * np.pi) - np.log(self.widths).sum() - self.frame.log_volume
        sums = np.zeros(len(rows))
        tree = KDTree(self.centres / self.widths)
        for start in range(0, len(z), 1024):
            pairs = KDTree(z[start : start + 1024]).sparse_distance_matrix(
                tree, _REACH, output_type="ndarray"
            )
            np.add.at(sums, start + pairs["i"], np.exp(-0.5 * pairs["v"] ** 2))
        with np.errstate(divide="ignore"):
            return np.log(sums / len(self.centres)) + log_height


@dataclass(frozen=True)
class _Student:
    """A t distribution in the whitened frame, as wide again as the rows."""

    frame: Frame
    freedom: float
    width: float = 1.5

    def sample(self, n: int, generator: np.random.Generator) -> np.ndarray:
        d = len(self.frame.middle)
        stretch = np.sqrt(self.freedom / generator.chisquare(self.freedom, size=(n, 1)))
        return self.frame.invert(self.width * stretch * generator.normal(size=(n, d)))

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        nu, d = self.freedom, len(self.frame.middle)
        z = self.frame.apply(rows) / self.width
        constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - 0.5 * d * np.log(nu * np.pi)
        volume = d * np.log(self.width) + self.frame.log_volume
        return constant - volume - 0.5 * (nu + d) * np.log1p((z**2).sum(axis=1) / nu)


@dataclass(frozen=True)
class _Cauchy:
    """Independent Cauchy columns."""

    middle: np.ndarray
    width: np.ndarray

    def sample(self, n: int, generator: np.random.Generator) -> np.ndarray:
        return self.middle + self.width * generator.standard_cauchy(size=(n, len(self.middle)))

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        z = (rows - self.middle) / self.width
        return -(np.log1p(z**2) + np.log(np.pi * self.width)).sum(axis=1)


def _middle(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians, and widths from quartiles; from standard deviations where the quartiles are equal."""
    low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    width = (high - low) / 1.349  # a normal's interquartile range
    largest = np.abs(rows).max(axis=0)
    spread = (rows / np.where(largest > 0, largest, 1.0)).std(
        axis=0
    ) * largest  # without squares of large numbers
    width = np.where(width > 0, width, np.where(spread > 0, spread, 1.0))
    return middle, width


def _peak_widths(
    scores: Scores, frame: Frame, whitened: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """How far from a row the log-density falls by one nat, on each whitened axis; as a Gaussian's width."""
    d = whitened.shape[1]
    chosen = generator.permutation(whitened)[: max(_PROBED_ROWS // d, 8)]
    heights = scores(frame.invert(chosen))
    offsets = (_OCTAVES[:, None, None] * np.eye(d)).reshape(-1, d)
    offsets = offsets * generator.choice([-1.0, 1.0], size=(len(offsets), 1))
    points = chosen[:, None, :] + offsets
    around = scores(frame.invert(points.reshape(-1, d))).reshape(len(chosen), len(_OCTAVES), d)
    with np.errstate(invalid="ignore"):
        fallen = around < heights[:, None, None] - 1
    farther = np.where(fallen, _OCTAVES[:, None], np.inf).min(axis=1)  # nearest octave with a fall
    # a Gaussian falls by one nat in sqrt 2 widths; too wide kernels do no harm, too narrow ones do
    return np.minimum(np.median(farther, axis=0), 2 * _OCTAVES[0]) / math.sqrt(2)


def _narrow_centres(whitened: np.ndarray, widths: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """All rows if narrow kernels at them hardly meet; else a part of them, which then fill the same space."""
    scaled = generator.permutation(whitened) / widths
    met = KDTree(scaled).query_ball_point(scaled[:200], _REACH, return_length=True)
    most = int(_MOST_PAIRS / 2**14 / max(np.mean(met) / len(scaled), 1e-12))
    return scaled[: max(most, 100)] * widths
