"""How near energy models come to the truth: gap to the exact density on 20,000 fresh rows, and seconds.

One set of defaults for every table but the textbook one. Where the truth is not known (weather) the
differences to the best mixture and to the kernel estimate are paired by test row. Run::

    python benchmarks/energy_likelihood.py                        # all sets
    python benchmarks/energy_likelihood.py ring moons --seeds 3
    python benchmarks/energy_likelihood.py weather --weather ../shared/data/weather.parquet
    python benchmarks/energy_likelihood.py --curve curve.png      # the learning curve on the ring
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp

import densimeter as dm

N_TEST = 20_000
TEXTBOOK = {
    "base": "gaussian",
    "hidden": (128, 128),
    "activation": "relu",
    "n_frequencies": 0,
    "tilt_bound": None,
    "validation_fraction": 0.2,  # a hundred rows are too few to say when to stop
}


@dataclass(frozen=True)
class CorrelatedGaussians:
    """A mixture of Gaussians with random means and full covariances in some dimensions."""

    n_components: int = 20
    n_features: int = 8
    seed: int = 0
    parameters: tuple[np.ndarray, ...] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        means = 3 * rng.normal(size=(self.n_components, self.n_features))
        roots = rng.normal(size=(self.n_components, self.n_features, self.n_features))
        covariances = roots @ roots.transpose(0, 2, 1) / self.n_features + 0.1 * np.eye(self.n_features)
        weights = rng.dirichlet(np.full(self.n_components, 5.0))
        object.__setattr__(self, "parameters", (weights, means, np.linalg.cholesky(covariances)))

    def log_prob(self, X: np.ndarray) -> np.ndarray:
        """Log-density of each row, nats."""
        each = []
        for weight, mean, cholesky in zip(*self.parameters, strict=True):
            z = np.linalg.solve(cholesky, (X - mean).T)
            log_det = np.log(np.diag(cholesky)).sum()
            each.append(math.log(weight) - log_det - 0.5 * (z * z).sum(axis=0))
        return logsumexp(each, axis=0) - self.n_features / 2 * math.log(2 * math.pi)

    def sample(self, n_samples: int, random_state: int) -> np.ndarray:
        """Independent rows."""
        rng = np.random.default_rng(random_state)
        weights, means, cholesky = self.parameters
        component = rng.choice(self.n_components, size=n_samples, p=weights)
        normal = rng.normal(size=(n_samples, self.n_features))
        return means[component] + np.einsum("nij,nj->ni", cholesky[component], normal)


@dataclass(frozen=True)
class Case:
    """A line of the table: where rows come from, how many to train on, and the settings of the model."""

    truth: Any
    n_train: int
    settings: dict[str, Any] = field(default_factory=dict)
    with_rivals: bool = False


CASES: dict[str, Case] = {
    "ring": Case(dm.datasets.RingOfGaussians(10, 10.0), 1000),
    "textbook": Case(dm.datasets.RingOfGaussians(10, 10.0), 1000, TEXTBOOK),
    "moons": Case(dm.datasets.TwoMoons(0.1), 8192),
    "checkerboard": Case(dm.datasets.Checkerboard(), 20_000),
    "gaussians": Case(CorrelatedGaussians(), 20_000, with_rivals=True),
}


def paired(difference: np.ndarray) -> str:
    """Mean of a paired difference and half its 95 % interval."""
    error = 1.96 * difference.std() / math.sqrt(len(difference))
    return f"{difference.mean():.4f} ± {error:.4f}"


def timed(fit: Callable[[], Any]) -> tuple[Any, float]:
    """What a fit returns, and its seconds."""
    began = time.perf_counter()
    return fit(), time.perf_counter() - began


def fit_mixture(X: np.ndarray, seed: int, largest: int = 64) -> Any:
    """The mixture whose number of components a held-out tenth prefers, fitted again to all rows."""
    order = np.random.default_rng(seed).permutation(len(X))
    held_out, seen = X[order[: len(X) // 10]], X[order[len(X) // 10 :]]
    candidates = [k for k in (1, 2, 4, 8, 12, 16, 18, 20, 22, 24, 28, 32, 48, 64) if k <= largest]
    chosen = dm.mixture.select_components(
        seen, candidates, "held-out", held_out, n_init=2, random_state=seed
    ).n_components
    return dm.GaussianMixture(chosen, n_init=2, random_state=seed).fit(X)


def run_case(name: str, case: Case, seed: int) -> None:
    """Fit, score and print one line, and a line for each rival."""
    X = case.truth.sample(case.n_train, 2 * seed)
    test = case.truth.sample(N_TEST, 2 * seed + 1)
    exact = case.truth.log_prob(test)
    model, seconds = timed(lambda: dm.EnergyModel(random_state=seed, **case.settings).fit(X))
    log_z = model.log_normalizer_
    print(
        f"| {name} | {case.n_train:,} | {seed} | energy | {paired(exact - model.score_samples(test))} "
        f"| {seconds:.1f} | {2 * log_z.half_width:.4f} | {model.n_iter_} |",
        flush=True,
    )
    for rival, fit in rivals(seed).items() if case.with_rivals else ():
        fitted, seconds = timed(lambda fit=fit: fit(X))
        gap = paired(exact - fitted.score_samples(test))
        print(f"| {name} | {case.n_train:,} | {seed} | {rival} | {gap} | {seconds:.1f} | | |", flush=True)


def rivals(seed: int) -> dict[str, Callable[[np.ndarray], Any]]:
    """The two other families of the package."""
    return {
        "mixture": lambda X: fit_mixture(X, seed),
        "kernel": lambda X: dm.KernelDensity().fit(X),
    }


def run_weather(path: Path, seed: int) -> None:
    """Four columns of the weather table, rounding undone; a fifth of the rows is the test set."""
    X = weather_rows(path, seed)
    order = np.random.default_rng(seed).permutation(len(X))
    test, train = X[order[: len(X) // 5]], X[order[len(X) // 5 :]]
    model, seconds = timed(lambda: dm.EnergyModel(random_state=seed).fit(train))
    ours = model.score_samples(test)
    half_width = model.log_normalizer_.half_width
    print(f"weather, {len(train):,} rows, energy: {ours.mean():.4f} nats per row, {seconds:.1f} s")
    for rival, fit in rivals(seed).items():
        fitted, seconds = timed(lambda fit=fit: fit(train))
        print(
            f"weather, energy above {rival}: {paired(ours - fitted.score_samples(test))} "
            f"(log Z ± {half_width:.4f}); {rival} took {seconds:.1f} s",
            flush=True,
        )


def weather_rows(path: Path, seed: int) -> np.ndarray:
    """Temperature, dew point, wind speed and pressure, each spread over the step of its rounding."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(path, columns=["temp", "dewp", "wind_speed", "pressure"])
    X = np.column_stack([table[name].to_numpy() for name in table.column_names])
    X = X[np.isfinite(X).all(axis=1) & (X[:, 2] < 200)]
    steps = [np.median(np.diff(np.unique(column.round(4)))) for column in X.T]
    return X + np.random.default_rng(seed).uniform(-0.5, 0.5, X.shape) * steps


def draw_curve(path: Path) -> None:
    """The learning curve of the textbook model on the ring."""
    import matplotlib.pyplot as plt

    from densimeter.plotting.learning_curve import plot_learning_curve

    X = CASES["ring"].truth.sample(1000, 0)
    model = dm.EnergyModel(random_state=0, **TEXTBOOK).fit(X)
    plot_learning_curve(model.history_, model.best_step_)
    plt.savefig(path, dpi=150)


def main() -> None:
    """Print the machine, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="*", help=f"of {', '.join([*CASES, 'weather'])}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0, help="defaults were tuned on seed 0")
    parser.add_argument("--weather", type=Path, default=Path("../shared/data/weather.parquet"))
    parser.add_argument("--curve", type=Path)
    arguments = parser.parse_args()
    if arguments.curve:
        return draw_curve(arguments.curve)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {_versions()}\n"
    )
    print("| set | rows | seed | model | gap, nats per row | seconds | log Z width | steps |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    chosen = arguments.cases or [*CASES, "weather"]
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for name in chosen:
            if name != "weather":
                run_case(name, CASES[name], seed)
    if "weather" in chosen:
        run_weather(arguments.weather, arguments.first_seed)
    return None


def _versions() -> str:
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("jax", "optax", "numpy"))


if __name__ == "__main__":
    main()
