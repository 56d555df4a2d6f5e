"""Seconds of the BCa bootstrap for the scores of several models and their differences, beside scipy's.

`python benchmarks/interval_speed.py [ROWS] [MODELS]`

One call resamples all columns by the same rows: the scores of every model and its paired differences to the
best. scipy.stats.bootstrap is called once a column with as many resamples; it is left out beyond 5,000 rows,
where its array of resamples would not fit.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy import stats

from densimeter.evaluation.sampling_errors import N_RESAMPLES, bootstrap_errors

MOST_ROWS_FOR_SCIPY = 5000


def main() -> None:
    """Print seconds, and where the ends of the first interval lie."""
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    n_models = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    scores = -np.random.default_rng(0).chisquare(3, size=(n_rows, n_models)) / 2
    columns = np.column_stack([scores, scores[:, 1:] - scores[:, :1]])
    began = time.perf_counter()
    errors = bootstrap_errors(columns, np.random.default_rng(1))
    seconds = time.perf_counter() - began
    lower, upper = errors[0].ends(0.95)
    print(f"{n_rows:,} rows, {n_models} models, {columns.shape[1]} intervals of {N_RESAMPLES:,} resamples")
    print(f"densimeter  {seconds:.2f} s, first interval [{lower:.5f}, {upper:.5f}]")
    if n_rows > MOST_ROWS_FOR_SCIPY:
        return
    began = time.perf_counter()
    found = [
        stats.bootstrap((column,), np.mean, n_resamples=N_RESAMPLES, rng=np.random.default_rng(1))
        for column in columns.T
    ]
    seconds = time.perf_counter() - began
    low, high = found[0].confidence_interval
    print(f"scipy       {seconds:.2f} s, first interval [{low:.5f}, {high:.5f}]")


if __name__ == "__main__":
    main()
