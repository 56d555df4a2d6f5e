"""How a `KernelDensity` is kept: its rows, or the Fourier summary of rows that it has not kept itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from densimeter.foundations.estimates import Guarantee
from densimeter.kernel_density.bandwidth import MatrixBandwidth, bandwidth_from
from densimeter.kernel_density.costs import MOST_GRID_BYTES
from densimeter.kernel_density.estimator import KernelDensity
from densimeter.kernel_density.fourier import LARGEST_EXTENT, FourierBox, FourierSummary
from densimeter.kernel_density.kernel_sum import KernelSum, WeightedRows
from densimeter.kernel_density.metrics import TREES
from densimeter.kernel_density.planner import ALGORITHMS, Planner
from densimeter.kernel_density.profiles import KERNELS, Gaussian
from densimeter.kernel_density.rules import RULES
from densimeter.kernel_density.selectors import CRITERIA, BandwidthScan
from densimeter.kernel_density.stream import StreamedSum
from densimeter.storage.contract import Kind, Values
from densimeter.storage.fields import Array, Either, Group, Later, maybe
from densimeter.storage.plain import Count, Number, Text, Word
from densimeter.storage.record import Field, UnfitError

WEIGHTS_OFF = 1e-9
"""By which the sum of the weights may miss one, which is what the mass of the density is then."""

SUMMARY_OFF = 1e-7
"""By which coefficients may be off, relative to the weight of all rows; what finufft leaves is less."""

FARTHEST_DRAW = 1e3
"""In bandwidths; no kernel draws farther than this."""

_WIDTHS: dict[str, Field] = {
    "number": Number(above=0),
    "columns": Array(("d",)),
    "matrix": Array(("d", "d")),
}

_SCAN: Mapping[str, Field] = {
    "bandwidths": Either({"numbers": Array(("candidates",)), "columns": Array(("candidates", "d"))}),
    "scores": Array(("candidates",), finite=False),
    "criterion": Text(),
}

_ROWS: Mapping[str, Field] = {"points": Array(("n", "d")), "log_weights": Array(("n",))}

_STREAM: Mapping[str, Field] = {
    "centre": Array(("d",)),
    "half_extent": Array(("d",)),
    "coefficients": Array(),
    "weight": Number(at_least=0),
    "strays": Array(("strays", "d")),
    "stray_weights": Array(("strays",)),
    "n_rows": Count(at_least=1),
}
"""Complex coefficients are kept as pairs of numbers, on a last axis of their own."""


def _take_apart(model: KernelDensity) -> Values:
    if model._metric_sum is not None:
        raise UnfitError("the kernel sum is under a metric that files do not know")
    scan, rows, unit = model.bandwidth_scores_, model._rows, model._bandwidth
    return {
        "bandwidth": model.bandwidth_,
        "scan": None if scan is None else {name: getattr(scan, name) for name in _SCAN},
        "origin": unit.origin if isinstance(unit, MatrixBandwidth) else None,
        "rows": None if rows is None else {name: getattr(rows, name) for name in _ROWS},
        "stream": None if model._stream is None else _take_stream_apart(model._stream),
        "total_weight": None if rows is None else model._total_weight,
    }


def _take_stream_apart(stream: StreamedSum) -> Values:
    coefficients = np.ascontiguousarray(stream.summary.coefficients)
    return {
        "centre": stream.centre,
        "half_extent": stream.summary.box.row_extent,
        "coefficients": coefficients.view(np.float64).reshape(*coefficients.shape, 2),
        "weight": stream.summary.weight,
        "strays": stream.strays,
        "stray_weights": stream.stray_weights,
        "n_rows": stream.n_rows,
    }


def _restore(model: KernelDensity, values: Values) -> None:
    if (values["rows"] is None) == (values["stream"] is None):
        raise UnfitError("there must be rows, or a summary of rows, and not both")
    if (np.ndim(values["bandwidth"]) == 2) != (values["origin"] is not None):
        raise UnfitError("an origin goes with a bandwidth matrix, and only with one")
    model.bandwidth_ = values["bandwidth"]
    model.bandwidth_scores_ = None if values["scan"] is None else BandwidthScan(**values["scan"])
    origin = np.zeros(model.n_features_in_) if values["origin"] is None else values["origin"]
    model._bandwidth = bandwidth_from(model.bandwidth_, model.n_features_in_, origin)
    model._rows = model._planner = model._stream = None
    if values["rows"] is not None:
        _restore_rows(model, **values["rows"])
        # a file that does not tell has a weight of one for each row
        model._total_weight = values["total_weight"] or float(len(model._rows))
    else:
        model._stream = _restored_stream(model, values["stream"])
    model.guarantee_ = Guarantee.BOUNDED if values["stream"] is None else Guarantee.UPPER_BOUND


def _restore_rows(model: KernelDensity, points: np.ndarray, log_weights: np.ndarray) -> None:
    if not len(points) or not abs(math.fsum(np.exp(log_weights)) - 1) < WEIGHTS_OFF:
        raise UnfitError("the weights of the rows do not sum to one")
    model._rows = WeightedRows(points, log_weights)
    in_frame = WeightedRows(model._bandwidth.to_frame(points), log_weights)
    check_in_range(in_frame.points, model._bandwidth.scales)
    model._planner = Planner(KernelSum(in_frame, model._bandwidth.scales, KERNELS[model.kernel]))


def check_in_range(points: np.ndarray, scales: np.ndarray) -> None:
    """Whether squares of distances in bandwidths, and rows drawn, are numbers.

    Raises
    ------
    UnfitError
        If they are not.
    """
    farthest = np.abs(points).max(axis=0, initial=0.0)
    reach = FARTHEST_DRAW * np.asarray(scales)
    if not (np.isfinite(np.square(2 * farthest / scales).sum()) and np.isfinite(farthest + reach).all()):
        raise UnfitError("the rows are out of range of the bandwidth")


def _check_summary(summary: FourierSummary) -> None:
    """Whether coefficients are those of a density: real and nowhere negative, with a mass of `weight`.

    The sum over the grid of as many points as there are coefficients is one Fourier transform.
    """
    coefficients, weight = summary.coefficients, summary.weight
    middle = tuple(n // 2 for n in coefficients.shape)
    slack = SUMMARY_OFF * weight
    mirrored = np.conj(np.flip(coefficients))
    is_real = np.abs(coefficients - mirrored).max() <= slack and abs(coefficients[middle] - weight) <= slack
    damped = np.fft.ifftshift(coefficients * summary.box.damping())
    heights = np.fft.fftn(damped).real
    if not (is_real and heights.min() >= -slack):
        raise UnfitError("the coefficients are not those of a density")


def _restored_stream(model: KernelDensity, values: Values) -> StreamedSum:
    d, half_extent = model.n_features_in_, values["half_extent"]
    if not isinstance(KERNELS[model.kernel], Gaussian) or d > 3:
        raise UnfitError("only a Gaussian kernel in up to three columns has a summary of rows")
    if not ((half_extent >= 0) & (half_extent < LARGEST_EXTENT)).all():
        raise UnfitError("the box of the summary is out of range")
    box = FourierBox.around(half_extent)
    if box.memory > MOST_GRID_BYTES or values["coefficients"].shape != (*box.n_modes, 2):
        raise UnfitError("the coefficients are not those of the box")
    if not (values["stray_weights"] > 0).all() or values["weight"] + values["stray_weights"].sum() <= 0:
        raise UnfitError("a weight is not positive")
    coefficients: Any = np.ascontiguousarray(values["coefficients"]).view(np.complex128)[..., 0]
    summary = FourierSummary(box, coefficients, float(values["weight"]))
    _check_summary(summary)
    check_in_range(np.vstack([values["centre"], values["strays"]]), model._bandwidth.scales)
    return StreamedSum(
        values["centre"],
        model._bandwidth.scales,
        summary,
        values["strays"],
        values["stray_weights"],
        values["n_rows"],
    )


KIND = Kind(
    "KernelDensity",
    KernelDensity,
    {
        "bandwidth": Either({"word": Word({*RULES, *CRITERIA}), **_WIDTHS}),
        "candidates": maybe(Array((None,))),
        "kernel": Word(KERNELS),
        "log_tol": Number(at_least=1e-12),
        "algorithm": Word({**ALGORITHMS, **TREES}),
    },
    {
        "bandwidth": Either(_WIDTHS),
        "scan": maybe(Group(_SCAN)),
        "origin": maybe(Array(("d",))),
        "rows": maybe(Group(_ROWS)),
        "stream": maybe(Group(_STREAM)),
        "total_weight": Later(maybe(Number(above=0))),
    },
    _take_apart,
    _restore,
)
