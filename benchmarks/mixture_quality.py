"""Wall time against held-out log-likelihood of whole default fits, ours beside other packages'.

    python benchmarks/mixture_quality.py [DATA ...] [--seeds 3] [--inits 1 10] [--append FILE.md]

DATA are names from `DATA`. Every package fits with its defaults but the number of components; the second fit
of a process is timed, compilation of the first apart. The truth's own likelihood is in the last row.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp

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


def thin(n: int, seed: int) -> np.ndarray:
    """Three long thin parallel clouds, which k-means cuts across."""
    rng = np.random.default_rng(seed)
    centres = np.stack([np.zeros(3), 3.0 * np.arange(3)], axis=1)
    return centres[rng.integers(3, size=n)] + rng.standard_normal((n, 2)) * [12, 0.4]


def thin_truth(X: np.ndarray) -> float:
    """The mean log-density of the thin clouds."""
    centres = np.stack([np.zeros(3), 3.0 * np.arange(3)], axis=1)
    squares = (((X[:, None] - centres) / [12, 0.4]) ** 2).sum(-1)
    return float((logsumexp(-squares / 2, axis=1) - np.log(3 * 2 * np.pi * 12 * 0.4)).mean())


def no_truth(X: np.ndarray) -> float:
    """Not computed."""
    return float("nan")


DATA: dict[str, tuple[Callable[[int, int], np.ndarray], int, int, Callable[[np.ndarray], float]]] = {
    "ring, 1,000 × 2, K=10": (ring, 1000, 10, ring_truth),
    "thin clouds, 1,000 × 2, K=3": (thin, 1000, 3, thin_truth),
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


PACKAGES = {"densimeter": densimeter, "scikit-learn": scikit_learn, "torchgmm": torchgmm, "gmmx": gmmx}
RESTARTS = ("densimeter", "scikit-learn")


def measure(name: str, data: str, n_init: int, seeds: int) -> tuple[float, float, float]:
    """Median seconds, mean and least held-out log-likelihood over the seeds."""
    make, n, k, _ = DATA[data]
    fit = PACKAGES[name]
    fit(make(n, 999), k, n_init, 0)
    times, scores = [], []
    for seed in range(seeds):
        X, T = make(n, seed), make(N_TEST, 10_000 + seed)
        began = time.perf_counter()
        model = fit(X, k, n_init, seed)
        times.append(time.perf_counter() - began)
        scores.append(float(model.score(T)))
    return float(np.median(times)), float(np.mean(scores)), float(np.min(scores))


def table_of(data: str, inits: list[int], seeds: int) -> str:
    """The measured rows of one data set, as Markdown."""
    lines = [
        f"\n### {data}\n",
        "| package | n_init | seconds | held-out log-likelihood | the least of the seeds |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in PACKAGES:
        for n_init in inits if name in RESTARTS else [1]:
            try:
                seconds, mean, least = measure(name, data, n_init, seeds)
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
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for data in options.data:
        text = table_of(data, options.inits, options.seeds)
        print(text, flush=True)
        if options.append:
            with options.append.open("a", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
