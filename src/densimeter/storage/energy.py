"""How an `EnergyModel` is kept: base, tilt, log Z and scaling, all in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from densimeter import partition
from densimeter.energy.base import Base, MixtureBase
from densimeter.energy.density import TiltedDensity
from densimeter.energy.estimator import EnergyModel
from densimeter.energy.kernel_base import KernelBase
from densimeter.energy.networks import ACTIVATIONS, Layer, Network
from densimeter.energy.objectives import OBJECTIVES
from densimeter.energy.proposal import PROPOSALS
from densimeter.energy.settings import BASES
from densimeter.energy.stacked_base import StackedBase
from densimeter.energy.tilt import FinishedTilt, TanhBound, Tilt, Unbounded
from densimeter.foundations.errors import NonFiniteError, SettingError
from densimeter.foundations.estimates import Estimate, Guarantee
from densimeter.foundations.scaling import ColumnScaling
from densimeter.kernel_density.bandwidth import SMALLEST
from densimeter.mixture.catalogue import FAMILIES
from densimeter.storage import mixture
from densimeter.storage.contract import Derived, Kind, Nested, Values
from densimeter.storage.fields import Array, Either, Group, maybe
from densimeter.storage.kernel_density import WEIGHTS_OFF
from densimeter.storage.kernel_density import check_in_range as check_rows_in_range
from densimeter.storage.mixture import check_in_range
from densimeter.storage.plain import Count, Forgotten, Listing, Number, Seed, Text, Word
from densimeter.storage.record import Field, Record, UnfitError

CHECK_DRAWS, CHECK_WIDTH, CHECK_FAILURE, CHECK_SEED = 2**15, 0.01, 1e-9, 0
"""Of the certificate that a claimed log Z is held against: draws, width at which fewer are enough, nats."""

LARGEST_TILT = 700.0
"""Nats; the exponential of more is no number."""

_POSITIVE = Number(above=0)
_ROUND = ("step", "loss", "validation_gain", "strength", "effective_share")


class Layers:
    """Affine layers, each fed by the one before, the last giving one number."""

    def put(self, record: Record, name: str, value: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """Write weights and biases."""
        record.values[name] = len(value)
        for place, (weight, bias) in enumerate(value):
            record.arrays[f"{name}.{place}.weight"] = np.asarray(weight, np.float64)
            record.arrays[f"{name}.{place}.bias"] = np.asarray(bias, np.float64)

    def take(self, record: Record, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Read them back."""
        n_layers = Count(at_least=1).check(name, record.pop(name))
        if n_layers > len(record.arrays):
            raise UnfitError(f"{name} is {n_layers}, and fewer layers are there")
        layers = []
        for place in range(n_layers):
            weight = Array((None, None)).take(record, f"{name}.{place}.weight")
            bias = Array((len(weight),)).take(record, f"{name}.{place}.bias")
            if layers and weight.shape[1] != len(layers[-1][1]):
                raise UnfitError(f"layer {place} of {name} does not fit the one before")
            layers.append((weight, bias))
        if len(layers[-1][1]) != 1:
            raise UnfitError(f"{name} do not end in one number")
        return layers


_LOG_NORMALIZER: Mapping[str, Field] = {
    "value": Number(at_least=-LARGEST_TILT, at_most=LARGEST_TILT),
    "interval": Array((2,), finite=False),
    "confidence": Number(above=0, at_most=1),
    "method": Text(),
    "guarantee": Word([str(guarantee) for guarantee in Guarantee]),
}

_KERNEL: Mapping[str, Field] = {
    "centres": Array((None, "d")),
    "bandwidth": Array(("d",)),
    "share": Number(above=0, below=1),
}

_STATE: Mapping[str, Field] = {
    "location": Array(("d",)),
    "scale": Array(("d",)),
    "base_log_weights": Array(("k",), finite=False),
    "base_means": Array(("k", "d")),
    "base_cholesky": Array(("k", "d", "d")),
    "kernel": maybe(Group(_KERNEL)),
    "frequencies": Array((None, "d")),
    "layers": Layers(),
    "activation": Word(ACTIVATIONS),
    "bound": maybe(_POSITIVE),
    "strength": Number(at_least=0, at_most=1),
    "ceiling": Number(at_least=-LARGEST_TILT, at_most=LARGEST_TILT),
    "log_normalizer": Group(_LOG_NORMALIZER),
    "history": Array((None, len(_ROUND)), finite=False),
    "n_iter": Count(),
    "best_step": Count(),
    "validation_gain": Number(),
}


def _take_apart(model: EnergyModel) -> Values:
    base, kernel = _parts_of_base(model.density_.base)
    finished = model.density_.tilt
    network, limit = finished.tilt.network, finished.tilt.bound.limit
    log_z = model.log_normalizer_
    return {
        "location": model.scaling_.location,
        "scale": model.scaling_.scale,
        **{f"base_{name}": getattr(base, name) for name in _BASE},
        "kernel": kernel,
        "frequencies": network.frequencies,
        "layers": [(layer.weight, layer.bias) for layer in (*network.hidden, network.last)],
        "activation": network.activation.__name__,
        "bound": limit if math.isfinite(limit) else None,
        "strength": float(finished.strength),
        "ceiling": float(finished.ceiling),
        "log_normalizer": {**asdict(log_z), "interval": [log_z.lower, log_z.upper]},
        "history": [[told[name] for name in _ROUND] for told in model.history_],
        **{name: getattr(model, f"{name}_") for name in ("n_iter", "best_step", "validation_gain")},
    }


_BASE = ("log_weights", "means", "cholesky")


def _parts_of_base(base: Any) -> tuple[MixtureBase, Values | None]:
    """The mixture, and the kernel estimate beside it."""
    if not isinstance(base, StackedBase):
        return base, None
    kernel = base.kernel
    centres = np.asarray(kernel.centres)[: int(kernel.n_centres)]
    return base.mixture, {"centres": centres, "bandwidth": kernel.bandwidth, "share": float(base.share)}


def _inverse_cholesky(model: EnergyModel) -> Any:
    return _parts_of_base(model.density_.base)[0].inverse_cholesky


def _restore(model: EnergyModel, values: Values) -> None:
    if not (values["scale"] > 0).all():
        raise UnfitError("a scale is not positive")
    model.scaling_ = ColumnScaling(values["location"], values["scale"])
    bound = Unbounded() if values["bound"] is None else TanhBound(values["bound"])
    tilt: Any = FinishedTilt(Tilt(_network(values), bound), values["strength"], values["ceiling"])
    model.density_ = TiltedDensity(_base(values), tilt).in_double_precision()
    model.log_normalizer_ = _log_normalizer(values["log_normalizer"])
    model.history_ = [_told(values_of_round) for values_of_round in values["history"].tolist()]
    for name in ("n_iter", "best_step", "validation_gain"):
        setattr(model, f"{name}_", values[name])
    _check_in_range(model.density_.base, model.scaling_)
    _check_log_z(model.density_, model.log_normalizer_)


def _check_in_range(base: Base, scaling: ColumnScaling) -> None:
    """Whether the base, and rows in the user's units, can be computed at all."""
    mixture, kernel = _parts_of_base(base)
    weights, means, lower, inverse = (
        np.asarray(part, np.float64)
        for part in (np.exp(mixture.log_weights), mixture.means, mixture.cholesky, mixture.inverse_cholesky)
    )
    widths = np.sqrt(np.square(lower).sum(axis=-1))
    check_in_range(FAMILIES["full"], weights, means, widths, np.swapaxes(inverse, -1, -2))
    if kernel is not None:
        check_rows_in_range(kernel["centres"], np.asarray(kernel["bandwidth"]))
    location, scale = np.abs(scaling.location), scaling.scale
    is_finite = np.isfinite(location + scale * (np.abs(means) + widths)).all()
    if not (is_finite and (scale >= SMALLEST).all() and (scale >= np.spacing(location)).all()):
        raise UnfitError("a location or a scale is out of range")


def _check_log_z(density: TiltedDensity, claimed: Estimate) -> None:
    """Whether log Z is that of base and tilt, as far as `CHECK_DRAWS` draws can tell.

    An honest file is refused once in `1 / CHECK_FAILURE` times at most: its value is nearer to the truth than
    the certificate of these few draws is wide.
    """
    low, high = density.tilt.range
    if low == high:
        if not claimed.lower == claimed.value == claimed.upper == low:
            raise UnfitError(f"it claims a log Z of {claimed.value:.6g}, and it is {low:.6g}")
        return
    weights = partition.TiltWeights(density.tilt, density.base)
    try:
        found = partition.certificate(
            weights,
            bounds=(low, high),
            width=CHECK_WIDTH,
            confidence=1 - CHECK_FAILURE,
            max_samples=CHECK_DRAWS,
            random_state=CHECK_SEED,
        )
    except (NonFiniteError, SettingError):  # a tilt that is NaN
        raise UnfitError("the base or the tilt is out of range") from None
    seen = found.estimate
    room = seen.upper - seen.lower
    agrees = claimed.lower <= seen.upper and seen.lower <= claimed.upper
    if not (agrees and seen.lower - room <= claimed.value <= seen.upper + room):
        raise UnfitError(
            f"it claims a log Z of {claimed.value:.6g}, and {found.n_samples:,} draws tell one "
            f"from {seen.lower:.6g} to {seen.upper:.6g}"
        )


def _told(numbers: list[float]) -> dict[str, float]:
    """One round of the history; its step is a whole number."""
    if not numbers[0].is_integer():
        raise UnfitError("a step of the history is no whole number")
    return {**dict(zip(_ROUND, numbers, strict=True)), "step": int(numbers[0])}


def _base(values: Values) -> Base:
    mixture, kernel = _mixture(values), values["kernel"]
    if kernel is None:
        return mixture
    if not (kernel["bandwidth"] > 0).all() or len(kernel["centres"]) == 0:
        raise UnfitError("the kernel estimate of the base has no width or no centres")
    return StackedBase(mixture, KernelBase.of(kernel["centres"], kernel["bandwidth"]), kernel["share"])


def _mixture(values: Values) -> MixtureBase:
    log_weights = values["base_log_weights"]
    with np.errstate(over="ignore"):
        total = float(np.exp(log_weights).sum())
    if not abs(total - 1) < WEIGHTS_OFF:
        raise UnfitError("the weights of the base are no distribution")
    factors = values["base_cholesky"]
    if not (np.diagonal(factors, axis1=-2, axis2=-1) > 0).all() or np.triu(factors, 1).any():
        raise UnfitError("base_cholesky is no lower triangle with a positive diagonal")
    try:
        return MixtureBase.of_factors(*(values[f"base_{name}"] for name in _BASE))
    except np.linalg.LinAlgError:  # a diagonal that is positive and next to nothing
        raise UnfitError("base_cholesky is singular") from None


def _network(values: Values) -> Network:
    frequencies, layers = values["frequencies"], values["layers"]
    if layers[0][0].shape[1] != frequencies.shape[1] + 2 * len(frequencies):
        raise UnfitError("the first layer does not fit the columns and the frequencies")
    *hidden, last = (Layer(weight, bias) for weight, bias in layers)
    return Network(frequencies, tuple(hidden), last, ACTIVATIONS[values["activation"]])


def _log_normalizer(values: Values) -> Estimate:
    (lower, upper), value = values["interval"].tolist(), float(values["value"])
    if not lower <= value <= upper:
        raise UnfitError("log Z lies outside its interval")
    guarantee = Guarantee(values["guarantee"])
    return Estimate(value, lower, upper, float(values["confidence"]), values["method"], guarantee)


KIND = Kind(
    "EnergyModel",
    EnergyModel,
    {
        "base": Either({"word": Word(BASES), "mixture": Nested(mixture.KIND)}),
        "hidden": Listing(Count(at_least=1)),
        "activation": Word(ACTIVATIONS),
        "n_frequencies": Count(),
        "frequency_scale": _POSITIVE,
        "tilt_bound": maybe(_POSITIVE),
        "objective": Word(OBJECTIVES),
        "proposal": Word(PROPOSALS),
        "n_folds": Count(at_least=1),
        "validation_fraction": Number(above=0, below=1),
        "max_steps": Count(at_least=1),
        "batch_size": Count(at_least=1),
        "n_proposals": Count(at_least=2),
        "learning_rate": _POSITIVE,
        "weight_decay": Number(at_least=0),
        "patience": Count(at_least=1),
        "log_z_width": _POSITIVE,
        "log_z_confidence": Number(above=0, below=1),
        "checkpoint": Forgotten(),
        "random_state": Seed(),
    },
    _STATE,
    _take_apart,
    _restore,
    {"base_inverse_cholesky": Derived(Array(), _inverse_cholesky)},
)
