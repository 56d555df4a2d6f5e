"""Milliseconds per EM iteration against other packages, from the same start, and the dgemm rate beside them.

    python benchmarks/mixture_speed.py [CASE ...] [--only PEER ...] [--append FILE.md]

CASE is a number from 0, the last one being whole default fits of a small table; all by default. Peers that
are not installed are left out. The time of an iteration is that of a fit of 21 iterations less that of a
fit of one, over 20, so that starts, copies and compilation drop out (mlpack: of 11, over 10); short fits are
measured five times, long ones once, and their fits of one iteration twice. All peers run in one process, one
after the other, the short ones in turns. The relative deviation of the log-likelihood from scikit-learn's
after the same iterations stands beside, and below it the rate of NumPy's products of the very blocks that an
iteration multiplies, on one thread: what is left of the rate of square matrices for thin ones.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from densimeter.mixture.catalogue import FAMILIES
from densimeter.mixture.sources import Layout
from mixture_peers import PEERS, Run, Start, made_rows


@dataclass(frozen=True)
class Case:
    """A table and the mixture to fit to it; `asked` is the factor over the fastest peer."""

    n: int
    d: int
    k: int
    family: str
    asked: float

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.n:,} × {self.d}, K={self.k}, {self.family}"

    @property
    def n_terms(self) -> int:
        """Features of a row in natural parameters."""
        return FAMILIES[self.family].n_terms(self.d)

    @property
    def gigaflops(self) -> float:
        """Of one iteration in natural parameters: two products of all features with all components."""
        return 4e-9 * self.n * self.n_terms * self.k


CASES = [
    Case(100_000, 2, 10, "full", 8),
    Case(100_000, 16, 32, "full", 10),
    Case(20_000, 50, 16, "full", 3),
    Case(1_000_000, 8, 16, "diag", 8),
    Case(1_000_000, 4, 8, "full", 8),
    Case(20_000, 30, 10, "full", 3),
    Case(10_000, 60, 10, "full", 3),
]

ITERATIONS = 20
FEWER = {"mlpack": 10}
"""It stops when its likelihood stands, whatever its tolerance: in the fourth case within 40 iterations."""
ROUNDS = 5
SHORT = 3.0
"""Seconds below which a fit is measured in every round."""


def seconds(call: Callable[[], object]) -> float:
    """Wall time of a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def rate(a: np.ndarray, b: np.ndarray) -> float:
    """Gigaflops per second of NumPy's product, the best of five rounds of at least a few milliseconds."""
    flops = 2e-9 * a.shape[0] * a.shape[1] * b.shape[1]
    repeats = max(1, int(0.2 / flops))
    return flops * repeats / min(seconds(lambda: [a @ b for _ in range(repeats)]) for _ in range(5))


def rates(case: Case) -> tuple[float, float, float, float]:
    """Of square matrices on all threads and on one, and of a block's two products on one."""
    family = FAMILIES[case.family]
    block = Layout.of(family, case.d, case.k, np.dtype(np.float64)).block
    rng = np.random.default_rng(0)
    square = rng.standard_normal((2000, 2000))
    theta = rng.standard_normal((case.k, case.n_terms))
    features = rng.standard_normal((case.n_terms, block))
    responsibilities = rng.standard_normal((case.k, block))
    everywhere = rate(square, square)
    with threadpool_limits(1):
        return (
            everywhere,
            rate(square, square),
            rate(theta, features),
            rate(responsibilities, features.T),
        )


@dataclass
class Timing:
    """The shortest fits of one iteration and of all, and the log-likelihood that those reached."""

    iterations: int = ITERATIONS
    one: float = np.inf
    many: float = np.inf
    reached: float = np.nan

    def measure_one(self, run: Run, X: np.ndarray, family: str, start: Start) -> None:
        """One iteration, once more."""
        self.one = min(self.one, seconds(lambda: run(X, family, start, 1)))

    def measure(self, run: Run, X: np.ndarray, family: str, start: Start) -> None:
        """Both, once more."""
        self.measure_one(run, X, family, start)
        began = time.perf_counter()
        self.reached = run(X, family, start, 1 + self.iterations)
        self.many = min(self.many, time.perf_counter() - began)

    @property
    def milliseconds(self) -> float:
        """Of one iteration."""
        return (self.many - self.one) / self.iterations * 1e3


def timings(case: Case, only: list[str]) -> dict[str, Timing]:
    """Every package's, the short ones in turns."""
    X = made_rows(case.n, case.d, case.k)
    start = Start.of(X, case.k, case.family)
    measured: dict[str, Timing] = {}
    for name, run in PEERS.items():
        if only and name not in only:
            continue
        try:
            run(X, case.family, start, 1)  # compiles what is to be compiled
            if name == "gmmx":
                run(X, case.family, start, 1 + ITERATIONS)  # it compiles anew for each number of iterations
        except ImportError:
            continue
        measured[name] = Timing(FEWER.get(name, ITERATIONS))
        measured[name].measure(run, X, case.family, start)
        if measured[name].many >= SHORT:
            measured[name].measure_one(run, X, case.family, start)
        print(f"{case.name}: {name} {measured[name].milliseconds:.1f} ms", file=sys.stderr, flush=True)
    for _ in range(ROUNDS - 1):
        for name, timing in measured.items():
            if timing.many < SHORT:
                timing.measure(PEERS[name], X, case.family, start)
    return measured


def table_of(case: Case, only: list[str]) -> str:
    """The measured rows of one case, as Markdown."""
    before = rates(case)
    measured = timings(case, only)
    everywhere, one, first, second = np.maximum(before, rates(case))
    lines = [
        f"\n### {case.name}\n",
        "| package | ms per iteration | against densimeter | log-likelihood, deviation from scikit-learn |",
        "| --- | ---: | ---: | ---: |",
    ]
    ours = measured["densimeter"].milliseconds if "densimeter" in measured else np.nan
    reference = measured["scikit-learn"].reached if "scikit-learn" in measured else np.nan
    for name, timing in measured.items():
        deviation = "not told" if np.isnan(timing.reached) else f"{timing.reached / reference - 1:.1e}"
        ms = timing.milliseconds
        lines.append(f"| {name} | {ms:.1f} | {ms / ours:.1f} × | {deviation} |")
    peers = [timing.milliseconds for name, timing in measured.items() if "densimeter" not in name]
    lines.append(
        f"\n{min(peers, default=np.nan) / ours:.1f} × the fastest peer (asked: {case.asked:g} ×); "
        f"{case.gigaflops / ours * 1e3 / everywhere:.0%} of dgemm's {everywhere:.0f} Gflop/s. On one thread "
        f"dgemm does {one:.0f} Gflop/s, and {first:.0f} and {second:.0f} on a block's two products."
    )
    return "\n".join(lines) + "\n"


FRESH = """
import time, warnings
import numpy as np
from sklearn.mixture import GaussianMixture as Reference
from densimeter.mixture import GaussianMixture
from mixture_peers import made_rows
warnings.simplefilter("ignore")
X = made_rows(1000, 2, 10)
def timed(kind):
    wall, processor = time.perf_counter(), time.process_time()
    kind(10, random_state=0).fit(X)
    return time.perf_counter() - wall, time.process_time() - processor
first = timed(GaussianMixture)
Reference(10, random_state=0).fit(X)
ours, theirs = zip(*[(timed(GaussianMixture)[0], timed(Reference)[0]) for _ in range(10)])
print(*first, np.min(ours), np.min(theirs))
"""


def small_fits(processes: int = 3) -> str:
    """The first and the later default fits of 1,000 rows, each in processes of their own, as Markdown."""
    lines = [
        "\n### 1,000 × 2, K=10, full: whole default fits, compiled\n",
        "| process | first fit, s | of it on the processors, s | later fits, ms | scikit-learn, ms | ratio |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for process in range(1, processes + 1):
        run = subprocess.run(
            [sys.executable, "-c", FRESH],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        first, processor, ours, theirs = map(float, run.stdout.split())
        lines.append(
            f"| {process} | {first:.2f} | {processor:.2f} | {ours * 1e3:.1f} | {theirs * 1e3:.1f} "
            f"| {theirs / ours:.1f} × |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", type=int, default=list(range(len(CASES) + 1)))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    for number in options.cases:
        text = table_of(CASES[number], options.only) if number < len(CASES) else small_fits()
        print(text, flush=True)
        if options.append:
            with options.append.open("a", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
