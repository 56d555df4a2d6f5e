"""Milliseconds per EM iteration against other packages, from the same start, and the dgemm rate beside them.

    python benchmarks/mixture_speed.py [CASE ...] [--only PEER ...] [--append FILE.md]

CASE is a number from 0; all of them by default. Peers that are not installed are left out. The time of an
iteration is that of a fit of 1 + m iterations less that of a fit of one, over m, so that starts, copies and
compilation drop out; short ones are measured three times. All peers run in one process, one after the other.
The relative deviation of the log-likelihood from scikit-learn's after the same iterations stands beside.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixture_peers import PEERS, Run, Start, made_rows


@dataclass(frozen=True)
class Case:
    """A table and the mixture to fit to it; `asked` is the factor over the fastest peer."""

    n: int
    d: int
    k: int
    family: str
    iterations: int
    asked: float

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.n:,} × {self.d}, K={self.k}, {self.family}"

    @property
    def gigaflops(self) -> float:
        """Of one iteration in natural parameters: two products of all features with all components."""
        terms = 1 + self.d + (self.d * (self.d + 1) // 2 if self.family == "full" else self.d)
        return 4e-9 * self.n * terms * self.k


CASES = [
    Case(100_000, 2, 10, "full", 10, 8),
    Case(100_000, 16, 32, "full", 2, 10),
    Case(20_000, 50, 16, "full", 3, 3),
    Case(1_000_000, 8, 16, "diag", 1, 8),
    Case(1_000_000, 4, 8, "full", 2, 8),
]

SHORT = 1.0
"""Seconds below which a measurement is repeated."""


def dgemm_rate() -> float:
    """Gigaflops per second of NumPy's product of two square matrices of 2,000 rows, the best of five."""
    a = np.random.default_rng(0).standard_normal((2000, 2000))
    return 2 * 2000**3 * 1e-9 / min(seconds(lambda: a @ a) for _ in range(5))


def seconds(call: object) -> float:
    """Wall time of a call."""
    began = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - began


def time_iteration(run: Run, X: np.ndarray, case: Case, start: Start) -> tuple[float, float]:
    """Milliseconds per iteration and the log-likelihood reached after ``1 + iterations``."""
    reached = []
    run(X, case.family, start, 1)  # compiles what is to be compiled
    if run is PEERS["gmmx"]:
        run(X, case.family, start, 1 + case.iterations)  # it compiles anew for each number of iterations
    one = seconds(lambda: run(X, case.family, start, 1))
    many = seconds(lambda: reached.append(run(X, case.family, start, 1 + case.iterations)))
    if many < SHORT:
        many = min(
            many, *(seconds(lambda: run(X, case.family, start, 1 + case.iterations)) for _ in range(2))
        )
    return (many - one) / case.iterations * 1e3, reached[0]


def table_of(case: Case, only: list[str]) -> str:
    """The measured rows of one case, as Markdown."""
    X = made_rows(case.n, case.d, case.k)
    start = Start.of(X, case.k, case.family)
    measured: dict[str, tuple[float, float]] = {}
    rate = dgemm_rate()
    for name, run in PEERS.items():
        if only and name not in only:
            continue
        try:
            measured[name] = time_iteration(run, X, case, start)
            print(f"{case.name}: {name} {measured[name][0]:.1f} ms", file=sys.stderr, flush=True)
        except ImportError:
            continue
    lines = [
        f"\n### {case.name}\n",
        "| package | ms per iteration | against densimeter | log-likelihood, deviation from scikit-learn |",
        "| --- | ---: | ---: | ---: |",
    ]
    ours = measured.get("densimeter", (np.nan, np.nan))[0]
    reference = measured.get("scikit-learn", (np.nan, np.nan))[1]
    for name, (ms, value) in measured.items():
        deviation = "not told" if np.isnan(value) else f"{value / reference - 1:.1e}"
        lines.append(f"| {name} | {ms:.1f} | {ms / ours:.1f} × | {deviation} |")
    share = case.gigaflops / (ours * 1e-3) / rate
    fastest = min((ms for name, (ms, _) in measured.items() if "densimeter" not in name), default=np.nan)
    speed = f"{fastest / ours:.1f} × the fastest peer (asked: {case.asked:g} ×)"
    lines.append(f"\n{speed}; {share:.0%} of dgemm's {rate:.0f} Gflop/s.")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", type=int, default=list(range(len(CASES))))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--append", type=Path)
    options = parser.parse_args()
    for number in options.cases:
        text = table_of(CASES[number], options.only)
        print(text, flush=True)
        if options.append:
            with options.append.open("a", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
