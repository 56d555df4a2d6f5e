"""The Gaussian kernel estimate, its bandwidth chosen by held-out likelihood, along the columns or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from densimeter.evaluation.families.contract import FittedFamily, SettingScan, TrainingParts
from densimeter.foundations.progress import Progress
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.kernel_density.selectors import CEILING, FLOOR

BANDWIDTHS_TRIED = 0.02, 2.0, 25
"""Narrowest and widest multiple of Scott's rule that is cross-validated, and how many."""


@dataclass(frozen=True)
class Frame:
    """Coordinates ``x @ axes`` in which a kernel has one width per column."""

    axes: np.ndarray
    follows_covariance: bool

    @property
    def log_volume(self) -> float:
        """Log of what the frame does to volumes."""
        return float(np.linalg.slogdet(self.axes)[1])

    def bandwidth(self, widths: np.ndarray) -> np.ndarray:
        """In the user's columns: the widths themselves, or the matrix of a kernel that lies askew."""
        if not self.follows_covariance:
            return widths
        back = np.linalg.inv(self.axes)
        return back.T @ np.diag(np.broadcast_to(widths, len(back)) ** 2) @ back


@dataclass(frozen=True)
class Tried:
    """Bandwidths in one frame ``(n_tried, n_features)``, and the mean log-density of unseen rows, nats."""

    frame: Frame
    widths: np.ndarray
    scores: np.ndarray

    @property
    def best(self) -> int:
        """Position of the best score."""
        return int(np.argmax(self.scores))


@dataclass(frozen=True)
class KernelFamily:
    """The Gaussian kernel estimate; its bandwidth has the best held-out likelihood.

    Bandwidths per column are tried, and in the frame where the rows are uncorrelated: there kernels lie along
    the covariance, which strongly correlated columns need.
    """

    name: str = "kernel"
    is_normalised: bool = True

    def fit(self, parts: TrainingParts, seed: int, progress: Progress) -> FittedFamily:
        """The kernel estimate whose bandwidth unseen rows like best."""
        tried = []
        for frame in _frames(parts.train):
            progress(len(tried), 2, f"{self.name}: choosing a bandwidth")
            tried.append(_cross_validated(parts, frame) if parts.cross_validate else _validated(parts, frame))
        best = max(tried, key=lambda found: found.scores[found.best])
        bandwidth = best.frame.bandwidth(best.widths[best.best])
        estimator = KernelDensity(bandwidth).fit(parts.final)
        widths = np.sqrt(np.diag(bandwidth)) if best.frame.follows_covariance else bandwidth
        settings = {"bandwidth": widths.tolist() if parts.train.shape[1] > 1 else [float(widths[0])]}
        if best.frame.follows_covariance:
            settings["shape"] = "along the covariance"
        return FittedFamily(estimator, settings, SettingScan.of_bandwidths(best.widths, best.scores))


def _frames(rows: np.ndarray) -> Iterator[Frame]:
    """The columns, and where there are several, axes along which the rows have covariance one."""
    n_features = rows.shape[1]
    yield Frame(np.eye(n_features), follows_covariance=False)
    if n_features == 1:
        return
    try:
        axes = np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T
    except np.linalg.LinAlgError:  # a column that the others determine
        return
    yield Frame(axes, follows_covariance=True)


def _validated(parts: TrainingParts, frame: Frame) -> Tried:
    """The default candidates, by the validation rows."""
    fitted = KernelDensity().fit(parts.train @ frame.axes, X_val=parts.validation @ frame.axes)
    found = fitted.bandwidth_scores_
    assert found is not None  # a bandwidth that was chosen was scored
    return Tried(frame, found.bandwidths.reshape(len(found.scores), -1), found.scores + frame.log_volume)


def _cross_validated(parts: TrainingParts, frame: Frame) -> Tried:
    """Multiples of Scott's rule, by the rows of every fold under those of the others."""
    unit = np.asarray(KernelDensity("scott").fit(parts.together @ frame.axes).bandwidth_)
    axes, (narrow, wide, n_tried) = frame.axes / unit, BANDWIDTHS_TRIED
    ratio = (wide / narrow) ** (1 / (n_tried - 1))
    candidates = np.geomspace(narrow, wide, n_tried)
    scores = _mean_held_out(parts, axes, candidates)
    while scores.argmax() in (0, len(scores) - 1) and candidates[0] > FLOOR and candidates[-1] < CEILING:
        beyond = ratio ** np.arange(1, n_tried + 1)
        if scores.argmax() == 0:
            further = candidates[0] / beyond[::-1]
            candidates = np.concatenate([further, candidates])
            scores = np.concatenate([_mean_held_out(parts, axes, further), scores])
        else:
            further = candidates[-1] * beyond
            candidates = np.concatenate([candidates, further])
            scores = np.concatenate([scores, _mean_held_out(parts, axes, further)])
    # the folds are measured in units of Scott's rule, which the volume of a cell undoes
    scores = scores - np.log(unit).sum() + frame.log_volume
    return Tried(frame, np.multiply.outer(candidates, unit), scores)


def _mean_held_out(parts: TrainingParts, axes: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """The mean log-density of the rows of every fold under those of the others, for each candidate."""
    held_out, n_unseen = np.zeros(len(candidates)), 0
    for seen, unseen in parts.fold_rows():
        tried = KernelDensity(candidates=candidates).fit(seen @ axes, X_val=unseen @ axes).bandwidth_scores_
        assert tried is not None  # candidates are always scored
        held_out += len(unseen) * tried.scores
        n_unseen += len(unseen)
    return held_out / n_unseen
