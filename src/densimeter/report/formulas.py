"""Formulas in a page: TeX in, MathML out, which browsers draw and screen readers read."""

from __future__ import annotations


def as_mathml(tex: str) -> str:
    """A displayed formula.

    Examples
    --------
    >>> as_mathml("x^2").startswith("<math")
    True
    """
    from latex2mathml.converter import convert

    return convert(tex, display="block")
