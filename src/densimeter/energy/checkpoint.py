"""A training run on disk: one file, replaced whole after every round; a run goes on from it bit for bit."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from densimeter.energy.training import Best, State
from densimeter.foundations.errors import DataError, SettingError

FILE_NAME = "training.ckpt"


def fingerprint(*parts: Any) -> str:
    """A digest of arrays and of the printed form of everything else: equal for equal runs only."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(parts):
        array = isinstance(leaf, jax.Array | np.ndarray)
        digest.update(np.asarray(leaf).tobytes() if array else repr(leaf).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept, and the fingerprint of the rows, settings and random key that determine it."""

    folder: Path
    run: str

    @property
    def file(self) -> Path:
        """The one file of the checkpoint."""
        return self.folder / FILE_NAME

    def save(self, state: State, best: Best) -> None:
        """Write a new file beside the old one and put it in its place in one move."""
        self.folder.mkdir(parents=True, exist_ok=True)
        told = {"run": self.run, "gain": best.gain, "strength": best.strength, "step": best.step}
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=FILE_NAME)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps({**told, "history": best.history}).encode() + b"\n")
                eqx.tree_serialise_leaves(file, (state, best.tilt))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.file)
        except BaseException:  # an interrupt too: the old file stays, the new one goes
            Path(name).unlink(missing_ok=True)
            raise

    def resume(self, state: State, best: Best) -> tuple[State, Best]:
        """The state and the best tilt that were saved, or those given if nothing was.

        Raises
        ------
        SettingError
            If the folder holds a run of other rows, settings or seed.
        DataError
            If the file cannot be read.
        """
        if not self.file.exists():
            return state, best
        with self.file.open("rb") as file:
            told = self._header(file.readline())
            try:
                state, tilt = eqx.tree_deserialise_leaves(file, (state, best.tilt))
            except Exception as error:
                raise self._unreadable() from error
        return state, Best(tilt, told["gain"], told["strength"], told["step"], told["history"])

    def _header(self, line: bytes) -> dict[str, Any]:
        try:
            told = json.loads(line)
        except ValueError as error:
            raise self._unreadable() from error
        if told["run"] != self.run:
            raise SettingError(
                f"checkpoint folder {str(self.folder)!r} holds a run of other rows, settings or seed",
                "give another folder, or the same rows, settings and integer random_state as before",
            )
        return told

    def _unreadable(self) -> DataError:
        return DataError(f"checkpoint {str(self.file)!r} cannot be read", "remove it to train from the start")
