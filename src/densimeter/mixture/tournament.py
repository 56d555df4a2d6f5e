"""Many cheap starts, short runs of EM on a part of the rows, and the best of them go on.

The likelihood has many maxima, and no single way of starting finds good ones on all data: k-means cuts long
thin clouds across, random rows miss small clusters. So starts of several kinds compete (Biernacki, Celeux and
Govaert, 2003, call short runs followed by a long one em-EM). They run as one batch. Then the best of them
competes in the same way with itself after merge and split moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densimeter.mixture import em
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.frame import Frame
from densimeter.mixture.moves import moved
from densimeter.mixture.sources import Layout, Resident

SHORT_RUN = 10
"""Iterations after which starts are compared."""
MOVED_RUN = 30
"""Iterations after which moves are compared: they need more to become what they can."""
ROWS = 8192
"""Rows on which they are compared."""
MOST_MOVES = 5
"""Merge and split moves that may follow each other."""
SMALLEST_GAIN = 1e-2
"""Nats per row that a move has to gain over EM alone; less is seldom worth another round."""
TIE = 1e-8
"""Starts whose bounds differ by less, in nats per row, are equal; the first of them goes on."""


@dataclass(frozen=True, slots=True)
class Contest:
    """The rows on which mixtures compete, in their frame and whitened, and what is added to variances."""

    family: Family
    rows: np.ndarray
    z: np.ndarray
    weights: np.ndarray
    floor: np.ndarray

    def run(
        self, entrants: Parameters, n_iterations: int, tol: float = 0.0
    ) -> tuple[Parameters, np.ndarray, np.ndarray]:
        """The stacked entrants after short runs, their bounds, and their order, the best first.

        A start that degenerates loses, and one with a component on d rows or fewer loses to those without:
        its likelihood is that of a spike.
        """
        n, d = self.rows.shape
        dtype = np.dtype(np.float64)
        layout = Layout.of(self.family, d, entrants.weights.shape[1], dtype)
        source = Resident(layout, lambda: iter([(self.rows, self.weights)]), complete=True)
        here = Frame(np.zeros(d), np.ones(d), np.ones(d))
        rules = em.Rules(tol=tol, max_iter=n_iterations, floor=self.floor)
        ended = em.run(self.family, here, source, dtype, entrants, rules)
        bounds = np.where(np.isfinite(ended.lower_bound), ended.lower_bound, -np.inf)
        shares = ended.parameters.weights
        spiked = ((shares > 0) & (shares * n <= d)).any(axis=1)
        return ended.parameters, bounds, np.lexsort([-np.round(bounds / TIE), spiked])

    def challenged(self, best: Parameters, n_entrants: int) -> Parameters:
        """One mixture after a run against itself moved, or as it was if no move gains enough."""
        moves = moved(self.family, self.rows, self.z, self.weights, self.floor, best, n_entrants - 1)
        if not len(moves.weights):
            return best
        entrants = Parameters(*(np.concatenate([a[None], b]) for a, b in zip(best, moves, strict=True)))
        ended, bounds, order = self.run(entrants, MOVED_RUN, SMALLEST_GAIN / 10)
        return best if bounds[order[0]] <= bounds[0] + SMALLEST_GAIN else _one(ended, order[0])


def winners(
    family: Family,
    rows: np.ndarray,
    z: np.ndarray,
    weights: np.ndarray,
    floor: np.ndarray,
    entrants: Parameters,
    n_winners: int,
) -> Parameters:
    """The `n_winners` of the stacked `entrants` whose short runs reach the highest likelihood, best first.

    The best of them is challenged by itself after merge and split moves, until none of these wins. `rows`
    ``(n, d)`` and `floor` are in the frame of the entrants, `z` are the rows whitened.
    """
    if len(rows) > ROWS:
        chosen = np.linspace(0, len(rows) - 1, ROWS).astype(int)
        rows, z, weights = rows[chosen], z[chosen], weights[chosen]
    contest = Contest(family, rows, z, weights, floor)
    ended, _, order = contest.run(entrants, SHORT_RUN)
    first, *others = (_one(ended, i) for i in order[:n_winners])
    for _ in range(MOST_MOVES):
        challenger = contest.challenged(first, len(entrants.weights))
        if challenger is first:
            break
        first = challenger
    return Parameters(*map(np.stack, zip(first, *others, strict=True)))


def _one(stacked: Parameters, i: int) -> Parameters:
    return Parameters(*(part[i] for part in stacked))
