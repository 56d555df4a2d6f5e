"""What an invertible preprocessing step does to volumes: ``log |det dT/dx|`` for each row.

A density q of the transformed rows is ``p(x) = q(T(x)) |det dT/dx|`` of the rows themselves. One table says
how each kind of step is counted; a step without an inverse, or unknown, is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import decomposition, preprocessing

from densimeter.adapters.elementwise import KNOWN, check_elementwise, log_derivative
from densimeter.foundations.errors import SettingError

LogJacobian = Callable[[Any, np.ndarray], np.ndarray]
"""A fitted step and rows ``(n, d)`` to ``(n,)``; -inf for rows outside its domain."""
Check = Callable[[Any, str, np.ndarray], None]
"""Refuses a fitted step by the name given, if it has no inverse; sees the rows it was fitted on."""


@dataclass(frozen=True, slots=True)
class StepRule:
    """How one kind of step is counted and checked, whether its image is all of space, which rows it takes."""

    log_jacobian: LogJacobian
    check: Check = lambda step, name, rows: None
    onto: Callable[[Any], bool] = lambda step: True
    accepts: LogJacobian = lambda step, rows: np.ones(len(rows), bool)


def rule_for(step: Any, name: str) -> StepRule:
    """The rule of the step; its own method ``log_abs_det_jacobian(X)`` comes before the table.

    Raises
    ------
    SettingError
        If the step is not known, with the reason where there is one.
    """
    if step is None or isinstance(step, str):  # "passthrough"
        return StepRule(_zeros)
    if hasattr(step, "log_abs_det_jacobian"):
        return StepRule(_told_by_itself, onto=lambda step: False)
    for kind in type(step).__mro__:
        if kind in RULES:
            return RULES[kind]
    title = describe(step, name)
    for kind in type(step).__mro__:
        if kind.__name__ in NOT_INVERTIBLE:
            raise SettingError(
                f"{title} {NOT_INVERTIBLE[kind.__name__]}, so the pipeline has no density of the columns",
                "leave the step out, or compare the models on the transformed table",
            )
    raise SettingError(
        f"{title} is not known to be invertible, so the pipeline has no density of the columns",
        "give the transformer a method log_abs_det_jacobian(X)",
    )


def describe(step: Any, name: str) -> str:
    """The step as an error names it."""
    return f"the step {name!r} ({type(step).__name__})"


def _zeros(step: Any, rows: np.ndarray) -> np.ndarray:
    return np.zeros(len(rows))


def _told_by_itself(step: Any, rows: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(step.log_abs_det_jacobian(rows), np.float64), len(rows))


def _divided(step: Any, rows: np.ndarray) -> np.ndarray:
    """Of ``(x - centre) / scale_``."""
    scale = getattr(step, "scale_", None)
    return np.full(len(rows), 0.0 if scale is None else -np.log(np.abs(scale)).sum())


def _multiplied(step: Any, rows: np.ndarray) -> np.ndarray:
    """Of ``x scale_ + min_``."""
    return np.full(len(rows), np.log(np.abs(step.scale_)).sum())


def _rotated(step: Any, rows: np.ndarray) -> np.ndarray:
    """Of PCA: a rotation, divided by the standard deviations where it whitens."""
    log_volume = np.linalg.slogdet(step.components_)[1]
    if step.whiten:
        smallest = np.finfo(step.explained_variance_.dtype).eps  # as PCA.transform guards its division
        log_volume -= np.log(np.maximum(np.sqrt(step.explained_variance_), smallest)).sum()
    return np.full(len(rows), log_volume)


def _unmixed(step: Any, rows: np.ndarray) -> np.ndarray:
    return np.full(len(rows), np.linalg.slogdet(step.components_)[1])


def _powered(step: Any, rows: np.ndarray) -> np.ndarray:
    lambdas = step.lambdas_
    with np.errstate(all="ignore"):
        if step.method == "box-cox":
            slopes = np.where(rows > 0, (lambdas - 1) * np.log(rows), -np.inf)
        else:
            slopes = np.sign(rows) * (lambdas - 1) * np.log1p(np.abs(rows))
    log_volume = slopes.sum(axis=1)
    # the scaler of the powered rows has no public name
    return log_volume if not step.standardize else log_volume + _divided(step._scaler, rows)


def _has_a_power(step: Any, rows: np.ndarray) -> np.ndarray:
    """Box-Cox takes positive numbers only, and raises at any other."""
    return np.asarray((rows > 0).all(axis=1) | (step.method != "box-cox"))


def _powers_reach_everywhere(step: Any) -> bool:
    """Box-Cox maps onto the line for lambda = 0 alone, Yeo-Johnson for 0 <= lambda <= 2."""
    lambdas = step.lambdas_
    if step.method == "box-cox":
        return bool((lambdas == 0).all())
    return bool(((lambdas >= 0) & (lambdas <= 2)).all())


def _of_function(step: Any, rows: np.ndarray) -> np.ndarray:
    if step.func is None:
        return np.zeros(len(rows))
    known = None if step.kw_args else _known(step)
    if known is not None:
        return known.log_derivative(rows).sum(axis=1)
    return log_derivative(step.transform, rows, "the function of a FunctionTransformer").sum(axis=1)


def _known(step: Any) -> Any:
    try:
        return KNOWN.get(step.func)
    except TypeError:  # a callable that cannot be hashed
        return None


def _function_reaches_everywhere(step: Any) -> bool:
    known = _known(step)
    return step.func is None or (known is not None and known.onto)


def _refuse_clipping(step: Any, name: str, rows: np.ndarray) -> None:
    if getattr(step, "clip", False):
        raise SettingError(
            f"{describe(step, name)} clips, so that many rows become one", "build it with clip=False"
        )


def _refuse_fewer_components(step: Any, name: str, rows: np.ndarray) -> None:
    kept, d = len(step.components_), rows.shape[1]
    if kept != d:
        raise SettingError(
            f"{describe(step, name)} keeps {kept} of {d} dimensions and cannot be inverted",
            "keep all components: n_components=None",
        )
    if not np.isfinite(np.linalg.slogdet(step.components_)[1]):
        raise SettingError(f"{describe(step, name)} found a singular matrix", "leave dependent columns out")


def _refuse_flat_directions(step: Any, name: str, rows: np.ndarray) -> None:
    _refuse_fewer_components(step, name, rows)
    spread = step.explained_variance_
    if step.whiten and not spread.min() > 1e-13 * spread.max():
        raise SettingError(
            f"{describe(step, name)} whitens a direction in which the rows do not vary",
            "leave dependent columns out",
        )


def _refuse_one_way_functions(step: Any, name: str, rows: np.ndarray) -> None:
    if step.func is None:
        return
    title = describe(step, name)
    if step.inverse_func is None:
        raise SettingError(f"{title} has no inverse_func", "give it, for example exp for log")
    with np.errstate(all="ignore"):
        image = np.asarray(step.transform(rows.copy()))
        if image.shape == rows.shape:
            back = np.asarray(step.inverse_transform(image.copy()))
            inside = np.isfinite(image).all(axis=1)
            if not np.allclose(back[inside], rows[inside], rtol=1e-5, atol=1e-8 * np.abs(rows).max()):
                raise SettingError(
                    f"{title}: inverse_func does not undo func on the training rows", "give the true inverse"
                )
    if step.kw_args or _known(step) is None:
        check_elementwise(step.transform, rows, title)


RULES: Mapping[type, StepRule] = {
    preprocessing.StandardScaler: StepRule(_divided),
    preprocessing.RobustScaler: StepRule(_divided),
    preprocessing.MaxAbsScaler: StepRule(_divided, _refuse_clipping),
    preprocessing.MinMaxScaler: StepRule(_multiplied, _refuse_clipping),
    preprocessing.PowerTransformer: StepRule(_powered, onto=_powers_reach_everywhere, accepts=_has_a_power),
    preprocessing.FunctionTransformer: StepRule(
        _of_function, _refuse_one_way_functions, _function_reaches_everywhere
    ),
    decomposition.PCA: StepRule(_rotated, _refuse_flat_directions),
    decomposition.FastICA: StepRule(_unmixed, _refuse_fewer_components),
}
"""How each kind of step is counted."""

NOT_INVERTIBLE: Mapping[str, str] = {
    "QuantileTransformer": "maps all rows beyond the training rows' range to one number",
    "KBinsDiscretizer": "maps whole intervals to one number",
    "Binarizer": "maps whole intervals to one number",
    "Normalizer": "maps whole rays to one point",
    "SimpleImputer": "maps many rows to one",
    "KNNImputer": "maps many rows to one",
    "TruncatedSVD": "keeps fewer dimensions than there are columns",
    "PolynomialFeatures": "changes the number of columns",
    "SplineTransformer": "changes the number of columns",
    "OneHotEncoder": "changes the number of columns",
    "FeatureUnion": "changes the number of columns",
    "SelectorMixin": "drops columns",
}
"""Why the best-known steps without an inverse have none."""
