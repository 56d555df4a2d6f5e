"""Numbers as a page sets them: true minus signs, as many digits as carry meaning."""

from __future__ import annotations

import math

from densimeter.foundations.estimates import Estimate

MINUS = "\N{MINUS SIGN}"


def fixed(value: float, digits: int = 3) -> str:
    """A number with `digits` decimals.

    Examples
    --------
    >>> fixed(-1234.5678)
    '−1,234.568'
    """
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return f"{value:,.{digits}f}".replace("-", MINUS)


def short(value: float) -> str:
    """A number in four significant digits.

    Examples
    --------
    >>> short(0.000123456)
    '0.0001235'
    """
    return f"{value:.4g}".replace("-", MINUS) if math.isfinite(value) else fixed(value)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Both ends of the interval; nothing where it has no width.

    Examples
    --------
    >>> interval(Estimate(-1.0, -1.5, -0.5, 0.95, "normal"))
    '[−1.500, −0.500]'
    """
    if estimate.lower == estimate.upper:
        return ""
    return f"[{fixed(estimate.lower, digits)}, {fixed(estimate.upper, digits)}]"


def p_value(p: float | None) -> str:
    """A p-value to three decimals; those below are told as such.

    Examples
    --------
    >>> p_value(0.00001), p_value(None)
    ('< 0.001', '')
    """
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
