"""Wall time against held-out log-likelihood of whole default fits, ours beside other packages'.

    python benchmarks/mixture_quality.py [DATA ...] [--seeds 3] [--inits 1 10] [--starts] [--only FIT ...]
                                         [--append FILE.md] [--plot FILE.png]

DATA are names from `DATA`. Every package fits with its defaults but the number of components; a first fit,
with the compilation it may need, is not timed. The truth's own likelihood is in the last row. With
`--starts`, ways of starting are compared instead of packages, merge and split moves among them.
"""

from __future__ import annotations

import argparse
import sys
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


def pomegranate(X: np.ndarray, k: int, n_init: int, seed: int) -> Any:
    """It has no restarts."""
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    torch.manual_seed(seed)
    model = GeneralMixtureModel([Normal(covariance_type="full") for _ in range(k)], random_state=seed)
    model.fit(torch.tensor(X))
    return _Scored(lambda T: float(model.log_probability(torch.tensor(T)).mean()))


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
    "pomegranate": pomegranate,
}
NO_RESTARTS = ("torchgmm", "gmmx", "pomegranate")


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
    fit(make(n, 999), k, 1, 0)
    times, scores = [], []
    for seed in range(seeds):
        X, T = make(n, seed), make(N_TEST, 10_000 + seed)
        began = time.perf_counter()
        model = fit(X, k, n_init, seed)
        times.append(time.perf_counter() - began)
        scores.append(float(model.score(T)))
    return float(np.median(times)), float(np.mean(scores)), float(np.min(scores))


@dataclass(frozen=True)
class Row:
    """One fit of one data set: what was measured, or the error instead."""

    name: str
    n_init: int
    seconds: float
    mean: float
    least: float
    error: str = ""

    @property
    def cells(self) -> str:
        """As Markdown."""
        if self.error:
            return f"| {self.name} | {self.n_init} | failed: {self.error} | | |"
        return f"| {self.name} | {self.n_init} | {self.seconds:.3f} | {self.mean:.4f} | {self.least:.4f} |"


def rows_of(data: str, fits: dict[str, Fit], inits: list[int], seeds: int) -> list[Row]:
    """Every fit that is installed, measured."""
    rows = []
    for name, fit in fits.items():
        for n_init in [1] if name in NO_RESTARTS else inits:
            try:
                rows.append(Row(name, n_init, *measure(fit, data, n_init, seeds)))
            except ImportError:
                continue
            except Exception as error:  # a peer that fails on a data set says so in its row
                rows.append(Row(name, n_init, np.nan, np.nan, np.nan, type(error).__name__))
            print(rows[-1].cells, file=sys.stderr, flush=True)
    return rows


def truth_of(data: str) -> float:
    """The truth's mean log-density of the first seed's held-out rows."""
    make, _, _, truth = DATA[data]
    return truth(make(N_TEST, 10_000))


def table_of(data: str, rows: list[Row]) -> str:
    """The measured rows of one data set, as Markdown."""
    lines = [
        f"\n### {data}\n",
        "| fit | n_init | seconds | held-out log-likelihood | the least of the seeds |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(row.cells for row in rows),
    ]
    if np.isfinite(value := truth_of(data)):
        lines.append(f"| truth | | | {value:.4f} | |")
    return "\n".join(lines) + "\n"


def draw(measured: dict[str, list[Row]], path: Path) -> None:
    """Seconds against held-out log-likelihood, a panel for each data set."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure = Figure(figsize=(4.2 * len(measured) + 1.8, 3.6), layout="constrained")
    fits = dict.fromkeys(
        (row.name, row.n_init) for rows in measured.values() for row in rows if not row.error
    )
    names = list(dict.fromkeys(name for name, _ in fits))
    looks = {
        (name, n_init): {
            "color": (colour := f"C{names.index(name)}"),
            "mfc": colour if n_init == 1 else "none",
        }
        for name, n_init in fits
    }
    for axes, (data, rows) in zip(
        figure.subplots(1, len(measured), squeeze=False)[0], measured.items(), strict=True
    ):
        for row in rows:
            if not row.error:
                axes.plot(row.seconds, row.mean, "o", **looks[row.name, row.n_init])
        if np.isfinite(value := truth_of(data)):
            axes.axhline(value, color="0.6", linestyle=":")
        axes.set(xscale="log", title=data, xlabel="seconds of a fit", ylabel="held-out nats per row")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(0.2)
    handles = [Line2D([], [], marker="o", linestyle="", **look) for look in looks.values()]
    labels = [name if n_init == 1 else f"{name}, {n_init} restarts" for name, n_init in looks]
    figure.legend(handles, labels, loc="outside right upper", fontsize="small")
    figure.savefig(path, dpi=100)


def main() -> None:
    """Parse, measure, print, append, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", default=list(DATA))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--inits", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--starts", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--append", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    fits = STARTS if options.starts else PACKAGES
    chosen = {name: fits[name] for name in options.only or fits}
    measured = {}
    for data in options.data:
        measured[data] = rows_of(data, chosen, options.inits, options.seeds)
        text = table_of(data, measured[data])
        print(text, flush=True)
        if options.append:
            with options.append.open("a", encoding="utf-8") as file:
                file.write(text)
    if options.plot:
        draw(measured, options.plot)


if __name__ == "__main__":
    main()
