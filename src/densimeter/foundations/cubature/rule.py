"""The tensor-product Gauss-Kronrod rule (7 and 15 points) on many boxes at once.

Nodes and weights: Piessens, de Doncker-Kapenga, Überhuber and Kahaner, "QUADPACK" (1983), QK15.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from densimeter.foundations.cubature.axes import Axis
from densimeter.foundations.cubature.integrand import Integrand

_HALF_NODES = [
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144691693013,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
    0.0,
]
_HALF_KRONROD = [
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
    0.209482141084727828012999174891714,
]
_HALF_GAUSS = [
    0.0,
    0.129484966168869693270611432679082,
    0.0,
    0.279705391489276667901467771423780,
    0.0,
    0.381830050505118944950369775488975,
    0.0,
    0.417959183673469387755102040816327,
]
NODES = np.array([-node for node in _HALF_NODES] + _HALF_NODES[-2::-1])
KRONROD = np.array(_HALF_KRONROD + _HALF_KRONROD[-2::-1])
GAUSS = np.array(_HALF_GAUSS + _HALF_GAUSS[-2::-1])

BATCH_ROWS = 2**17
"""Rows handed to the integrand at once, about at most."""


class Boxes(NamedTuple):
    """Boxes ``(n, d)`` in mapped coordinates; the other columns ``(n,)``.

    ``value``, ``size`` (of the absolute value) and ``error`` are integrals over the box in units of
    ``exp(log_scale)``; ``axis`` is the one across which the error is largest.
    """

    lower: np.ndarray
    upper: np.ndarray
    log_scale: np.ndarray
    value: np.ndarray
    size: np.ndarray
    error: np.ndarray
    axis: np.ndarray

    def take(self, chosen: np.ndarray) -> Boxes:
        """The chosen ones."""
        return Boxes(*(column[chosen] for column in self))

    def join(self, other: Boxes) -> Boxes:
        """These and the others."""
        return Boxes(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def rows_per_box(n_features: int) -> int:
    """Points of the rule."""
    return len(NODES) ** n_features


def evaluate(integrand: Integrand, axes: Sequence[Axis], lower: np.ndarray, upper: np.ndarray) -> Boxes:
    """The rule on the boxes ``(n, d)``."""
    n_at_once = max(1, BATCH_ROWS // rows_per_box(len(axes)))
    parts = [
        _evaluate(integrand, axes, lower[start : start + n_at_once], upper[start : start + n_at_once])
        for start in range(0, len(lower), n_at_once)
    ]
    return Boxes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _evaluate(integrand: Integrand, axes: Sequence[Axis], lower: np.ndarray, upper: np.ndarray) -> Boxes:
    n, d = lower.shape
    half = (upper - lower) / 2
    nodes = (lower + upper)[:, None, :] / 2 + half[:, None, :] * NODES[:, None]  # (n, 15, d)
    per_axis = [axis.to_x(nodes[:, :, j]) for j, axis in enumerate(axes)]
    rows = np.stack([_along(x, j, d) for j, x in enumerate(per_axis)], axis=-1).reshape(-1, d)
    log_scale, factor = (column.reshape(n, *[len(NODES)] * d) for column in integrand(rows))
    for j, axis in enumerate(axes):
        log_scale = log_scale + _along(axis.log_jacobian(nodes[:, :, j]), j, d)
    own_scale = log_scale.reshape(n, -1).max(axis=1)
    finite_scale = np.where(np.isneginf(own_scale), 0.0, own_scale)
    heights = np.exp(log_scale - finite_scale.reshape(n, *[1] * d)) * factor
    volume = half.prod(axis=1)
    value = volume * _contract(heights, [KRONROD] * d)
    size = volume * _contract(np.abs(heights), [KRONROD] * d)
    errors = np.stack(
        [
            np.abs(value - volume * _contract(heights, [GAUSS if k == j else KRONROD for k in range(d)]))
            for j in range(d)
        ]
    )
    together = np.abs(value - volume * _contract(heights, [GAUSS] * d))  # sees ridges askew to the axes
    error = np.maximum(errors.sum(axis=0), together)
    return Boxes(lower, upper, finite_scale, value, size, error, errors.argmax(axis=0))


def _along(values: np.ndarray, axis: int, n_axes: int) -> np.ndarray:
    """Values ``(n, 15)`` spread over the tensor ``(n, 15, ..., 15)`` along one of its axes."""
    n, size = values.shape
    shape = [size if k == axis else 1 for k in range(n_axes)]
    return np.broadcast_to(values.reshape(n, *shape), (n, *[size] * n_axes))


def _contract(tensor: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
    """The tensor ``(n, 15, ..., 15)`` summed against a weight for each axis, last first."""
    for weight in reversed(weights):
        tensor = tensor @ weight
    return tensor


def halved(boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of the two halves of each box, across its worst axis."""
    index = np.arange(len(boxes.axis))
    middle = (boxes.lower[index, boxes.axis] + boxes.upper[index, boxes.axis]) / 2
    left_upper, right_lower = boxes.upper.copy(), boxes.lower.copy()
    left_upper[index, boxes.axis] = middle
    right_lower[index, boxes.axis] = middle
    return np.concatenate([boxes.lower, right_lower]), np.concatenate([left_upper, boxes.upper])


def can_be_halved(boxes: Boxes) -> np.ndarray:
    """Whether the two halves would still be told apart by their nodes."""
    index = np.arange(len(boxes.axis))
    low, high = boxes.lower[index, boxes.axis], boxes.upper[index, boxes.axis]
    return high - low > 1000 * np.spacing(np.maximum(np.abs(low), np.abs(high)))
