"""Log-densities of m queries under n rows: densimeter beside its peers, with the error each reached.

    python benchmarks/kernel_speed.py                 # all cases; prints the table of kernel_speed.md
    python benchmarks/kernel_speed.py --quick         # the cases that take seconds
    python benchmarks/kernel_speed.py --linear        # only the peers whose time is linear in the rows
    python benchmarks/kernel_speed.py --hard          # a million rows with outliers, heavy tails, clusters
    python benchmarks/kernel_speed.py --growth        # time over n from 1e4 to 1e7, and its exponent

Peers are used if they are installed (scikit-learn is; `pip install KDEpy mlpack` for the others). Slow peers
are timed on a part of the queries, and their time, less that of building their tree, is scaled to all; the
table marks those with "~". The error is the largest |log p - exact| over 2,000 queries, among them the 200 of
lowest density; "exact" is the sum by differences relative to its largest term.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from densimeter.kernel_density.estimator import KernelDensity
from kernel_speed_peers import PEERS, Peer, exact, ours


@dataclass(frozen=True)
class Case:
    """Normal rows and as many normal queries."""

    n_features: int
    n_rows: int
    bandwidth: float

    def rows_and_queries(self) -> np.ndarray:
        """Rows and queries, stacked."""
        rng = np.random.default_rng(0)
        return rng.normal(size=(2, self.n_rows, self.n_features))

    def __str__(self) -> str:
        return f"{self.n_features}, {self.n_rows:,}, {self.bandwidth:g}"


CASES = [
    Case(1, 100_000, 0.1),
    Case(2, 100_000, 0.3),
    Case(2, 1_000_000, 0.2),
    Case(3, 100_000, 0.4),
    Case(5, 20_000, 0.4),
    Case(8, 20_000, 0.7),
    Case(20, 20_000, 2.0),
]


def hardest_queries(log_density: np.ndarray) -> np.ndarray:
    """Positions of the 200 of lowest density and of 1,800 others."""
    lowest = np.argsort(log_density)[:200]
    others = np.random.default_rng(1).choice(len(log_density), size=1800, replace=False)
    return np.concatenate([lowest, others])


def best_seconds(call: Callable[[], object], repeats: int) -> float:
    """The shortest of some runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure(case: Case, repeats: int, only_linear: bool = False) -> Iterator[tuple[str, str, str, str]]:
    """One table row for us and each peer: name, seconds, error, how many times slower than us."""
    X, queries = case.rows_and_queries()
    ours(X, queries, case.bandwidth)  # compiles
    own_seconds = best_seconds(lambda: ours(X, queries, case.bandwidth), repeats)
    log_density = ours(X, queries, case.bandwidth)
    chosen = hardest_queries(log_density)
    truth = exact(X, queries[chosen], case.bandwidth)
    own_error = np.abs(log_density[chosen] - truth).max()
    assert own_error <= 1e-6, f"the promise is broken: {own_error}"
    yield "densimeter", f"{own_seconds:.3f}", f"{own_error:.0e}", "1"
    for peer in PEERS:
        too_slow = case.n_features > peer.most_features or case.n_rows > peer.most_rows
        if too_slow or find_spec(peer.package) is None or (only_linear and not peer.is_linear):
            continue
        seconds, error, scaled = measure_peer(peer, case, X, queries, chosen, truth)
        for _ in range(repeats - 1 if peer.is_linear else 0):
            seconds = min(seconds, measure_peer(peer, case, X, queries, chosen, truth)[0])
        mark = "~" if scaled else ""
        times = f"{mark}{seconds / own_seconds:.3g}"
        yield peer.name, f"{mark}{seconds:.3g}", f"{error:.0e}", times


def measure_peer(
    peer: Peer, case: Case, X: np.ndarray, queries: np.ndarray, chosen: np.ndarray, truth: np.ndarray
) -> tuple[float, float, bool]:
    """Seconds for all queries, largest error, and whether the seconds are scaled."""
    n_timed = int(min(len(queries), peer.pairs_at_most / len(X)))
    with np.errstate(divide="ignore", invalid="ignore"):
        start = time.perf_counter()
        found = peer.answer(X, queries[:n_timed], case.bandwidth)
        seconds = getattr(peer.answer, "seconds", time.perf_counter() - start)
        if n_timed < len(queries):  # the time for one query is that of building the tree
            start = time.perf_counter()
            peer.answer(X, queries[:1], case.bandwidth)
            building = time.perf_counter() - start
            seconds = building + (seconds - building) * len(queries) / n_timed
        if n_timed < len(queries):
            of_chosen = peer.answer(X, queries[chosen[:n_timed]], case.bandwidth)
        else:
            of_chosen = found[chosen]
        error = np.abs(of_chosen - truth[: len(of_chosen)])
    error = np.where(np.isnan(error), np.inf, error).max()
    return seconds, float(error), n_timed < len(queries)


def hard_rows(name: str, n_rows: int, seed: int) -> np.ndarray:
    """Rows in two columns whose common grid would be mostly empty."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    if name == "1 % Cauchy":
        X[::100] = rng.standard_cauchy(size=X[::100].shape)
    elif name == "one outlier at 1e6 bandwidths":
        X[0] = 2e5
    elif name == "two clusters 5e8 bandwidths apart":
        X[::2] += 1e8
    elif name == "Student t, 2 degrees of freedom":
        X = rng.standard_t(2, size=X.shape)
    return X


HARD = [
    "1 % Cauchy",
    "one outlier at 1e6 bandwidths",
    "two clusters 5e8 bandwidths apart",
    "Student t, 2 degrees of freedom",
]


def hard_lines(n_rows: int, repeats: int) -> Iterator[str]:
    """One line for each hard set of rows; errors over 400 queries, the 200 of lowest density among them."""
    for name in HARD:
        X, queries = hard_rows(name, n_rows, 0), hard_rows(name, n_rows, 1)
        seconds = best_seconds(lambda rows=X, at=queries: ours(rows, at, 0.2), repeats)
        log_density = ours(X, queries, 0.2)
        chosen = hardest_queries(log_density)[:400]
        error = np.abs(log_density[chosen] - exact(X, queries[chosen], 0.2))
        error = np.max(error - 4e-16 * np.abs(log_density[chosen]))  # a double's own
        yield f"- {name}: {seconds:.2f} s, largest error {error:.0e}"


def scan_line() -> str:
    """A sentence on choosing among 20 bandwidths."""
    X = np.random.default_rng(0).normal(size=(10_000, 2))
    candidates = np.geomspace(0.05, 1, 20)

    def scan() -> object:
        return KernelDensity(candidates=candidates).fit(X)

    scan()
    scan_seconds = best_seconds(scan, 5)
    chosen = KernelDensity(candidates=candidates).fit(X).bandwidth_
    one = best_seconds(lambda: ours(X, X, float(chosen)), 5)
    return (
        f"Leave-one-out choice among 20 bandwidths (0.05 to 1), 10,000 rows, 2 columns: "
        f"{scan_seconds:.3f} s; "
        f"one scoring of these rows at the chosen one: {one:.4f} s; ratio {scan_seconds / one:.1f}."
    )


def growth_lines(sizes: list[int]) -> list[str]:
    """A sentence on time over n."""
    seconds = []
    for n in sizes:
        X, queries = Case(2, n, 0.2).rows_and_queries()
        ours(X[:1000], queries[:1000], 0.2)
        seconds.append(best_seconds(lambda rows=X, at=queries: ours(rows, at, 0.2), 3 if n < 10**7 else 1))
    exponent = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    listed = ", ".join(f"{n:.0e}: {s:.3f} s" for n, s in zip(sizes, seconds, strict=True))
    return [f"Growth over n = m, 2 columns, bandwidth 0.2: {listed}; fitted exponent {exponent:.2f}."]


def machine() -> str:
    """Where and with what it ran."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = f"{len(names)} × {names[0]}" if names else model
    packages = [
        p for p in ("densimeter", "jax", "finufft", "scikit-learn", "KDEpy", "mlpack") if _is_there(p)
    ]
    return f"{model}, Python {platform.python_version()}, " + ", ".join(
        f"{p} {_version(p)}" for p in packages
    )


def _is_there(package: str) -> bool:
    return package == "densimeter" or find_spec({"scikit-learn": "sklearn"}.get(package, package)) is not None


def _version(package: str) -> str:
    from densimeter import __version__

    return __version__ if package == "densimeter" else version(package)


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="leave out the case of a million rows")
    parser.add_argument("--growth", action="store_true", help="only time over n, up to ten million rows")
    parser.add_argument("--case", type=int, help="only this case, counted from 0")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--linear", action="store_true", help="only peers whose time is linear in the rows")
    parser.add_argument("--hard", action="store_true", help="only rows with outliers, heavy tails, clusters")
    parser.add_argument("--scan", action="store_true", help="only the choice among 20 bandwidths")
    arguments = parser.parse_args()
    if arguments.hard:
        for line in hard_lines(1_000_000, arguments.repeats):
            print(line, flush=True)
        return
    if arguments.scan:
        print(scan_line())
        return
    if arguments.growth:
        print(*growth_lines([10**4, 10**5, 10**6, 10**7]), sep="\n")
        return
    cases = [case for case in CASES if not (arguments.quick and case.n_rows > 500_000)]
    if arguments.case is not None:
        cases = [CASES[arguments.case]]
    print("| d, n = m, bandwidth | | seconds | largest error, nats | times ours |")
    print("| --- | --- | --- | --- | --- |")
    for case in cases:
        for line in measure(case, arguments.repeats, arguments.linear):
            print(f"| {case} | " + " | ".join(line) + " |", flush=True)
    if arguments.case is None:
        print(f"\n{scan_line()}")
    print(f"\n{machine()}.")


if __name__ == "__main__":
    main()
