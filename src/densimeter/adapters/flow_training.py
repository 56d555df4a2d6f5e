"""Training a flow of flowjax by maximum likelihood, stopped by validation rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.foundations.padding import bucket_size, pad_rows
from densimeter.foundations.precision import computing_in
from densimeter.foundations.progress import Progress
from densimeter.foundations.randomness import drawn_rows, odds_from

STEPS_PER_ROUND = 100
"""Steps between two looks at the validation rows, compiled as one."""


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """Shape of the flow and course of its training; see `FlowDensity`."""

    n_layers: int
    width: int
    n_knots: int
    max_steps: int
    batch_size: int
    learning_rate: float
    patience: int


@dataclass(frozen=True, slots=True)
class TrainedFlow:
    """A flowjax distribution, and the validation score (nats per scaled row) after each round."""

    flow: Any
    history: list[dict[str, float]]
    best_step: int


def flowjax_package() -> Any:
    """flowjax, or an error that says how to get it."""
    try:
        import flowjax.bijections
        import flowjax.distributions
        import flowjax.flows
    except ImportError as error:
        raise SettingError(
            "a flow needs the package flowjax, which is not installed", "pip install 'densimeter[flows]'"
        ) from error
    return flowjax


def new_flow(n_features: int, settings: FlowSettings, key: jax.Array) -> Any:
    """A flow with random weights; flows of one shape share functions, and so what is compiled for them."""
    shape = n_features, settings.n_layers, settings.width, settings.n_knots
    shared, structure = jax.tree.flatten(_first_of_its_shape(*shape))
    leaves = jax.tree.leaves(_spline_flow(*shape, key))
    own = [new if eqx.is_array(new) else old for new, old in zip(leaves, shared, strict=True)]
    return jax.tree.unflatten(structure, own)


def numbers_of(flow: Any) -> list[np.ndarray]:
    """The arrays of a flow, in order: with its shape they are all of it."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(flow) if eqx.is_array(leaf)]


def flow_of(shape: tuple[int, int, int, int], numbers: list[np.ndarray]) -> Any:
    """The flow of columns, layers, width and knots `shape` with the arrays of `numbers_of`.

    Its functions come from the package: of these a pickle could keep no more than their names.
    """
    with computing_in(np.float32):
        shared, structure = jax.tree.flatten(_first_of_its_shape(*shape))
        arrays = iter(numbers)
        leaves = [jnp.asarray(next(arrays)) if eqx.is_array(old) else old for old in shared]
    return jax.tree.unflatten(structure, leaves)


@lru_cache(maxsize=16)
def _first_of_its_shape(n_features: int, n_layers: int, width: int, n_knots: int) -> Any:
    return _spline_flow(n_features, n_layers, width, n_knots, jax.random.key(0))


def _spline_flow(n_features: int, n_layers: int, width: int, n_knots: int, key: jax.Array) -> Any:
    """A masked autoregressive flow of rational quadratic splines over a standard normal base.

    Source: Durkan, Bekasov, Murray and Papamakarios, "Neural spline flows", NeurIPS (2019).
    """
    package = flowjax_package()
    spline = package.bijections.RationalQuadraticSpline(knots=n_knots, interval=5)
    return package.flows.masked_autoregressive_flow(
        key,
        base_dist=package.distributions.Normal(jnp.zeros(n_features)),
        transformer=spline,
        flow_layers=n_layers,
        nn_width=width,
    )


class Part(NamedTuple):
    """Rows ``(n, d)`` to train or to validate on, and their weights; None for equal ones."""

    rows: np.ndarray
    weights: np.ndarray | None = None

    def padded(self) -> _Padded:
        """In float32 and filled up: nearly as many rows compile once."""
        size = bucket_size(len(self.rows))
        rows = jnp.asarray(pad_rows(self.rows, size), jnp.float32)
        weights = np.ones(len(self.rows)) if self.weights is None else self.weights
        shares = jnp.asarray(pad_rows(weights / weights.sum(), size), jnp.float32)
        odds = None if self.weights is None else np.resize(odds_from(weights), size)
        if odds is not None:
            odds[len(weights) :] = 2**32 - 1
        return _Padded(rows, len(self.rows), shares, None if odds is None else jnp.asarray(odds))


class _Padded(NamedTuple):
    """Rows, how many of them are rows, their shares of the weight, and the odds by which they are drawn."""

    rows: jax.Array
    count: Any
    shares: jax.Array
    odds: jax.Array | None


def train_flow(
    flow: Any,
    training: Part,
    validation: Part,
    settings: FlowSettings,
    key: jax.Array,
    progress: Progress,
) -> TrainedFlow:
    """The flow after the round in which the validation rows liked it best.

    Raises
    ------
    NonFiniteError
        If a score stops being finite.
    """
    parameters, static = _partition(flow)
    optimiser = _optimiser(settings.learning_rate, settings.max_steps)
    state = optimiser.init(parameters)
    parts = training.padded(), validation.padded()
    best, best_score, best_step, history = parameters, -math.inf, 0, []
    for step in range(0, settings.max_steps, STEPS_PER_ROUND):
        key, round_key = jax.random.split(key)
        parameters, state, score = _round(
            (parameters, state),
            static,
            parts,
            round_key,
            optimiser,
            settings.batch_size,
        )
        step, score = step + STEPS_PER_ROUND, float(score)
        if not math.isfinite(score):
            raise NonFiniteError(
                f"the flow's validation score is {score} after {step} steps", "lower the learning rate"
            )
        history.append({"step": step, "validation_score": score})
        progress(step, settings.max_steps, f"flow: validation score {score:.3f}")
        if score > best_score:
            best, best_score, best_step = parameters, score, step
        if step - best_step >= settings.patience * STEPS_PER_ROUND:
            break
    return TrainedFlow(eqx.combine(best, static), history, best_step)


def in_double_precision(flow: Any) -> Any:
    """The flow with its numbers as float64; to be called in a scope of double precision."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float64) if eqx.is_inexact_array(leaf) else leaf, flow
    )


@lru_cache(maxsize=16)
def _optimiser(learning_rate: float, max_steps: int) -> Any:
    schedule = optax.cosine_decay_schedule(learning_rate, max_steps, alpha=0.01)
    return optax.chain(optax.clip_by_global_norm(5.0), optax.adam(schedule))


def draw(flow: Any, key: jax.Array, n_samples: int) -> jax.Array:
    """Independent rows ``(n_samples, d)`` of the flow, in the scope's precision."""
    return _draw(flow, key, bucket_size(n_samples))[:n_samples]


@eqx.filter_jit
def _draw(flow: Any, key: jax.Array, n_samples: int) -> jax.Array:
    return flow.sample(key, (n_samples,))


@eqx.filter_jit
def _round(
    trained: tuple[Any, Any],
    static: Any,
    parts: tuple[_Padded, _Padded],
    key: jax.Array,
    optimiser: Any,
    batch_size: int,
) -> tuple[Any, Any, jax.Array]:
    training, validation = parts

    def loss(parameters: Any, batch: jax.Array) -> jax.Array:
        return -eqx.combine(parameters, static).log_prob(batch).mean()

    def step(carried: tuple[Any, Any], step_key: jax.Array) -> tuple[tuple[Any, Any], None]:
        parameters, state = carried
        batch = training.rows[drawn_rows(step_key, batch_size, training.count, training.odds)]
        gradient = jax.grad(loss)(parameters, batch)
        updates, state = optimiser.update(gradient, state, parameters)
        return (eqx.apply_updates(parameters, updates), state), None

    (parameters, state), _ = jax.lax.scan(step, trained, jax.random.split(key, STEPS_PER_ROUND))
    scores = eqx.combine(parameters, static).log_prob(validation.rows)
    real = jnp.arange(len(validation.rows)) < validation.count
    return parameters, state, jnp.where(real, scores * validation.shares, 0.0).sum()


def _partition(flow: Any) -> tuple[Any, Any]:
    """What is trained, and the rest; flowjax marks what is not to be trained."""
    import paramax

    return eqx.partition(
        flow, eqx.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
    )
