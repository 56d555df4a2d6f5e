"""What stands on a model file beside the model: the names of its columns, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densimeter._version import __version__
from densimeter.storage.plain import Flag, Listing, Number, Plain, Text
from densimeter.storage.record import UnfitError

MOST_FACTS = 1000
DEEPEST_FACT = 4

_FACTS: tuple[Plain, ...] = (Text(), Flag(), Number())


def checked_columns(columns: Sequence[str] | None, n_features: int) -> tuple[str, ...] | None:
    """Distinct names, one a column, or None if there are none.

    Raises
    ------
    UnfitError
        If they are anything else.
    """
    if columns is None:
        return None
    names = Listing(Text()).check("columns", columns)
    if len(names) != n_features or len(set(names)) < n_features:
        raise UnfitError(f"columns are not {n_features} different names")
    return names


def checked_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Facts by name: texts, numbers, true, false, None, and lists and mappings of these.

    Raises
    ------
    UnfitError
        If there is anything else, or too much.
    """
    facts = _fact("provenance", provenance, DEEPEST_FACT)
    if not isinstance(facts, dict):
        raise UnfitError("provenance is no mapping of names to facts")
    return facts


def _fact(name: str, value: Any, depth: int) -> Any:
    if value is None:
        return None
    if depth and isinstance(value, Mapping) and len(value) <= MOST_FACTS:
        return {Text().check(name, key): _fact(f"{name}.{key}", one, depth - 1) for key, one in value.items()}
    if depth and isinstance(value, list | tuple) and len(value) <= MOST_FACTS:
        return [_fact(name, one, depth - 1) for one in value]
    for kind in _FACTS:
        try:
            return kind.check(name, value)
        except UnfitError:
            continue
    raise UnfitError(f"{name} is no fact that a file can hold")


def signed(provenance: Mapping[str, Any] | None) -> dict[str, Any]:
    """The facts with the version that writes them."""
    return {**(provenance or {}), "densimeter": __version__}
