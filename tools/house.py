"""The house in figures: how large it is, how deep its imports go, and how much one has to read.

Run ``python tools/house.py`` from anywhere; it reads the source as text and imports nothing of it. An import
counts wherever it stands, at the top of a file or inside a function, but not under ``TYPE_CHECKING``, which
runs nothing. The files to read for a feature are all files of ours that its file imports, directly or not.
"""

from __future__ import annotations

import ast
import statistics
import sys
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "densimeter"
FEATURES = {
    "a Gaussian mixture": ("mixture.estimator",),
    "a kernel estimate": ("kernel_density.estimator",),
    "an energy model": ("energy.estimator",),
    "a comparison": ("evaluation.comparison",),
}
"""The file in which reading about each feature begins."""


@cache
def sources() -> dict[str, Path]:
    """Each module of the package by its dotted name."""
    base = ROOT / "src"
    names = {}
    for path in sorted((base / PACKAGE).rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def _is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _imported(node: ast.AST) -> set[str]:
    """The modules of ours that one import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name in sources()}
    if not isinstance(node, ast.ImportFrom) or node.level or node.module is None:
        return set()
    below = {f"{node.module}.{alias.name}" for alias in node.names}
    submodules = below & sources().keys()
    whole = {node.module} & sources().keys() if len(submodules) < len(node.names) else set()
    return submodules | whole


@cache
def imports_of(module: str) -> frozenset[str]:
    """What a module imports of ours."""
    pending: list[ast.AST] = [ast.parse(sources()[module].read_text(encoding="utf-8"))]
    found: set[str] = set()
    while pending:
        node = pending.pop()
        if not _is_for_types_only(node):
            found |= _imported(node)
            pending += ast.iter_child_nodes(node)
    return frozenset(found - {module, PACKAGE})


def to_read(*begin: str) -> set[str]:
    """All modules that the given ones import, directly or not, with themselves."""
    seen: set[str] = set()
    pending = list(begin)
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending += imports_of(module)
    return seen


def circles() -> list[set[str]]:
    """Groups of modules that import each other, directly or not."""
    reached = {module: to_read(module) for module in sources()}
    groups = {frozenset(other for other in reached[m] if m in reached[other]) for m in sources()}
    return sorted((set(group) for group in groups if len(group) > 1), key=sorted)


def longest_chain() -> list[str]:
    """The longest run of modules each of which imports the next; a circle is cut where it closes."""

    @cache
    def below(module: str) -> tuple[str, ...]:
        open_modules.add(module)
        chains = [below(other) for other in sorted(imports_of(module)) if other not in open_modules]
        open_modules.discard(module)
        return module, *max(chains, key=len, default=())

    open_modules: set[str] = set()
    return list(max((below(module) for module in sources()), key=len))


def n_dependencies() -> int:
    """Packages that a plain installation brings."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return len(settings["project"]["dependencies"])


def figures() -> dict[str, str]:
    """Each figure by its name, as text."""
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in sources().values()]
    table = {
        "source files": f"{len(lines)}",
        "lines": f"{sum(lines):,}",
        "median file, lines": f"{statistics.median(lines):.0f}",
        "longest import chain": f"{len(longest_chain())}",
        "circles": f"{len(circles())}",
        "runtime dependencies": f"{n_dependencies()}",
    }
    for feature, begin in FEATURES.items():
        modules = (f"{PACKAGE}.{name}" for name in begin)
        table[f"files to read for {feature}"] = f"{len(to_read(*modules))}"
    return table


def main() -> None:
    """Print the figures, and with ``--chain`` the longest import chain."""
    for name, value in figures().items():
        print(f"{name:36s} {value:>8s}")
    for group in circles():
        print("circle:", ", ".join(sorted(group)))
    if "--chain" in sys.argv:
        print("\n".join(longest_chain()))


if __name__ == "__main__":
    main()
