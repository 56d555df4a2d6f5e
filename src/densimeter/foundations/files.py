"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from densimeter.foundations.errors import SettingError


def check_writable(path: Path) -> None:
    """Whether a file can be written at `path`, asked before hours of work rather than after.

    Raises
    ------
    SettingError
        If the folder is missing or not writable, or the path is a folder itself.
    """
    folder = path.resolve().parent
    if path.is_dir():
        raise SettingError(f"{path} is a folder", "name a file inside it")
    if not folder.is_dir():
        raise SettingError(f"there is no folder {folder}", "make it first, or write elsewhere")
    if not os.access(folder, os.W_OK):
        raise SettingError(f"the folder {folder} cannot be written to", "write elsewhere")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes otherwise.

    Examples
    --------
    >>> from pathlib import Path
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "answer.txt"
    ...     with written_whole(target) as draft:
    ...         _ = draft.write_text("42")
    ...     target.read_text()
    '42'
    """
    # the ending is kept: writers of pictures and tables choose their format by it
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.resolve().parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
