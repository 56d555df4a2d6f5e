"""Files are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from densimeter.foundations.errors import SettingError


def check_writable(path: Path, reading: Path | None = None) -> None:
    """Whether a file can be written at `path`, asked before hours of work rather than after.

    Parameters
    ----------
    path : Path
        The file to be written, new or to be replaced.
    reading : Path, optional
        The file the work starts from, which must not be replaced by its result.

    Raises
    ------
    SettingError
        If the folder is missing or not writable, or the path is a folder, a device or the file that is read.
    """
    try:
        target = path.resolve()
        old = target.exists()
        same = old and reading is not None and reading.exists() and target.samefile(reading)
    except (OSError, RuntimeError, ValueError) as problem:  # a loop of links, an impossible name
        raise SettingError(f"{str(path)!r} cannot be written: {problem}", "write elsewhere") from problem
    if same:
        raise SettingError(f"{path} is the table itself", "write the result to another file")
    _check_place(target)


def _check_place(path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise SettingError(f"{path} is a folder", "name a file inside it")
    if not folder.is_dir():
        raise SettingError(f"there is no folder {folder}", "make it first, or write elsewhere")
    if path.exists() and not path.is_file():
        raise SettingError(f"{path} is no ordinary file", "write to a file and read it from there")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingError(f"the folder {folder} cannot be written to", "write elsewhere")
    if path.exists() and not os.access(path, os.W_OK):
        raise SettingError(f"{path} is protected from writing", "write elsewhere")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes otherwise.

    A file that is there keeps its permissions, a new one gets those of the umask; through a symbolic link the
    file that it leads to is replaced.

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
    target = path.resolve()
    # the ending is kept: writers of pictures and tables choose their format by it
    draft = target.with_name(f".draft-{secrets.token_hex(8)}{path.suffix}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield draft
        if target.exists():
            draft.chmod(target.stat().st_mode & 0o777)
        _flush_to_disk(draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    """Before a new file takes the place of an old one its bytes are on the disk, should the power fail."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
