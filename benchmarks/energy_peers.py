"""Learning curves of energy models in one run: gap to the truth over seconds, torchebm and ebmkit beside us.

    python benchmarks/energy_peers.py                         # both sets, every model
    python benchmarks/energy_peers.py moons --models ebmkit --points points.jsonl       # in pieces
    python benchmarks/energy_peers.py --models --points points.jsonl --curve curve.png    # draws those

Peers (extra ``[bench]``) train for a minute each on standardised rows (Jacobian counted), once as their own
documentation does and otherwise with settings that a few minutes of trying found better. The clock stands
while a checkpoint is measured. Peers know no log Z: theirs is taken on a grid that counts only a box around
the rows; what a box twice as wide adds is printed as the leak. Of a peer the lowest gap of its whole curve
counts, which no user could have picked. Of densimeter whole fits count, from rows to certified log Z, each
with its own `max_steps`, "cold" in a fresh process that has to compile and "warm" when that process fits
again. Imports are on nobody's clock. Peers get one thread.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import platform
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ebm
import numpy as np
import torch
from torchebm.core import BaseModel
from torchebm.losses import ContrastiveDivergence, DenoisingScoreMatching, ScoreMatching
from torchebm.samplers import LangevinDynamics
from torchebm.utils import EMA

import densimeter as dm
from densimeter.foundations.scaling import ColumnScaling

N_TEST = 20_000
HIDDEN = (128, 128)
HALF_WIDTH = 6.0
"""Of the box in which a peer's log Z is taken, in standard deviations; the rows reach to about 2."""
N_GRID = 300
"""Points along each side of the box, 0.04 standard deviations apart; the narrowest features have 0.12."""
OUR_STEPS = (1, 100, 400, 2000)
PROBLEMS: dict[str, tuple[Any, int]] = {
    "ring": (dm.datasets.RingOfGaussians(10, 10.0), 1000),
    "moons": (dm.datasets.TwoMoons(0.1), 8192),
}
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""The processor's adds up threads, and hardly minds what else runs on the machine."""


@dataclass(frozen=True)
class Point:
    """Where a model stood after some seconds of training."""

    problem: str
    model: str
    seconds: float
    gap: float
    half_width: float
    leak: float


@dataclass(frozen=True)
class Problem:
    """Standardised rows to train on, fresh rows to test on, and the exact log-density of these."""

    name: str
    train: np.ndarray
    test: np.ndarray
    exact: np.ndarray
    clock: Callable[[], float]

    @classmethod
    def draw(cls, name: str, seed: int, clock: str) -> Problem:
        """Fresh rows of a named problem."""
        truth, n_train = PROBLEMS[name]
        train, test = truth.sample(n_train, 2 * seed), truth.sample(N_TEST, 2 * seed + 1)
        scaling = ColumnScaling.of(train)
        exact = truth.log_prob(test) - scaling.log_jacobian
        return cls(name, scaling.apply(train), scaling.apply(test), exact, CLOCKS[clock])

    def point(self, model: str, seconds: float, log_prob: np.ndarray, leak: float) -> Point:
        """The paired gap to the truth and half its 95 % interval."""
        difference = self.exact - log_prob
        half_width = 1.96 * float(difference.std()) / math.sqrt(len(difference))
        return Point(self.name, model, seconds, float(difference.mean()), half_width, leak)


class Energy(BaseModel):
    """The perceptron of ebmkit, as torchebm wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.net = ebm.nets.MLPEnergy(2, HIDDEN)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Energies of points ``(n, 2)``."""
        return self.net(x)


def torchebm_trained(X: torch.Tensor, make_loss: Any, lr: float, averaging: float) -> Iterator[Any]:
    """Batches of 256 and Adam, as its README writes the loop; yields the energy after each step."""
    energy = Energy()
    averaged, loss_of = EMA(energy, decay=averaging), make_loss(energy)
    optimiser = torch.optim.Adam(energy.parameters(), lr=lr)
    while True:
        loss = loss_of(X[torch.randint(len(X), (256,))])
        optimiser.zero_grad()
        (loss[0] if isinstance(loss, tuple) else loss).backward()
        optimiser.step()
        averaged.update(energy)
        yield averaged.module


def ebmkit_trained(X: torch.Tensor, make_loss: Callable[[], Any], **options: Any) -> Iterator[Any]:
    """Its trainer with the batches of its README; yields the energy after each step."""
    trainer = ebm.Trainer(ebm.nets.MLPEnergy(2, HIDDEN), make_loss(), device="cpu", **options)
    while True:
        trainer.fit(X, steps=1, batch_size=256, verbose=False)
        yield trainer.ema.module if trainer.ema else trainer.energy


def torchebm_divergence(energy: Energy) -> ContrastiveDivergence:
    """CD-10 as in the README of torchebm."""
    sampler = LangevinDynamics(model=energy, step_size=0.1, noise_scale=1.0)
    return ContrastiveDivergence(model=energy, sampler=sampler, k_steps=10)


def ebmkit_divergence() -> ebm.ContrastiveDivergence:
    """Persistent contrastive divergence as in the README of ebmkit."""
    sampler = ebm.LangevinDynamics(step_size=1e-2, steps=60)
    return ebm.ContrastiveDivergence(sampler, buffer=ebm.ReplayBuffer(8192, (2,)))


PEERS: dict[str, Callable[[torch.Tensor], Iterator[Any]]] = {
    "torchebm documented": lambda X: torchebm_trained(X, torchebm_divergence, lr=1e-3, averaging=0.0),
    "torchebm denoising": lambda X: torchebm_trained(
        X, partial(DenoisingScoreMatching, noise_scale=0.05), lr=3e-3, averaging=0.99
    ),
    "torchebm exact score": lambda X: torchebm_trained(X, ScoreMatching, lr=3e-3, averaging=0.99),
    "ebmkit documented": lambda X: ebmkit_trained(X, ebmkit_divergence, lr=1e-3),
    "ebmkit noise-contrastive": lambda X: ebmkit_trained(
        X, partial(ebm.NoiseContrastiveEstimation, noise_ratio=4), lr=5e-3, ema_decay=0.99
    ),
    "ebmkit denoising": lambda X: ebmkit_trained(
        X, partial(ebm.DenoisingScoreMatching, sigma=0.05), lr=3e-3, ema_decay=0.99
    ),
}


def minus_energy(energy: Any, points: np.ndarray) -> np.ndarray:
    """Unnormalised log-density of points ``(n, 2)``, as float64."""
    with torch.no_grad():
        blocks = torch.as_tensor(points, dtype=torch.float32).split(2**16)
        return -torch.cat([energy(block) for block in blocks]).double().numpy()


def log_z(energy: Any, half_width: float, n_grid: int) -> float:
    """Log of the integral of exp(-energy) over a square around 0, by the midpoint rule."""
    step = 2 * half_width / n_grid
    middles = -half_width + step * (np.arange(n_grid) + 0.5)
    points = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    return float(np.logaddexp.reduce(minus_energy(energy, points))) + 2 * math.log(step)


def learning_curve(problem: Problem, model: str, seconds: float, seed: int) -> list[Point]:
    """Points of a peer at seconds that grow by a fifth, as long as its energy is finite."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rows = torch.as_tensor(problem.train, dtype=torch.float32)
    next(PEERS[model](rows))  # the first step of a process imports half of PyTorch
    steps = PEERS[model](rows)
    points, spent, look = [], 0.0, 0.5
    while spent < seconds:
        began = problem.clock()
        while spent + problem.clock() - began < look:
            energy = next(steps)
        spent += problem.clock() - began
        look = min(1.2 * look, seconds)
        points.append(checkpoint(problem, model, spent, energy))
        if not math.isfinite(points[-1].gap):
            break
    return points


def checkpoint(problem: Problem, model: str, seconds: float, energy: Any) -> Point:
    """The gap with log Z from the box, and what the box twice as wide adds to log Z."""
    inside = log_z(energy, HALF_WIDTH, N_GRID)
    leak = log_z(energy, 2 * HALF_WIDTH, N_GRID) - inside
    return problem.point(model, seconds, minus_energy(energy, problem.test) - inside, leak)


def our_fit(problem: Problem, max_steps: int, seed: int) -> list[Point]:
    """One whole fit, twice: with compilation, then without."""
    points = []
    for name in ("densimeter cold", "densimeter warm"):
        began = problem.clock()
        model = dm.EnergyModel(max_steps=max_steps, random_state=seed).fit(problem.train)
        seconds = problem.clock() - began
        points.append(problem.point(name, seconds, model.score_samples(problem.test), 0.0))
    return points


def our_curve(problem: Problem, seed: int) -> list[Point]:
    """Fits of growing length, each in a fresh process, so that nothing is compiled for it before."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:
        fits = [processes.submit(our_fit, problem, max_steps, seed) for max_steps in OUR_STEPS]
        return [point for fit in fits for point in fit.result()]


def curves_of(points: list[Point], problem: str) -> dict[str, list[Point]]:
    """The points of each model in the order of their seconds."""
    mine = [point for point in points if point.problem == problem]
    by_time = sorted(mine, key=lambda point: point.seconds)
    return {it.model: [point for point in by_time if point.model == it.model] for it in mine}


def print_table(curves: dict[str, list[Point]], problem: str) -> None:
    """One line per curve: its best gap and when, its last, and how much sooner densimeter was as good."""
    print("\n| set | model | best gap | at, s | leak | last gap | at, s | sooner, cold | sooner, warm |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for model, points in curves.items():
        best, last = min(points, key=lambda point: (math.isnan(point.gap), point.gap)), points[-1]
        sooner = [times_sooner(best, curves.get(f"densimeter {start}", [])) for start in ("cold", "warm")]
        print(
            f"| {problem} | {model} | {best.gap:.4f} ± {best.half_width:.4f} | {best.seconds:.1f} "
            f"| {best.leak:.3f} | {last.gap:.4f} | {last.seconds:.1f} | {' | '.join(sooner)} |"
        )


def times_sooner(best: Point, ours: list[Point]) -> str:
    """A peer's seconds to its best gap over our seconds to a gap at least as low."""
    reached = [point.seconds for point in ours if point.gap <= best.gap]
    return f"{best.seconds / min(reached):.1f}" if reached else "never" if ours else ""


def draw(points: list[Point], path: Path) -> None:
    """Gap over seconds, both on logarithmic axes, one panel per problem."""
    import matplotlib.pyplot as plt

    problems = list(dict.fromkeys(point.problem for point in points))
    figure, axes = plt.subplots(1, len(problems), figsize=(6 * len(problems), 4.5), squeeze=False)
    for axis, problem in zip(axes[0], problems, strict=True):
        for model, curve in curves_of(points, problem).items():
            ours = model.startswith("densimeter")
            line = np.array([(point.seconds, point.gap) for point in curve]).T
            axis.plot(*line, "o-" if ours else "-", label=model, linewidth=2 if ours else 1)
        axis.loglog()
        axis.set(title=problem, xlabel="seconds of training", ylabel="gap to the truth, nats per row")
        axis.legend(fontsize="small")
    figure.savefig(path, dpi=150, bbox_inches="tight")


def measure(problem: Problem, models: tuple[str, ...], seconds: float, seed: int) -> Iterator[Point]:
    """The points of every model whose name starts with one of the words."""
    for model in filter(lambda name: name.startswith(models), PEERS):
        yield from learning_curve(problem, model, seconds, seed)
    if "densimeter".startswith(models):
        yield from our_curve(problem, seed)


def main() -> None:
    """Measure what the arguments say, add it to what was measured before, tell and draw all."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", help=f"of {', '.join(PROBLEMS)}", default=list(PROBLEMS))
    parser.add_argument("--models", nargs="*", default=["torchebm", "ebmkit", "densimeter"])
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, for each peer")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", type=Path, help="file to which points are added, one a line")
    parser.add_argument("--curve", type=Path, help="PNG to draw")
    arguments = parser.parse_args()
    before = arguments.points.read_text() if arguments.points and arguments.points.exists() else ""
    points = [Point(**json.loads(line)) for line in before.splitlines()]
    for name in arguments.problems:
        problem = Problem.draw(name, arguments.seed, arguments.clock)
        for point in measure(problem, tuple(arguments.models), arguments.seconds, arguments.seed):
            points.append(point)
            if arguments.points:
                arguments.points.write_text("".join(json.dumps(asdict(point)) + "\n" for point in points))
    for name in dict.fromkeys(point.problem for point in points):
        print_table(curves_of(points, name), name)
    if arguments.curve:
        draw(points, arguments.curve)
    versions = [f"{package} {version(package)}" for package in ("torch", "torchebm", "ebmkit", "jax")]
    print(f"\n{platform.machine()}, {multiprocessing.cpu_count()} cores, {', '.join(versions)}.")


if __name__ == "__main__":
    main()
