"""Many cheap starts, short runs of EM on a part of the rows, and the best of them go on.

The likelihood has many maxima, and no single way of starting finds good ones on all data: k-means cuts long
thin clouds across, random rows miss small clusters. So starts of several kinds compete (Biernacki, Celeux and
Govaert, 2003, call short runs followed by a long one em-EM). They run as one batch.
"""

from __future__ import annotations

import numpy as np

from densimeter.mixture import em
from densimeter.mixture.families import Family, Parameters
from densimeter.mixture.frame import Frame
from densimeter.mixture.sources import Layout, Resident

SHORT_RUN = 10
"""Iterations after which starts are compared."""
ROWS = 8192
"""Rows on which they are compared."""
TIE = 1e-8
"""Starts whose bounds differ by less, in nats per row, are equal; the first of them goes on."""


def winners(
    family: Family,
    rows: np.ndarray,
    weights: np.ndarray,
    floor: np.ndarray,
    entrants: Parameters,
    n_winners: int,
) -> Parameters:
    """The `n_winners` of the stacked `entrants` whose short runs reach the highest likelihood, best first.

    `rows` ``(n, d)`` and `floor` are in the frame of the entrants. A start that degenerates loses, and one
    with a component on d rows or fewer loses to those without: its likelihood is that of a spike.
    """
    d = rows.shape[1]
    if len(rows) > ROWS:
        chosen = np.linspace(0, len(rows) - 1, ROWS).astype(int)
        rows, weights = rows[chosen], weights[chosen]
    dtype = np.dtype(np.float64)
    layout = Layout.of(family, d, entrants.weights.size, dtype)
    source = Resident(layout, lambda: iter([(rows, weights)]), complete=True)
    here = Frame(np.zeros(d), np.ones(d), np.ones(d))
    rules = em.Rules(tol=0.0, max_iter=SHORT_RUN, floor=floor)
    ended = em.run(family, here, source, dtype, entrants, rules)
    bounds = np.where(np.isfinite(ended.lower_bound), ended.lower_bound, -np.inf)
    shares = ended.parameters.weights
    spiked = ((shares > 0) & (shares * len(rows) <= d)).any(axis=1)
    best = np.lexsort([-np.round(bounds / TIE), spiked])[:n_winners]
    return Parameters(*(part[best] for part in ended.parameters))
