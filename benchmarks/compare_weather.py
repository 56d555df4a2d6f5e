"""The main job on a real table, beside scikit-learn's mixture and an exact kernel estimate on the same rows.

`python benchmarks/compare_weather.py [weather.parquet]`

Hourly weather of three airports, about 26,000 rows of five columns, rounding undone. scikit-learn's
mixture has its number of components chosen on the validation rows, its kernel estimate (exact, rtol 0)
its bandwidth, both on standardised columns with the Jacobian counted. Seconds include cleaning, fitting,
scoring and compiling.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import densimeter as dm


class ChosenOnValidation(DensityMixin, BaseEstimator):
    """The candidate that scores the validation rows best."""

    def __init__(self, candidates: list[Any]):
        self.candidates = candidates

    def fit(self, X: np.ndarray, y: None = None, X_val: np.ndarray | None = None) -> Self:
        """Fit all, keep one."""
        fitted = [clone(candidate).fit(X) for candidate in self.candidates]
        self.best_ = max(fitted, key=lambda model: model.score_samples(X_val).mean())
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Of the one that was kept."""
        return self.best_.score_samples(X)


def standardised(model: Any) -> Any:
    """The model of standardised columns as a density of the columns themselves."""
    return dm.as_density(make_pipeline(StandardScaler(), model))


def main() -> None:
    """Print the seconds of the three families, then the ranking of all."""
    path = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/weather.parquet"
    options: dict[str, Any] = {"missing": "drop", "text": "drop", "dequantize": True, "random_state": 0}
    began = time.perf_counter()
    dm.compare(path, source="weather", **options)
    print(f"all three families: {time.perf_counter() - began:.0f} s")
    theirs = {
        "scikit-learn mixture": ChosenOnValidation(
            [standardised(GaussianMixture(k, random_state=0)) for k in (5, 10, 15, 20, 30, 40, 60)]
        ),
        "scikit-learn kernel": ChosenOnValidation(
            [standardised(KernelDensity(bandwidth=h, rtol=0.0)) for h in (0.05, 0.1, 0.15, 0.2, 0.3)]
        ),
    }
    names = {name: name for name in ("mixture", "kernel", "energy")}
    result = dm.compare(path, {**names, **theirs}, source="weather", **options)
    print(result.to_frame().drop(columns=["settings", "gap_to_oracle"]).round(3).to_string())


if __name__ == "__main__":
    main()
