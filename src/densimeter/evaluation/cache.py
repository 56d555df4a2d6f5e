"""Trials kept on disk by their content, so that no model is fitted twice to the same rows."""

from __future__ import annotations

import hashlib
import pickle
import platform
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import joblib
import numpy as np
import sklearn

from densimeter._version import __version__
from densimeter.evaluation.trials import Task, Trial
from densimeter.foundations.errors import SettingError
from densimeter.foundations.files import written_whole

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
    versions in use and of this package's source: whatever changes, the trial is done anew. A file that cannot
    be read counts as absent. Files are pickles, as those of joblib are: only use a folder that you alone can
    write to.
    """

    folder: Path

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
        except OSError as problem:
            raise SettingError(
                f"the cache folder {place} cannot be made: {problem.strerror}", "name another, or none"
            ) from problem
        return cls(place)

    def get(self, task: Task) -> Trial | None:
        """The trial of an equal task, if it was kept."""
        path = self._path(task)
        if path is None or not path.exists():
            return None
        try:
            found: Any = joblib.load(path)
            path.touch()
        except Exception:  # a damaged pickle may raise anything
            path.unlink(missing_ok=True)
            return None
        return replace(found, from_cache=True) if isinstance(found, Trial) else None

    def put(self, task: Task, trial: Trial) -> None:
        """Keep a trial; one that cannot be pickled, or for which the disk has no room, is not kept."""
        path = self._path(task)
        if path is None:
            return
        try:
            with written_whole(path) as draft:
                joblib.dump(trial, draft)
        except (pickle.PicklingError, TypeError, AttributeError, OSError):
            return
        self._remove_oldest()

    def _path(self, task: Task) -> Path | None:
        try:
            key = joblib.hash((made_by(), task), hash_name="sha1")
        except (pickle.PicklingError, TypeError, AttributeError):  # an estimator that holds, say, a lambda
            return None
        return self.folder / f"{key}.trial"

    def _remove_oldest(self) -> None:
        files = sorted(self.folder.glob("*.trial"), key=lambda file: -file.stat().st_mtime)
        sizes = np.cumsum([file.stat().st_size for file in files])
        for file, size in zip(files[1:], sizes[1:], strict=True):  # the newest stays in any case
            if size > LARGEST:
                file.unlink(missing_ok=True)
