"""Diagnostics that a model cannot be given, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NotAvailable:
    """Stands where a diagnostic would be.

    Examples
    --------
    >>> print(NotAvailable("the model cannot be sampled"))
    not available: the model cannot be sampled
    """

    reason: str

    def __str__(self) -> str:
        return f"not available: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON carries them."""
        return {"not_available": self.reason}


def finite_or_none(number: float) -> float | None:
    """The number as JSON carries it, which knows neither infinity nor NaN."""
    return float(number) if -float("inf") < number < float("inf") else None
