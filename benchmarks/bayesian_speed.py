"""Milliseconds per iteration of variational Bayes, scikit-learn beside densimeter, from the same posterior.

    python benchmarks/bayesian_speed.py [--iterations M] [--output FILE.md]

The time of an iteration is that of a fit of 1 + m iterations less that of a fit of one, over m, so that
starts, copies and compilation drop out; both go on from the posterior of one iteration of densimeter's.
scikit-learn's fits end with one E-step more in both, which drops out too. The deviation is the largest of
the posterior means, precisions and weights after the same iterations, over the scale of the column.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture as Reference

from densimeter.mixture import BayesianGaussianMixture

N, D, K = 100_000, 8, 16
POSTERIOR = (
    "weight_concentration_",
    "mean_precision_",
    "means_",
    "degrees_of_freedom_",
    "covariances_",
    "precisions_cholesky_",
    "converged_",
)


def made_rows() -> np.ndarray:
    """Overlapping groups of unequal sizes and shapes, each column with variance one."""
    rng = np.random.default_rng(0)
    labels = rng.choice(K, N, p=rng.dirichlet(np.full(K, 2.0)))
    shapes = rng.standard_normal((K, D, D)) / 3 + np.eye(D)
    rows = 2 * rng.standard_normal((K, D))[labels] + np.einsum(
        "nij,nj->ni", shapes[labels], rng.standard_normal((N, D))
    )
    return (rows - rows.mean(0)) / rows.std(0)


def begun(X: np.ndarray, family: str) -> BayesianGaussianMixture:
    """After one iteration of densimeter's."""
    model = BayesianGaussianMixture(
        n_components=K,
        covariance_type=family,
        max_iter=1,
        tol=0,
        reg_covar=0,
        random_state=0,
        warm_start=True,
    )
    return model.fit(X)


def ours(X: np.ndarray, start: BayesianGaussianMixture, iterations: int) -> Any:
    """densimeter, going on from `start`."""
    model = BayesianGaussianMixture(**start.get_params()).set_params(max_iter=iterations)
    model.__dict__.update(start.__dict__ | model.get_params())
    return model.fit(X)


def theirs(X: np.ndarray, start: BayesianGaussianMixture, iterations: int) -> Any:
    """scikit-learn, going on from `start`."""
    model = Reference(**start.get_params()).set_params(max_iter=iterations)
    for name in POSTERIOR:
        setattr(model, name, getattr(start, name))
    model.lower_bound_ = -np.inf
    return model.fit(X)


def milliseconds(run: Callable[[int], Any], iterations: int) -> tuple[float, Any]:
    """Per iteration, the least of two differences, and the last model."""
    model = run(1)  # compiles what is to be compiled

    def seconds(n_iterations: int) -> float:
        nonlocal model
        began = time.perf_counter()
        model = run(n_iterations)
        return time.perf_counter() - began

    differences = [-seconds(1) + seconds(1 + iterations) for _ in range(2)]
    return min(differences) / iterations * 1e3, model


def deviation(one: Any, other: Any) -> float:
    """The largest difference of the posteriors, whose columns have variance one."""
    names = ("weights_", "means_", "covariances_")
    return max(float(np.abs(getattr(one, name) - getattr(other, name)).max()) for name in names)


def table(iterations: int) -> str:
    """The measured rows, as Markdown."""
    X = made_rows()
    lines = [
        "| covariance | densimeter, ms | scikit-learn, ms | ratio | largest deviation |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for family in ("full", "diag", "tied", "spherical"):
        start = begun(X, family)
        own, mine = milliseconds(lambda m, start=start: ours(X, start, m), iterations)
        peer, reference = milliseconds(lambda m, start=start: theirs(X, start, m), iterations)
        gap = deviation(mine, reference)
        lines.append(f"| {family} | {own:.1f} | {peer:.1f} | {peer / own:.1f} × | {gap:.1e} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    measured = table(options.iterations)
    heading = (
        f"# Variational Bayes, milliseconds per iteration\n\n{N:,} × {D} rows, K = {K}, Dirichlet process, "
        f"{options.iterations} iterations from the same posterior.\n\n"
    )
    machine = (
        f"\n{platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, scikit-learn {sklearn.__version__}. "
        "`python benchmarks/bayesian_speed.py --output benchmarks/bayesian_speed.md`\n"
    )
    print(heading + measured + machine)
    if options.output:
        options.output.write_text(heading + measured + machine, encoding="utf-8")


if __name__ == "__main__":
    main()
