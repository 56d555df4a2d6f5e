"""Wall time against held-out log-likelihood of whole default fits, ours beside other packages'.

    python benchmarks/mixture_quality.py [DATA ...] [--seeds 3] [--inits 1 10] [--starts] [--append FILE.md]

DATA are names from `DATA`. Every package fits with its defaults but the number of components; the second fit
of a process is timed, compilation of the first apart. The truth's own likelihood is in the last row. With
`--starts`, ways of starting are compared instead of packages, merge and split moves among them.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from mixture_peers import made_rows

N_TEST = 20_000


def ring(n: int, seed: int) -> np.ndarray:
    """Ten unit Gaussians on a circle of radius 10."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * rng.integers(10, size=n) / 10
    return 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.standard_normal((n, 2))


def ring_truth(X: np.ndarray) -> float:
    """The mean log-density of the ring."""
    angles = 2 * np.pi * np.arange(10) / 10
    centres = 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    squares = ((X[:, None] - centres) ** 2).sum(-1)
    return float((logsumexp(-squares / 2, axis=1) - np.log(20 * np.pi)).mean())


@dataclass(frozen=True)
class Mixture:
    """A known mixture to draw rows from."""

    weights: np.ndarray
    means: np.ndarray
    roots: np.ndarray

    def rows(self, n: int, seed: int) -> np.ndarray:
        """So many draws."""
        rng = np.random.default_rng(seed)
        labels = rng.choice(len(self.weights), n, p=self.weights)
        normal = rng.standard_normal((n, self.means.shape[1]))
        return self.means[labels] + np.einsum("nij,nj->ni", self.roots[labels], normal)

    def score(self, X: np.ndarray) -> float:
        """The mean log-density."""
        parts = zip(self.weights, self.means, self.roots, strict=True)
        logs = [np.log(w) + multivariate_normal(m, r @ r.T).logpdf(X) for w, m, r in parts]
        return float(logsumexp(logs, axis=0).mean())


def thin() -> Mixture:
    """Three long thin parallel clouds, which k-means on raw rows cuts across (scikit-learn #34842)."""
    means = np.stack([np.zeros(3), 3.0 * np.arange(3)], axis=1)
    return Mixture(np.full(3, 1 / 3), means, np.stack([np.diag([12, 0.4])] * 3))


def hidden(d: int) -> Mixture:
    """Two clouds apart along one axis, where all rows have covariance one (scikit-learn #34842)."""
    means = np.zeros((2, d))
    means[:, 0] = -0.95, 0.95
    root = np.eye(d)
    root[0, 0] = np.sqrt(1 - 0.95**2)
    return Mixture(np.full(2, 0.5), means, np.stack([root] * 2))


def needles(d: int, k: int) -> Mixture:
    """Clouds with axes from 0.03 to 3 in random directions, centres some units apart, unequal weights."""
    rng = np.random.default_rng(42)
    turns = np.linalg.qr(rng.standard_normal((k, d, d)))[0]
    axes = 10 ** rng.uniform(-1.5, 0.5, (k, 1, d))
    return Mixture(rng.dirichlet(np.full(k, 3.0)), 2 * rng.standard_normal((k, d)), turns * axes)


def no_truth(X: np.ndarray) -> float:
    """Not computed."""
    return float("nan")


DATA: dict[str, tuple[Callable[[int, int], np.ndarray], int, int, Callable[[np.ndarray], float]]] = {
    "ring, 1,000 × 2, K=10": (ring, 1000, 10, ring_truth),
    "thin clouds, 1,000 × 2, K=3": (thin().rows, 1000, 3, thin().score),
    "hidden pair, 2,000 × 2, K=2": (hidden(2).rows, 2000, 2, hidden(2).score),
    "hidden pair, 2,000 × 30, K=2": (hidden(30).rows, 2000, 2, hidden(30).score),
    "needles, 3,000 × 2, K=10": (needles(2, 10).rows, 3000, 10, needles(2, 10).score),
    "needles, 5,000 × 5, K=10": (needles(5, 10).rows, 5000, 10, needles(5, 10).score),
    "made rows, 10,000 × 16, K=32": (lambda n, seed: made_rows(n, 16, 32, seed), 10_000, 32, no_truth),
    "made rows, 100,000 × 16, K=32": (lambda n, seed: made_rows(n, 16, 32, seed), 100_000, 32, no_truth),
}


def densimeter(X: np.ndarray, k: int, n_init: int, seed: int) -> Any:
    """Ours."""
    from densimeter.mixture import GaussianMixture

    return GaussianMixture(k, n_init=n_init, random_state=seed).fit(X)


def scikit_learn(X: np.ndarray, k: int, n_init: int, seed: int) -> Any:
    """The reference."""
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(k, n_init=n_init, random_state=seed).fit(X)


def gmmx(X: np.ndarray, k: int, n_init: int, seed: int) -> Any:
    """It has no restarts; its k-means is scikit-learn's. In float32, as it is meant to run."""
    from gmmx import GaussianMixtureSKLearn

    model = GaussianMixtureSKLearn(n_components=k, covariance_type="full", random_state=seed)
    model.fit(X.astype(np.float32))
    return _Scored(lambda T: float(np.mean(model.score_samples(T.astype(np.float32)))))


def torchgmm(X: np.ndarray, k: int, n_init: int, seed: int) -> Any:
    """It has no restarts."""
    import torch
    from torchgmm.bayes import GaussianMixture

    torch.manual_seed(seed)
    options = {"precision": 64, "enable_progress_bar": False}
    model = GaussianMixture(k, covariance_type="full", trainer_params=options)
    model.fit(torch.tensor(X))
    return _Scored(lambda T: -float(model.score(torch.tensor(T))))


class _Scored:
    def __init__(self, score: Callable[[np.ndarray], float]):
        self.score = score


Fit = Callable[[np.ndarray, int, int, int], Any]
"""From rows, number of components, restarts and seed to a model with `score`."""

PACKAGES: dict[str, Fit] = {
    "densimeter": densimeter,
    "scikit-learn": scikit_learn,
    "torchgmm": torchgmm,
    "gmmx": gmmx,
}
NO_RESTARTS = ("torchgmm", "gmmx")


def started(init_params: str, moves: bool) -> Fit:
    """Ours with a way of starting, merge and split moves after it if asked for."""

    def fit(X: np.ndarray, k: int, n_init: int, seed: int) -> Any:
        from densimeter.mixture import GaussianMixture
        from mixture_moves import improved

        model = GaussianMixture(k, n_init=n_init, random_state=seed, init_params=init_params).fit(X)
        return improved(model, X) if moves else model

    return fit


def without_moves(X: np.ndarray, k: int, n_init: int, seed: int) -> Any:
    """Ours with the default start, its merge and split moves left out."""
    with mock.patch("densimeter.mixture.tournament.MOST_MOVES", 0):
        return densimeter(X, k, n_init, seed)


STARTS: dict[str, Fit] = {
    "auto": started("auto", False),
    "auto without moves": without_moves,
    "kmeans": started("kmeans", False),
    "k-means++": started("k-means++", False),
    "random": started("random", False),
    "random_from_data": started("random_from_data", False),
    "kmeans, moves once converged": started("kmeans", True),
    "auto, moves once converged": started("auto", True),
    "scikit-learn's kmeans": scikit_learn,
}


def measure(fit: Fit, data: str, n_init: int, seeds: int) -> tuple[float, float, float]:
    """Median seconds, mean and least held-out log-likelihood over the seeds."""
    make, n, k, _ = DATA[data]
    fit(make(n, 999), k, n_init, 0)
    times, scores = [], []
    for seed in range(seeds):
        X, T = make(n, seed), make(N_TEST, 10_000 + seed)
        began = time.perf_counter()
        model = fit(X, k, n_init, seed)
        times.append(time.perf_counter() - began)
        scores.append(float(model.score(T)))
    return float(np.median(times)), float(np.mean(scores)), float(np.min(scores))


def table_of(data: str, fits: dict[str, Fit], inits: list[int], seeds: int) -> str:
    """The measured rows of one data set, as Markdown."""
    lines = [
        f"\n### {data}\n",
        "| fit | n_init | seconds | held-out log-likelihood | the least of the seeds |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, fit in fits.items():
        for n_init in [1] if name in NO_RESTARTS else inits:
            try:
                seconds, mean, least = measure(fit, data, n_init, seeds)
            except ImportError:
                continue
            except Exception as error:  # a peer that fails on a data set says so in its row
                lines.append(f"| {name} | {n_init} | failed: {type(error).__name__} | | |")
                continue
            lines.append(f"| {name} | {n_init} | {seconds:.3f} | {mean:.4f} | {least:.4f} |")
    make, _, _, truth = DATA[data]
    value = truth(make(N_TEST, 10_000))
    if np.isfinite(value):
        lines.append(f"| truth | | | {value:.4f} | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", default=list(DATA))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--inits", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--starts", action="store_true")
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for data in options.data:
        text = table_of(data, STARTS if options.starts else PACKAGES, options.inits, options.seeds)
        print(text, flush=True)
        if options.append:
            with options.append.open("a", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
