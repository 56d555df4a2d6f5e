"""Fitted models into files, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from densimeter.foundations.errors import DataError, SettingError
from densimeter.foundations.files import check_writable, written_whole
from densimeter.storage.container import DAMAGED, Content, pack, unpack
from densimeter.storage.kinds import KINDS, kind_of
from densimeter.storage.labels import checked_columns, checked_provenance, signed
from densimeter.storage.record import Record, UnfitError
from densimeter.storage.stored import StoredModel

_PARTS = {"kind", "columns", "provenance", "model"}


def save(
    model: Any,
    path: str | PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write a fitted model into one file, which is replaced whole or not touched.

    The file holds numbers and names, no code; the same model gives the same bytes. Not kept are a generator
    given as `random_state` (None afterwards), and the folder of a checkpoint.

    Parameters
    ----------
    model : GaussianMixture, BayesianGaussianMixture, KernelDensity or EnergyModel
        Fitted.
    path : path
        By custom it ends in ``.dm``.
    columns : sequence of str, optional
        Names of the columns, by default those of the data frame it was fitted to, if it was one.
    provenance : mapping of str to facts, optional
        Where the model came from: texts, numbers, true, false, None, and lists and mappings of these.

    Raises
    ------
    SettingError
        If the file cannot be written there, or the model is of another class or has a parameter that no file
        can hold, such as an objective of your own.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    Examples
    --------
    >>> import tempfile, numpy as np, densimeter as dm
    >>> model = dm.KernelDensity(bandwidth=1.0).fit([[0.0], [1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dm.save(model, folder + "/model.dm", columns=["size"])
    ...     again = dm.load(folder + "/model.dm")
    >>> bool(again.score([[0.5]]) == model.score([[0.5]]))
    True
    """
    target = Path(path)
    check_writable(target)
    content = pack(_content(model, columns, provenance))
    with written_whole(target) as draft:
        draft.write_bytes(content)


def load(path: str | PathLike[str]) -> Any:
    """The fitted model in a file that `save` wrote; every number in it is checked, and no code is run.

    It scores every row as the saved one did, bit for bit on the same machine.

    Raises
    ------
    DataError
        If there is no such file, or it is no model file, damaged, or of a format or a kind not known here.
    """
    return read(path).estimator


def read(path: str | PathLike[str]) -> StoredModel:
    """The model in a file with the names of its columns and its provenance; see `load`."""
    file = Path(path)
    _check_there(file)
    try:
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            content = unpack(opened, size)
        return _stored(content, size)
    except OSError as problem:
        raise DataError(f"{file} cannot be read: {problem.strerror}", "check its permissions") from problem
    except UnfitError as trouble:
        raise DataError(f"{file} cannot be read: {trouble}", DAMAGED) from trouble
    except DataError as error:
        raise DataError(f"{file} cannot be read: {error.reason}", error.advice) from error


def can_save(model: Any) -> bool:
    """Whether `save` takes this fitted model: its class and each of its parameters.

    Examples
    --------
    >>> import densimeter as dm
    >>> can_save(dm.KernelDensity(bandwidth=1.0).fit([[0.0], [1.0]])), can_save("a model")
    (True, False)
    """
    try:
        _content(model, None, None)
    except SettingError:
        return False
    return True


def _content(model: Any, columns: Sequence[str] | None, provenance: Mapping[str, Any] | None) -> Content:
    kind = kind_of(model)
    check_is_fitted(model)
    names = getattr(model, "feature_names_in_", None) if columns is None else columns
    record = Record()
    try:
        kind.put(record, model)
        document = {
            "kind": kind.name,
            "columns": checked_columns(names, model.n_features_in_),
            "provenance": checked_provenance(signed(provenance)),
            "model": dict(record.values),
        }
        kind.take(Record(dict(record.values), dict(record.arrays)))  # what is written can be read
    except UnfitError as trouble:
        raise SettingError(
            f"the model cannot be kept in a model file: {trouble}", "change that, or pickle the model"
        ) from trouble
    return Content(document, record.arrays)


def _stored(content: Content, size: int) -> StoredModel:
    document = content.document
    if set(document) != _PARTS or not isinstance(document["model"], dict):
        raise UnfitError("its document has other parts than those of a model")
    kind = document["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise DataError(
            f"it holds a model of kind {kind!r:.60}, and known are {', '.join(KINDS)}",
            "install the densimeter that wrote it, or a newer one",
        )
    record = Record(dict(document["model"]), dict(content.arrays), format=content.format)
    estimator = KINDS[kind].take(record)
    columns = checked_columns(document["columns"], estimator.n_features_in_)
    return StoredModel(estimator, kind, columns, checked_provenance(document["provenance"]), size)


def _check_there(file: Path) -> None:
    if file.is_dir():
        raise DataError(f"{file} is a folder", "give a model file")
    if not file.exists():
        raise DataError(f"there is no file {file}", "check the name and the folder")
    if not file.is_file():
        raise DataError(f"{file} is no ordinary file", "give a model file")
