"""The ways to a kernel density estimate that kernel_speed.py times: ours, others, and the bare transforms."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import finufft
import numpy as np
from scipy.interpolate import RegularGridInterpolator
from sklearn.neighbors import KernelDensity as ScikitKernelDensity

from densimeter.kernel_density.direct import by_differences
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.kernel_density.fourier import FourierBox
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.profiles import Gaussian

Answer = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def ours(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """The density of densimeter, its fit included."""
    return KernelDensity(bandwidth=bandwidth).fit(X).score_samples(queries)


def scikit_learn(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """Its tree at a relative tolerance of 1e-4."""
    return ScikitKernelDensity(bandwidth=bandwidth, rtol=1e-4).fit(X).score_samples(queries)


def scikit_learn_exact(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """Its tree without tolerance."""
    return ScikitKernelDensity(bandwidth=bandwidth, rtol=0, atol=0).fit(X).score_samples(queries)


def mlpack_tree(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """Its dual tree at a relative error of 1e-4."""
    import mlpack

    found = mlpack.kde(reference=X.copy(), query=queries.copy(), bandwidth=bandwidth, rel_error=1e-4)
    return np.log(np.asarray(found["predictions"]).ravel())


def kdepy_tree(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """Its tree; it adds an epsilon to every density."""
    from KDEpy import TreeKDE

    return np.log(TreeKDE(kernel="gaussian", bw=bandwidth).fit(X).evaluate(queries))


def kdepy_grid(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """The fast transform on a grid, then linear interpolation: no error is promised."""
    from KDEpy import FFTKDE

    n_features = X.shape[1]
    size = {1: (2**13,), 2: (1024, 1024), 3: (128, 128, 128)}[n_features]
    grid, values = FFTKDE(kernel="gaussian", bw=bandwidth).fit(X).evaluate(size)
    axes = [np.unique(column) for column in np.atleast_2d(np.asarray(grid).reshape(len(values), -1).T)]
    interpolate = RegularGridInterpolator(axes, values.reshape(size), bounds_error=False, fill_value=0.0)
    return np.log(interpolate(queries))


def bare_finufft(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """Only the two transforms, with our grid and tolerance: what the Fourier engine cannot undercut."""
    kernel_sum = KernelSum(WeightedRows.of(X), np.full(X.shape[1], bandwidth), Gaussian())
    box = FourierBox.around(kernel_sum.half_extent)
    there, here = box.angles(kernel_sum.unit_points), box.angles(kernel_sum.in_units(queries))
    here = [np.clip(column, -np.pi, np.pi) for column in here]
    weights = np.full(len(X), 1 / len(X), np.complex128)
    damping = box.damping()

    start = time.perf_counter()
    first = finufft.Plan(1, box.n_modes, eps=box.accuracy.tolerance, isign=1)
    first.setpts(*there)
    coefficients = first.execute(weights)
    second = finufft.Plan(2, box.n_modes, eps=box.accuracy.tolerance, isign=-1)
    second.setpts(*here)
    sums = second.execute(coefficients * damping).real
    bare_finufft.seconds = time.perf_counter() - start  # type: ignore[attr-defined]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(sums) - X.shape[1] * np.log(np.sqrt(2 * np.pi) * bandwidth)


def exact(X: np.ndarray, queries: np.ndarray, bandwidth: float) -> np.ndarray:
    """The sum by differences."""
    kernel_sum = KernelSum(WeightedRows.of(X), np.full(X.shape[1], bandwidth), Gaussian())
    volume = X.shape[1] * np.log(np.sqrt(2 * np.pi) * bandwidth)
    return by_differences(kernel_sum, queries)[0] - volume


@dataclass(frozen=True)
class Peer:
    """Another way to the same numbers."""

    name: str
    answer: Answer
    package: str
    pairs_at_most: float
    """Rows × queries that are timed; beyond, a part of the queries is."""
    most_features: int = 60
    most_rows: float = np.inf

    @property
    def is_linear(self) -> bool:
        """Whether all queries can be timed, and several times."""
        return np.isinf(self.pairs_at_most)


PEERS = [
    Peer("scikit-learn 1e-4", scikit_learn, "sklearn", 1e8, most_rows=2e5),
    Peer("scikit-learn exact", scikit_learn_exact, "sklearn", 2e7, most_rows=2e5),
    Peer("mlpack 1e-4", mlpack_tree, "mlpack", 2e8, most_rows=2e5),
    Peer("KDEpy tree", kdepy_tree, "KDEpy", 4e7, most_rows=2e5),
    Peer("KDEpy grid", kdepy_grid, "KDEpy", np.inf, most_features=3),
    Peer("bare finufft", bare_finufft, "finufft", np.inf, most_features=3),
]
