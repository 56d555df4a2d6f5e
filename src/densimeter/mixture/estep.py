"""The E-step: compiled for a piece of rows, and spread over the pieces of a source.

In natural parameters it is two matrix products around a softmax. That form subtracts numbers of the size
of ``mu^T Sigma^-1 mu`` and loses their digits; for components too small for it, `local_sums` takes
differences to each component's mean first, in coordinates where the component is the unit normal.

Each piece is computed on one thread, and the pieces on as many threads as there are processors: the products
are too small to be worth splitting themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.precision import computing_in
from densimeter.mixture.families import LOG_TWO_PI, Family, Parameters
from densimeter.mixture.frame import Frame
from densimeter.mixture.gaps import GapBlock, expected_sums
from densimeter.mixture.sources import Item, Piece, Source
from densimeter.mixture.statistics import ExpectedSums
from densimeter.mixture.workers import in_order

ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}


class Chart(NamedTuple):
    """The frame as the compiled step sees it: ``z = (x - location) * inverse_scale``."""

    location: Any
    inverse_scale: Any

    @classmethod
    def of(cls, frame: Frame, columns: np.ndarray, dtype: np.dtype) -> Chart:
        """The chart of some columns; the others become zero."""
        inverse_scale = np.zeros(len(frame.scale), dtype)
        inverse_scale[columns] = 1 / frame.scale[columns]
        return cls(frame.location.astype(dtype), inverse_scale)

    def apply(self, columns: jax.Array) -> jax.Array:
        """Columns ``(d, n)`` of the user's rows in the frame."""
        return (columns - self.location[:, None]) * self.inverse_scale[:, None]


def softmax(log_joint: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Weighted responsibilities ``(R, K, n)`` and weighted log-likelihoods ``(R,)`` from log-joints."""
    peak = log_joint.max(1, keepdims=True)
    joint = jnp.exp(log_joint - peak)
    total = joint.sum(1, keepdims=True)
    return joint * (weights / total), (weights * (peak + jnp.log(total))[:, 0]).sum(-1)


def sweep(family: Family, theta: jax.Array, chart: Chart, piece: Piece) -> tuple[jax.Array, jax.Array]:
    """``sum_i w_i r_ik phi(z_i)`` and ``sum_i w_i log p(z_i)`` of a piece, for theta ``(R, K, n_terms)``."""
    n_restarts, n_components, n_terms = theta.shape
    flat = theta.reshape(-1, n_terms)

    def add(i: jax.Array, total: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        features = family.expand(chart.apply(piece.columns[i]))
        log_joint = (flat @ features).reshape(n_restarts, n_components, -1)
        responsibilities, log_likelihood = softmax(log_joint, piece.weights[i])
        sums = responsibilities.reshape(len(flat), -1) @ features.T
        return total[0] + sums.reshape(theta.shape), total[1] + log_likelihood

    zero = (jnp.zeros_like(theta), jnp.zeros(n_restarts, theta.dtype))
    return jax.lax.fori_loop(0, piece.n_filled, add, zero)


natural_sums = jax.jit(sweep, static_argnums=0, compiler_options=ONE_THREAD)


@partial(jax.jit, static_argnums=0, compiler_options=ONE_THREAD)
def local_sums(
    family: Family, constants: jax.Array, means: jax.Array, maps: jax.Array, piece: Piece
) -> tuple[jax.Array, jax.Array]:
    """The same sums, each component's in its own coordinates ``y = M_k (x - mu_k)``.

    `constants` ``(R, K)`` are the log-joint densities at the means, `means` are ``(R, K, d)``, `maps`
    ``(R, K, d, d)``.
    """
    shape = means.shape[:2]
    flat_means, flat_maps = means.reshape(-1, means.shape[-1]), maps.reshape(-1, *maps.shape[2:])

    def coordinates(component: tuple[jax.Array, jax.Array], columns: jax.Array) -> jax.Array:
        mean, matrix = component
        return matrix @ (columns - mean[:, None])

    def add(i: jax.Array, total: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        columns, weights = piece.columns[i], piece.weights[i]
        components = (flat_means, flat_maps)
        squares = jax.lax.map(lambda c: (coordinates(c, columns) ** 2).sum(0), components)
        log_joint = constants[..., None] - 0.5 * squares.reshape(*shape, -1)
        responsibilities, log_likelihood = softmax(log_joint, weights)
        sums = jax.lax.map(
            lambda c: family.expand(coordinates(c[:2], columns)) @ c[2],
            (*components, responsibilities.reshape(len(flat_means), -1)),
        )
        return total[0] + sums.reshape(*shape, -1), total[1] + log_likelihood

    n_terms = family.n_terms(means.shape[-1])
    zero = (jnp.zeros((*shape, n_terms), means.dtype), jnp.zeros(shape[0], means.dtype))
    return jax.lax.fori_loop(0, piece.n_filled, add, zero)


class Planned(NamedTuple):
    """A piece to be, with the natural parameters and the chart of the columns it knows."""

    item: Item
    theta: np.ndarray
    chart: Chart


def natural_step(
    family: Family,
    frame: Frame,
    source: Source,
    dtype: np.dtype,
    parameters: Parameters,
    theta: np.ndarray | None = None,
) -> ExpectedSums:
    """The E-step over a source, parameters in the frame; missing cells are completed by pattern.

    `theta` are the natural parameters of `parameters`, if they are known already.
    """
    n_restarts, n_components, n_features = parameters.means.shape
    totals: dict[bytes, list[Any]] = {}

    def compute(planned: Planned | GapBlock) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(planned, GapBlock):
            return expected_sums(family, planned, parameters, frame.location, frame.scale)
        item, theta, chart = planned
        with computing_in(dtype):
            sums, log_likelihood = natural_sums(family, theta, chart, item.lay_out())
            return np.asarray(sums, np.float64), np.asarray(log_likelihood, np.float64)

    result = ExpectedSums.zero(n_restarts, n_components, family.n_terms(n_features))
    for planned, (sums, log_likelihood) in in_order(
        _planned(family, frame, source, dtype, parameters, theta), compute
    ):
        if isinstance(planned, GapBlock):
            result = result.merge(ExpectedSums(sums, log_likelihood, planned.weight))
            continue
        observed, weight, _ = planned.item
        total = totals.setdefault(observed.tobytes(), [observed, 0.0, 0.0, 0.0])
        jacobian = weight * np.log(1 / frame.scale[observed]).sum()
        for i, one in enumerate((sums, log_likelihood + jacobian, weight), 1):
            total[i] = total[i] + one
    for observed, sums, log_likelihood, weight in totals.values():
        if len(observed) < n_features:
            sums = family.complete(sums[..., family.terms(observed, n_features)], parameters, observed)
        result = result.merge(ExpectedSums(sums, log_likelihood, weight))
    return result


def _planned(
    family: Family,
    frame: Frame,
    source: Source,
    dtype: np.dtype,
    parameters: Parameters,
    theta: np.ndarray | None,
) -> Iterator[Planned | GapBlock]:
    """The items of a source, those with the same columns sharing their plan, and its blocks as they are."""
    n_features = len(frame.location)
    plans: dict[bytes, tuple[np.ndarray, Chart]] = {}
    for item in source:
        if isinstance(item, GapBlock):
            yield item
            continue
        observed, key = item.observed, item.observed.tobytes()
        if key not in plans:
            if len(observed) < n_features or theta is None:
                own = family.natural(family.marginal(parameters, observed))
            else:
                own = theta
            spread = np.zeros((*own.shape[:-1], family.n_terms(n_features)), dtype)
            spread[..., family.terms(observed, n_features)] = own
            plans[key] = spread, Chart.of(frame, observed, dtype)
        yield Planned(item, *plans[key])


def local_step(
    family: Family, frame: Frame, source: Source, dtype: np.dtype, parameters: Parameters
) -> ExpectedSums:
    """The E-step over complete rows with each component's sums in its own coordinates."""
    weights, means, covariances = parameters
    n_restarts, n_components, d = means.shape
    maps = family.local_maps(covariances, n_components, d)
    log_det = np.log(np.diagonal(maps, axis1=-2, axis2=-1)).sum(-1)
    with np.errstate(divide="ignore"):
        constants = (np.log(weights) + log_det - d * LOG_TWO_PI / 2).astype(dtype)
    user_means = (means * frame.scale + frame.location).astype(dtype)
    user_maps = (maps / frame.scale).astype(dtype)

    def compute(item: Item | GapBlock) -> tuple[np.ndarray, np.ndarray]:
        assert isinstance(item, Item)  # the rows are complete
        with computing_in(dtype):
            sums, log_likelihood = local_sums(family, constants, user_means, user_maps, item.lay_out())
            return np.asarray(sums, np.float64), np.asarray(log_likelihood, np.float64)

    result = ExpectedSums.zero(n_restarts, n_components, family.n_terms(d))
    for item, (sums, log_likelihood) in in_order(source, compute):
        shifted = log_likelihood + item.weight * frame.log_jacobian
        result = result.merge(ExpectedSums(sums, shifted, item.weight))
    return result
