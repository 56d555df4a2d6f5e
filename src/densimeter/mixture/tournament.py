"""Many cheap starts, short runs of EM on a part of the rows, and the best of them go on.

The likelihood has many maxima, and no single way of starting finds good ones on all data: k-means cuts long
thin clouds across, random rows miss small clusters. So starts of several kinds compete (Biernacki, Celeux and
Govaert, 2003, call short runs followed by a long one em-EM). After a few iterations the worse ones drop out.
Then the best competes in the same way with itself after merge and split moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from densimeter.mixture import em
from densimeter.mixture.families import Family, Floor, Parameters
from densimeter.mixture.frame import Frame
from densimeter.mixture.moves import moved
from densimeter.mixture.sources import Layout, Resident

SHORT_RUNS = 8, 22
"""Iterations after which starts are compared: all, then the better half."""
MOVED_RUNS = 10, 20
"""The same for moves, which need more to become what they can."""
MOVES, MOVES_THAT_STAY = 4, 2
"""Moves that are tried, and those of them that run to the end: the first few are the ones that win."""
ROWS = 8192
"""Rows on which they are compared."""
MOST_MOVES = 5
"""Merge and split moves that may follow each other."""
SMALLEST_GAIN = 1e-2
"""Nats per row that a move has to gain over EM alone; less is seldom worth another round."""
SETTLED, HARDLY_MOVING = 1e-5, 1e-3
"""Nats per row of an iteration with which a start, and a move, ends its run early."""
TIE = 1e-8
"""Starts whose bounds differ by less, in nats per row, are equal; the first of them goes on."""
DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True, slots=True)
class Contest:
    """The rows on which mixtures compete, in their frame and whitened, and what is added to variances."""

    family: Family
    rows: np.ndarray
    z: np.ndarray
    weights: np.ndarray
    floor: Floor
    source: Resident

    @classmethod
    def on(
        cls,
        family: Family,
        rows: np.ndarray,
        z: np.ndarray,
        weights: np.ndarray,
        floor: Floor,
        n_components: int,
    ) -> Contest:
        """On some of the rows, if there are many; `z` are ordered outwards."""
        if len(rows) > ROWS:
            chosen = np.linspace(0, len(rows) - 1, ROWS).astype(int)
            rows, z, weights = rows[chosen], z[chosen], weights[chosen]
        layout = Layout.of(family, rows.shape[1], n_components, DOUBLE)
        source = Resident(layout, lambda: iter([(rows, weights)]), complete=True)
        return cls(family, rows, z, weights, floor, source)

    def run(
        self, entrants: Parameters, n_iterations: int, tol: float
    ) -> tuple[Parameters, np.ndarray, np.ndarray]:
        """The stacked entrants after short runs, their bounds, and their order, the best first.

        A start that degenerates loses, and one with a component on d rows or fewer loses to those without:
        its likelihood is that of a spike.
        """
        n, d = self.rows.shape
        here = Frame(np.zeros(d), np.ones(d), np.ones(d))
        rules = em.Rules(tol=tol, max_iter=n_iterations, floor=self.floor)
        ended = em.run(self.family, here, self.source, DOUBLE, entrants, rules)
        bounds = np.where(np.isfinite(ended.lower_bound), ended.lower_bound, -np.inf)
        shares = ended.parameters.weights
        spiked = ((shares > 0) & (shares * n <= d)).any(axis=1)
        return ended.parameters, bounds, np.lexsort([-np.round(bounds / TIE), spiked])

    def challenged(self, best: Parameters) -> Parameters:
        """One mixture after a run against itself moved, or as it was if no move gains enough."""
        moves = moved(self.family, self.rows, self.z, self.weights, self.floor, best, MOVES)
        if not len(moves.weights):
            return best
        entrants = Parameters(*(np.concatenate([a[None], b]) for a, b in zip(best, moves, strict=True)))
        ended, _, order = self.run(entrants, MOVED_RUNS[0], HARDLY_MOVING)
        kept = [0, *order[order > 0][:MOVES_THAT_STAY]]
        ended, bounds, order = self.run(_some(ended, kept), MOVED_RUNS[1], HARDLY_MOVING)
        return best if bounds[order[0]] <= bounds[0] + SMALLEST_GAIN else _some(ended, order[0])


def winners(
    family: Family,
    rows: np.ndarray,
    z: np.ndarray,
    weights: np.ndarray,
    floor: Floor,
    entrants: Parameters,
    n_winners: int,
) -> Parameters:
    """The `n_winners` of the stacked `entrants` whose short runs reach the highest likelihood, best first.

    The best of them is challenged by itself after merge and split moves, until none of these wins. `rows`
    ``(n, d)`` and `floor` are in the frame of the entrants, `z` are the rows whitened.
    """
    contest = Contest.on(family, rows, z, weights, floor, entrants.weights.shape[1])
    ended, _, order = contest.run(entrants, SHORT_RUNS[0], SETTLED)
    better = order[: max(n_winners, -(-len(order) // 2))]
    ended, _, order = contest.run(_some(ended, better), SHORT_RUNS[1], SETTLED)
    first, others = _some(ended, order[0]), _some(ended, order[1:n_winners])
    for _ in range(MOST_MOVES):
        challenger = contest.challenged(first)
        if challenger is first:
            break
        first = challenger
    return Parameters(*(np.concatenate([a[None], b]) for a, b in zip(first, others, strict=True)))


def _some(stacked: Parameters, chosen: Any) -> Parameters:
    return Parameters(*(part[chosen] for part in stacked))
