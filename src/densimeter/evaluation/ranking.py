"""Which models can be told apart, when all pairs of them are asked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

Pair = tuple[str, str]


def holm(p_values: Sequence[float]) -> np.ndarray:
    """P-values adjusted so that the chance of any false rejection among them is at most the level.

    The k-th smallest of m is multiplied by m - k + 1, and none is let fall below a smaller one's.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]

    Notes
    -----
    Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p)
    adjusted = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    found = np.empty(len(p))
    found[order] = adjusted
    return found


def adjusted_pairs(names: Sequence[str], p_values: Mapping[Pair, float]) -> dict[Pair, float]:
    """Holm's adjusted p-value of every pair, by names in the order of `names`."""
    pairs = list(combinations(names, 2))
    return dict(zip(pairs, holm([p_values[pair] for pair in pairs]).tolist(), strict=True))


def indistinguishable(
    names: Sequence[str], adjusted: Mapping[Pair, float], level: float
) -> tuple[tuple[str, ...], ...]:
    """The largest runs of the ranking of which no two models can be told apart, best first.

    Parameters
    ----------
    names : sequence of str
        Best first.
    adjusted : mapping of pairs of names to p-values
    level : float
        Pairs with a p-value below it are told apart.

    Examples
    --------
    >>> indistinguishable(["a", "b", "c"], {("a", "b"): 0.4, ("b", "c"): 0.2, ("a", "c"): 0.01}, 0.05)
    (('a', 'b'), ('b', 'c'))
    """
    runs: list[tuple[str, ...]] = []
    for start in range(len(names)):
        end = start + 1
        while end < len(names) and all(adjusted[names[k], names[end]] >= level for k in range(start, end)):
            end += 1
        run = tuple(names[start:end])
        if len(run) > 1 and not any(set(run) <= set(other) for other in runs):
            runs.append(run)
    return tuple(runs)
