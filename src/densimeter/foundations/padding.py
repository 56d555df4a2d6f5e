"""Row counts rounded up to a few sizes, so that a new row count is not a new compilation."""

from __future__ import annotations

import numpy as np


def bucket_size(n_rows: int, smallest: int = 64) -> int:
    """The smallest of the sizes ``smallest * (1, 1.5, 2, 3, 4, 6, ...)`` that holds `n_rows`.

    Examples
    --------
    >>> [bucket_size(n) for n in (1, 64, 65, 1000, 100_000)]
    [64, 64, 96, 1024, 131072]
    """
    size = smallest
    while size < n_rows:
        half_octave = size + size // 2
        if half_octave >= n_rows:
            return half_octave
        size *= 2
    return size


def pad_rows(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """`rows` followed by zeros up to `n_rows` rows; what they carry must be weighted zero by the caller."""
    missing = n_rows - rows.shape[0]
    if missing == 0:
        return rows
    return np.concatenate([rows, np.zeros((missing, *rows.shape[1:]), rows.dtype)])
