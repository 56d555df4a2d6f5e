"""Trials kept on disk by their content, so that no model is fitted twice to the same rows."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import joblib
import numpy as np
import sklearn

from densimeter._version import __version__
from densimeter.evaluation.signing import (
    NoKeyError,
    Signer,
    is_own,
    open_without_following,
    others_can_write,
    write_privately,
)
from densimeter.evaluation.trials import Task, Trial
from densimeter.foundations.errors import SettingError

LARGEST = 2 * 1024**3
"""Bytes; beyond it the trials that were not asked for longest are removed."""


@cache
def made_by() -> tuple[str, ...]:
    """What computes a trial: this package's version and source, and the versions of what it stands on.

    The source, because a checkout keeps its version number while its defaults change.
    """
    source = digest_of_sources(Path(__file__).parents[1])
    return (
        __version__,
        source,
        jax.__version__,
        sklearn.__version__,
        np.__version__,
        platform.python_version(),
    )


def digest_of_sources(folder: Path) -> str:
    """A hash of the Python files in a folder and below."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class TrialCache:
    """A folder of finished trials.

    The name of a file is a hash of the family with its settings, of all rows it sees, of the seed, of the
    versions in use and of this package's source: whatever changes, the trial is done anew.

    A trial may hold a model of any package, so a file is a pickle, which could run anything. It is opened
    only if it carries the seal of a key that the user alone can read, over its content and its name. What is
    damaged, what another user or another key has sealed and what is no ordinary file counts as absent, and
    `notes` says so. Links are not followed, neither in reading nor in writing.
    """

    folder: Path
    signer: Signer | None
    """None if there is no key: then nothing is kept, and nothing taken."""
    notes: list[str] = field(default_factory=list)
    """What a user should know, in sentences."""

    @classmethod
    def at(cls, folder: str | Path) -> TrialCache:
        """The cache in a folder, which is made if need be.

        Raises
        ------
        SettingError
            If it cannot be made.
        """
        place = Path(folder).expanduser()
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            status = place.stat()
        except OSError as problem:
            raise SettingError(
                f"the cache folder {place} cannot be made: {problem.strerror}", "name another, or none"
            ) from problem
        try:
            found = cls(place, Signer.of_user())
        except NoKeyError as trouble:
            return cls(place, None, [f"no model is kept, nor taken from an earlier run: {trouble}"])
        if others_can_write(status) or not is_own(status):
            found.notes.append(
                f"others can write to the cache folder {place}: only what you kept there is taken from it"
            )
        return found

    def get(self, task: Task) -> Trial | None:
        """The trial of an equal task, if this user kept it."""
        path = self._path(task)
        payload = None if path is None else self._payload(path)
        if path is None or payload is None:
            return None
        try:
            found: Any = pickle.loads(payload)  # sealed by this user
            os.utime(path)
        except Exception:  # of a foreign model's class, which may have changed since
            self._ignored(path, "cannot be read")
            return None
        return replace(found, from_cache=True) if isinstance(found, Trial) else None

    def _payload(self, path: Path) -> bytes | None:
        """What a file holds, if it is sealed by this user."""
        try:
            with open_without_following(path) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or not is_own(status):
                    return self._ignored(path, "is not yours")
                sealed = file.read()
        except FileNotFoundError:
            return None
        except OSError:  # a symbolic link, a folder, no permission
            return self._ignored(path, "is no file of yours")
        assert self.signer is not None  # else there is no path
        payload = self.signer.opened(path.name, sealed)
        return self._ignored(path, "is damaged, or not sealed with your key") if payload is None else payload

    def _ignored(self, path: Path, trouble: str) -> None:
        self.notes.append(f"the kept model {path.name} {trouble}: it is ignored, and fitted anew")

    def put(self, task: Task, trial: Trial) -> None:
        """Keep a trial; one that cannot be pickled, or for which the disk has no room, is not kept."""
        path = self._path(task)
        if path is None or self.signer is None:
            return
        try:
            payload = pickle.dumps(trial, pickle.HIGHEST_PROTOCOL)
        except Exception:  # whatever a foreign model raises
            return
        draft = self.folder / f".draft-{secrets.token_hex(8)}"
        try:
            write_privately(draft, self.signer.sealed(path.name, payload))
            draft.replace(path)
        except OSError:
            return
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        self._remove_oldest()

    def _path(self, task: Task) -> Path | None:
        if self.signer is None:
            return None
        try:
            key = joblib.hash((made_by(), task), hash_name="sha1")
        except Exception:  # an estimator that holds, say, a lambda
            return None
        return self.folder / f"{key}.trial"

    def _remove_oldest(self) -> None:
        found = [(file, status) for file in self.folder.glob("*.trial") if (status := _own_status(file))]
        found.sort(key=lambda one: -one[1].st_mtime)
        sizes = np.cumsum([status.st_size for _, status in found])
        for (file, _), size in zip(found[1:], sizes[1:], strict=True):  # the newest stays in any case
            if size > LARGEST:
                with suppress(OSError):
                    file.unlink()


def _own_status(file: Path) -> os.stat_result | None:
    """Of an ordinary file of this user."""
    try:
        status = file.lstat()
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) and is_own(status) else None
