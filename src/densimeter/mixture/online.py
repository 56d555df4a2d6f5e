"""Stepwise EM: a mixture that follows batches of rows, each seen once.

What it keeps is the mixture, and the weight of the rows that it stands for: the expected statistics of those
rows are the ones whose M-step the mixture is.
"""

from __future__ import annotations

import numpy as np

from densimeter.foundations.errors import DataError
from densimeter.mixture.estep import natural_step
from densimeter.mixture.families import Family, Floor, Parameters
from densimeter.mixture.fitting import batches_of
from densimeter.mixture.frame import Frame
from densimeter.mixture.sources import Layout, Streamed
from densimeter.mixture.statistics import ExpectedSums

FORGETTING = 3
"""When the weight has grown from n to N, the rows before count ``(n / N)^3``: an exponent of one would not
even forget what the first rows were taken for. Estimates are as good as from five ninths of the rows."""
ROWS_TO_START = 1000
"""Rows that are kept and fitted together before any is given up."""
GROWTH = 1.25
"""By how much the rows that are kept grow until they are fitted anew."""
LARGEST_STEP = 0.05
"""Weight of a step's rows relative to all before: more are taken in several steps."""


def pieces_of(weights: np.ndarray, seen: float) -> list[slice]:
    """Cuts of a batch into steps, none much heavier than `LARGEST_STEP` of what has been seen before it."""
    reached = np.log((seen + np.cumsum(weights, dtype=np.float64)) / seen) / np.log1p(LARGEST_STEP)
    ends = [*(np.flatnonzero(np.diff(np.floor(reached))) + 1).tolist(), len(weights)]
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False) if a < b]


def followed(
    family: Family,
    parameters: Parameters,
    rows: np.ndarray,
    weights: np.ndarray,
    seen: float,
    reg_covar: float | str,
) -> tuple[Parameters, float]:
    """The mixture of rows of weight `seen` after a step with more, and the these rows' mean log-likelihood.

    Parameters are in the user's coordinates. Cappé and Moulines (2009), On-line EM algorithm, eq. 9, with the
    step ``1 - (n / N)^3``.

    Raises
    ------
    DataError
        If no row has a cell.
    """
    n_components, n_features = parameters.means.shape
    frame = _frame_of(family, parameters, rows.dtype)
    floor = frame.floor(reg_covar)
    inner = Parameters(*(np.asarray(part)[None] for part in frame.inward(family, parameters)))
    layout = Layout.of(family, n_features, n_components, rows.dtype)
    source = Streamed(layout, batches_of(rows, weights), complete=False)
    new = natural_step(family, frame, source, rows.dtype, inner)
    if not new.weight > 0:
        raise DataError("no row of the batch has a cell with a positive weight", "leave the batch out")
    share = 1 - (seen / (seen + float(weights.sum(dtype=np.float64)))) ** FORGETTING
    past = ExpectedSums(_statistics_of(family, inner, floor), np.zeros(1), 1.0)
    merged = past.scaled(1 - share).merge(new.scaled(share / new.weight))
    moved = merged.finish(family, n_features, floor)
    outer = frame.outward(family, Parameters(*(part[0] for part in moved)))
    return outer, float(new.mean_log_likelihood[0])


def _frame_of(family: Family, parameters: Parameters, dtype: np.dtype) -> Frame:
    """The frame of rows that have the mixture's moments."""
    weights, means, covariances = parameters
    centre = weights @ means
    variances = np.diagonal(family.as_full(covariances, means.shape[1], len(means)), axis1=1, axis2=2)
    spread = np.sqrt(weights @ (variances + (means - centre) ** 2))
    return Frame(centre.astype(dtype).astype(np.float64), family.common_scale(spread), spread)


def _statistics_of(family: Family, inner: Parameters, floor: Floor) -> np.ndarray:
    """The expected sums, per unit of weight, whose M-step the mixture is."""
    weights, means, covariances = (part[0] for part in inner)
    full = family.as_full(covariances, means.shape[1], len(means)) - np.diag(floor.added)
    second = weights[:, None, None] * (full + means[:, :, None] * means[:, None, :])
    return family.from_moments(weights, weights[:, None] * means, second)[None]
