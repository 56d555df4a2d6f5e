"""One file: arrays as safetensors, a JSON document in its header, and a digest over both.

The file is an ordinary safetensors file. Its header has one entry of metadata, ``densimeter``, which holds
the document as text: a format number, a SHA-256 digest, and the content. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.numpy

from densimeter.foundations.errors import DataError

FORMAT = 2
"""Raised when files are written that an older densimeter would read wrongly. Those of format 1 hold, beside
the state of a mixture, some numbers that follow from it."""

KNOWN_FORMATS = (1, FORMAT)

LARGEST_HEADER = 2**24
"""Bytes; a header announced as longer is not read."""

MOST_LISTS, MOST_ITEMS = 100_000, 500_000
"""Lists and mappings in a header, and things in all of them together: parsed, an empty list of three bytes
takes sixty."""

DAMAGED = "the file is damaged: copy or save it again"

_KEY = "densimeter"
_DTYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64}


@dataclass(frozen=True)
class Content:
    """What a file holds: a document of plain JSON values, and named arrays."""

    document: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    format: int = FORMAT


def pack(content: Content) -> bytes:
    """The bytes of a file; the same content gives the same bytes."""
    document = {**content.document, "format": content.format}
    arrays = {name: np.array(array, order="C") for name, array in content.arrays.items()}
    sealed = {**document, "sha256": _digest(document, arrays)}
    return safetensors.numpy.save(arrays, {_KEY: _canonical(sealed)})


def unpack(file: BinaryIO, size: int) -> Content:
    """The content of a file of `size` bytes.

    The header is looked at before the arrays are read, and its lists are counted before it is parsed, so that
    a file of another kind costs nothing, and a hostile one little more than it is long.

    Raises
    ------
    DataError
        If it is no model file, is of an unknown format, or is not as it was written.
    """
    sealed = _sealed_document(file, size)
    version = sealed.get("format")
    if type(version) is not int or version not in KNOWN_FORMATS:
        raise DataError(
            f"it has format {_shown(version)}, and known here are {' and '.join(map(str, KNOWN_FORMATS))}",
            "install the densimeter that wrote it, or a newer one",
        )
    file.seek(0)
    content = file.read(size + 1)
    if len(content) != size:
        raise DataError("it changed while it was read", "read it again when nothing writes to it")
    arrays = _arrays(content)
    document = {name: value for name, value in sealed.items() if name != "sha256"}
    if sealed.get("sha256") != _digest(document, arrays):
        raise DataError("its digest does not match its content", DAMAGED)
    del document["format"]
    return Content(document, arrays, version)


def _sealed_document(file: BinaryIO, size: int) -> dict[str, Any]:
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise DataError("it is no model file", "give a file that densimeter wrote")
    if length > LARGEST_HEADER:
        raise DataError("its header is too long for a model file", "give a file that densimeter wrote")
    header = _parsed(file.read(length), "it is no model file", "give a file that densimeter wrote")
    metadata = header.get("__metadata__")
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise DataError("it is no model file", "give a file that densimeter wrote")
    return _parsed(text, "its document is no JSON", DAMAGED)


def _parsed(text: str | bytes, reason: str, advice: str) -> dict[str, Any]:
    try:
        plain = text.encode("ascii") if isinstance(text, str) else text
        _check_counts(plain)
        parsed = json.loads(plain.decode("ascii"), parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError):  # also what we never write: bare umlauts, thousands of digits
        raise DataError(reason, advice) from None
    if not isinstance(parsed, dict):
        raise DataError(reason, advice)
    return parsed


def _check_counts(text: bytes) -> None:
    if text.count(b"[") + text.count(b"{") > MOST_LISTS or text.count(b",") + text.count(b":") > MOST_ITEMS:
        raise ValueError("more lists, or items of them, than any model has")


def _refused(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is beyond all numbers")
    return number


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    try:
        parts = safetensors.deserialize(content)
    except safetensors.SafetensorError as problem:
        raise DataError(f"its arrays cannot be read: {_first_line(problem)}", DAMAGED) from problem
    return {name: _array(name, part, len(content)) for name, part in parts}


def _array(name: str, part: Mapping[str, Any], longest: int) -> np.ndarray:
    """One array; where one length is zero, others cost nothing to claim, and are at most `longest`."""
    if part["dtype"] not in _DTYPES:
        raise DataError(f"its array {_shown(name)} is of type {part['dtype']}", DAMAGED)
    dtype = np.dtype(_DTYPES[part["dtype"]])
    if max(part["shape"], default=0) > longest:
        raise DataError(f"its array {_shown(name)} claims to be longer than the file", DAMAGED)
    try:
        array = np.frombuffer(part["data"], dtype.newbyteorder("<")).reshape(part["shape"])
        return array.astype(dtype, copy=False)
    except ValueError:  # more dimensions than an array can have
        raise DataError(f"its array {_shown(name)} has no possible shape", DAMAGED) from None


def _digest(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(_canonical(document).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name!r} {array.dtype.name} {array.shape}".encode("utf-8", "surrogatepass"))
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def _canonical(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, allow_nan=False, separators=(",", ":"))


def _shown(value: object, longest: int = 40) -> str:
    text = repr(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _first_line(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:160]
