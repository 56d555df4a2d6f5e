"""A look at a user's function before it is compiled: can JAX trace it, and does it return what it should.

What a user writes is called here for the first time, on shapes alone and in no time, so that an error inside
it is told as theirs, in one line and with advice, and none of ours can be mistaken for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from densimeter.foundations.errors import DensimeterError, SettingError, in_one_line
from densimeter.foundations.precision import double_precision

_NOT_TRACED = (jax.errors.JAXTypeError, jax.errors.JAXIndexError, jax.errors.UnexpectedTracerError)
"""What JAX raises where a number is wanted and a tracer is met: NumPy, SciPy, math, float(), a Python if."""


@contextmanager
def users_code(name: str) -> Iterator[None]:
    """A scope in which nothing but the user's `name` can fail.

    Raises
    ------
    SettingError
        For whatever is raised inside, unless it is one of ours already.
    """
    try:
        yield
    except DensimeterError:
        raise
    except _NOT_TRACED as problem:
        raise SettingError(
            f"{name} cannot be traced by JAX",
            "write it with jax.numpy in place of numpy, scipy and math, and jnp.where in place of if",
        ) from problem
    except Exception as problem:
        raise SettingError(
            f"{name} fails: {type(problem).__name__}: {in_one_line(problem)}",
            "mend it so that it works on one point, a JAX array of float64",
        ) from problem


def check_point_function(function: Any, n_features: int, name: str, *, gradient: bool = False) -> None:
    """Refuse what is no function of one point ``(n_features,)`` to one real number that JAX can trace.

    Parameters
    ----------
    function : callable
    n_features : int
    name : str
        What messages call it, as "the energy".
    gradient : bool
        Whether its gradient is needed, too.

    Raises
    ------
    SettingError

    Examples
    --------
    >>> check_point_function(lambda x: jnp.sin(x).sum(), 2, "the energy")
    >>> check_point_function(lambda x: np.sin(float(x[0])), 2, "the energy")
    Traceback (most recent call last):
    densimeter.foundations.errors.SettingError: the energy cannot be traced by JAX
    write it with jax.numpy in place of numpy, scipy and math, and jnp.where in place of if
    """
    if not callable(function):
        raise SettingError(f"{name} is no function but {function!r}", "give a function of one point")
    with double_precision():
        point = jax.ShapeDtypeStruct((n_features,), jnp.float64)
        with users_code(name):
            told = eqx.filter_eval_shape(_called, function, point)
        _check_returned(told, (), name, "it must return one number")
        if gradient:
            with users_code(f"the gradient of {name}"):
                eqx.filter_eval_shape(_gradient, function, point)


@eqx.filter_jit
def _called(function: Any, x: jax.Array) -> Any:
    """Under `jit`, so that new parameters of a function that is a pytree are not traced anew."""
    value = function(x)
    return jnp.asarray(value) if isinstance(value, int | float | complex | np.generic) else value


@eqx.filter_jit
def _gradient(function: Any, x: jax.Array) -> Any:
    return jax.grad(lambda x: jnp.asarray(function(x), jnp.float64))(x)


def check_point_density(density: Any, name: str) -> int:
    """The number of features of a density of one point; refuses what is none.

    Raises
    ------
    SettingError
        If it has not both ``log_prob(x)`` and ``sample(key, n_samples)`` that JAX can trace, or they return
        other shapes than ``()`` and ``(n_samples, n_features)``.

    Examples
    --------
    >>> from densimeter.foundations.densities import Gaussian
    >>> check_point_density(Gaussian(jnp.zeros(3), jnp.eye(3)), "the proposal")
    3
    """
    if not (callable(getattr(density, "log_prob", None)) and callable(getattr(density, "sample", None))):
        raise SettingError(
            f"{name} is no density of one point: {type(density).__name__} has not both log_prob and sample",
            "give log_prob(x) and sample(key, n_samples), as densimeter.partition.Gaussian has",
        )
    with double_precision(), users_code(f"sample(key, n_samples) of {name}"):
        drawn = eqx.filter_eval_shape(lambda key: density.sample(key, 3), jax.random.key(0))
    if len(getattr(drawn, "shape", ())) != 2 or drawn.shape[0] != 3:
        raise SettingError(
            f"sample(key, 3) of {name} returns {_described(drawn)}", "it must return (n_samples, n_features)"
        )
    n_features = int(drawn.shape[1])
    check_point_function(density.log_prob, n_features, f"log_prob of {name}")
    return n_features


def check_log_weights(weights: Any, n_samples: int) -> None:
    """Refuse what does not draw log weights ``(n_samples,)`` as ``weights(key, n_samples)``.

    Raises
    ------
    SettingError
    """
    name = "the log weights"
    if not callable(weights):
        raise SettingError(f"{name} are no function but {weights!r}", "give weights(key, n_samples)")
    with double_precision(), users_code(name):
        told = eqx.filter_eval_shape(lambda key: weights(key, n_samples), jax.random.key(0))
    _check_returned(told, (n_samples,), name, "weights(key, n_samples) must return one number for each draw")


def _check_returned(told: Any, shape: tuple[int, ...], name: str, wanted: str) -> None:
    if getattr(told, "shape", None) != shape:
        raise SettingError(f"{name} returns {_described(told)}", wanted)
    if np.issubdtype(told.dtype, np.complexfloating):
        raise SettingError(f"{name} returns a complex number", "it must be real: take its real part")


def _described(told: Any) -> str:
    shape = getattr(told, "shape", None)
    return type(told).__name__ if shape is None else f"an array of shape {tuple(shape)}"
