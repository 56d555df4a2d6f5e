"""A mixture and a kernel estimate stacked: shares chosen by rows that neither of them has seen.

The mixture is right where the rows are smooth and few, the kernel estimate where they are many and show
detail that no small number of components can follow. Smyth and Wolpert, Linearly combining density estimators
via stacking, Machine Learning 36 (1999).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.energy.base import FitBase, MixtureBase
from densimeter.energy.kernel_base import KernelBase
from densimeter.energy.mixture_base import ChooseMixture
from densimeter.foundations.scaling import ColumnScaling
from densimeter.kernel_density.kernel_sum import WeightedRows
from densimeter.kernel_density.profiles import Gaussian
from densimeter.kernel_density.rules import reference_widths
from densimeter.kernel_density.selectors import Candidates, Evidence
from densimeter.tables.table import row_identities

FACTORS = np.geomspace(0.1, 1.0, 9)
"""Bandwidths tried, in multiples of Scott's rule: beside a mixture the kernel is there for detail."""

MOST_CENTRES = 20_000
"""Of a kernel estimate; from more rows as many are drawn."""

FEW_ROWS = 5000
"""Up to so many rows the shares are chosen by cross-validation, beyond them by a fifth of the rows, of which
no more than this many are scored."""

N_PARTS = 5

ROUNDS = 100
"""Of EM for the share, whose likelihood is concave."""

SURE = 2.0
"""Standard errors by which the kernel must gain on unseen rows; else the mixture stands alone."""


class StackedBase(eqx.Module):
    """``q = (1 - share) mixture + share kernel``."""

    mixture: MixtureBase
    kernel: KernelBase
    share: jax.Array

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.mixture.n_features

    def log_prob(self, x: jax.Array) -> jax.Array:
        """Log q(x) of one point ``(n_features,)``, nats."""
        of_mixture = jnp.log1p(-self.share) + self.mixture.log_prob(x)
        return jnp.logaddexp(of_mixture, jnp.log(self.share) + self.kernel.log_prob(x))

    def log_probs(self, Z: np.ndarray) -> np.ndarray:
        """Log q of many points ``(n, d)``, float64."""
        share = float(self.share)
        return _mixed(share, self.mixture.log_probs(Z), self.kernel.log_probs(Z))

    def sample(self, key: jax.Array, n_samples: int) -> jax.Array:
        """Exact draws ``(n_samples, n_features)``."""
        for_mixture, for_kernel, for_choice = jax.random.split(key, 3)
        from_mixture = self.mixture.sample(for_mixture, n_samples)
        from_kernel = self.kernel.sample(for_kernel, n_samples)
        is_kernel = jax.random.uniform(for_choice, (n_samples, 1)) < self.share
        return jnp.where(is_kernel, from_kernel, from_mixture)

    def simplest(self) -> StackedBase | MixtureBase:
        """The mixture alone where the kernel has no share."""
        return self.mixture if float(self.share) == 0 else self


@dataclass(frozen=True)
class StackedFit:
    """Fits a mixture and a kernel estimate to rows, their shares chosen within these rows."""

    fit_mixture: FitBase
    seed: int

    def __call__(self, Z: np.ndarray) -> StackedBase:
        """The stack of the scaled rows ``(n, d)``."""
        rng = np.random.default_rng(self.seed)
        Z = Z[rng.permutation(len(Z))]
        share, factor = choose_share(Z, self.fit_mixture)
        kernel = KernelBase.of(Z[:MOST_CENTRES], factor * reference_widths(WeightedRows.of(Z[:MOST_CENTRES])))
        mixture = self.fit_mixture(Z)
        assert isinstance(mixture, MixtureBase)
        return StackedBase(mixture, kernel, np.float64(share))  # type: ignore[arg-type]


class ChooseStacked:
    """The mixture is chosen as it is without a kernel; the shares are chosen anew in every fit."""

    choose_mixture = ChooseMixture()

    def n_rows(self, n_available: int, n_features: int) -> int:
        """As many as the choice of the mixture needs."""
        return self.choose_mixture.n_rows(n_available, n_features)

    def __call__(self, Z: np.ndarray, scaling: ColumnScaling, rng: np.random.Generator) -> FitBase:
        """Stacks with a mixture like the one chosen on the scaled rows `Z`."""
        return StackedFit(self.choose_mixture(Z, scaling, rng), int(rng.integers(2**31)))


def choose_share(Z: np.ndarray, fit_mixture: FitBase) -> tuple[float, float]:
    """The kernel's share, and its bandwidth in multiples of Scott's rule, by the likelihood of unseen rows.

    The share is zero unless the gain over the mixture alone is `SURE`. `Z` is in random order.
    """
    log_mixture, log_kernel = [], []
    for seen, unseen in _inner_parts(Z):
        log_mixture.append(fit_mixture(seen).log_probs(unseen))
        shape = reference_widths(WeightedRows.of(seen[:MOST_CENTRES]))
        evidence = Evidence(WeightedRows.of(seen[:MOST_CENTRES]), unseen, Gaussian(), 1e-6)
        log_kernel.append(evidence.log_densities(Candidates(shape, FACTORS, isotropic=False)))
    if not log_mixture:  # so many ties that no part is without a row of another
        return 0.0, float(FACTORS[-1])
    of_mixture, of_kernel = np.concatenate(log_mixture), np.concatenate(log_kernel, axis=1)
    shares = best_shares(of_mixture, of_kernel)
    gains = np.stack([_mixed(share, of_mixture, row) for share, row in zip(shares, of_kernel, strict=True)])
    gains -= of_mixture
    best = int(np.argmax(gains.mean(axis=1)))
    error = gains[best].std(ddof=1) / math.sqrt(len(of_mixture))
    sure = gains[best].mean() > SURE * error
    return (float(shares[best]) if sure else 0.0), float(FACTORS[best])


def best_shares(log_mixture: np.ndarray, log_kernel: np.ndarray) -> np.ndarray:
    """For each row of `log_kernel` ``(m, n)`` the share with the best likelihood, by EM.

    It is at most ``1 - 1 / (n + 1)``: what n rows never saw may still be the mixture's.
    """
    shares = np.full((len(log_kernel), 1), 0.5)
    above = np.clip(log_kernel - log_mixture, -700, 700)
    for _ in range(ROUNDS):
        weighted = shares * np.exp(above)
        shares = (weighted / (weighted + 1 - shares)).mean(axis=1, keepdims=True)
    return np.minimum(shares[:, 0], 1 - 1 / (len(log_mixture) + 1))


def _mixed(share: float, log_mixture: np.ndarray, log_kernel: np.ndarray) -> np.ndarray:
    if share == 0:
        return log_mixture
    return np.logaddexp(np.log1p(-share) + log_mixture, np.log(share) + log_kernel)


def _inner_parts(Z: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit on and rows to score; none of these equals one of those."""
    identities = row_identities(Z)
    parts = np.array_split(np.arange(len(Z)), N_PARTS)
    for place in range(N_PARTS if len(Z) <= FEW_ROWS else 1):
        seen = np.concatenate(parts[:place] + parts[place + 1 :])
        unseen = parts[place][:FEW_ROWS]
        fresh = unseen[~np.isin(identities[unseen], identities[seen])]
        if len(fresh) > 0:
            yield Z[seen], Z[fresh]
