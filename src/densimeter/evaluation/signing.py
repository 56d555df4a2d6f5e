"""A user's own key, and with it a seal on files that are only safe to open if this user wrote them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

N_BYTES = 32
"""Of a key and of a seal."""

_IS_POSIX = hasattr(os, "getuid")  # elsewhere the user's own folders are private by their access lists


class NoKeyError(Exception):
    """There is no key that this user alone knows; the message says why, in one line."""


@dataclass(frozen=True)
class Signer:
    """Seals bytes with a secret key: HMAC-SHA256 (RFC 2104) over a name and a content."""

    key: bytes

    @classmethod
    def of_user(cls) -> Signer:
        """With the key in the user's own cache folder, which is made if there is none.

        Raises
        ------
        NoKeyError
            If it cannot be made, or if others could have read or written it.
        """
        from platformdirs import user_cache_path

        folder = user_cache_path("densimeter", appauthor=False) / "private"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _check_private(folder, os.lstat(folder), stat.S_ISDIR)
            return cls(_kept_key(folder / "key"))
        except OSError as problem:
            raise NoKeyError(f"{folder} cannot be used: {problem.strerror}") from problem

    def seal(self, name: str, content: bytes) -> bytes:
        """The seal of a content under a name."""
        return hmac.digest(self.key, name.encode() + b"\0" + content, hashlib.sha256)

    def sealed(self, name: str, content: bytes) -> bytes:
        """The content with its seal before it."""
        return self.seal(name, content) + content

    def opened(self, name: str, sealed: bytes) -> bytes | None:
        """The content, or None if it does not carry the seal of this key and name."""
        seal, content = sealed[:N_BYTES], sealed[N_BYTES:]
        return content if hmac.compare_digest(seal, self.seal(name, content)) else None


def is_own(status: os.stat_result) -> bool:
    """Whether something belongs to the user who runs this process."""
    return not _IS_POSIX or status.st_uid == os.getuid()


def others_can_write(status: os.stat_result) -> bool:
    """Whether a group or everyone may write to something."""
    return _IS_POSIX and bool(status.st_mode & 0o022)


def _kept_key(file: Path) -> bytes:
    with suppress(FileNotFoundError):
        return _read_key(file)
    draft = file.with_name(f"draft-{secrets.token_hex(8)}")
    try:
        write_privately(draft, secrets.token_bytes(N_BYTES))
        with suppress(FileExistsError):  # made by another process just now: that one is taken
            os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    return _read_key(file)


def _read_key(file: Path) -> bytes:
    with open_without_following(file) as opened:
        _check_private(file, os.fstat(opened.fileno()), stat.S_ISREG)
        key = opened.read(N_BYTES + 1)
    if len(key) != N_BYTES:
        raise NoKeyError(f"{file} is no key: remove it")
    return key


def _check_private(path: Path, status: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(status.st_mode) or not is_own(status):
        raise NoKeyError(f"{path} is not the user's own: remove it")
    if _IS_POSIX and status.st_mode & 0o077:
        raise NoKeyError(f"others have access to {path}: remove it")


def open_without_following(file: Path) -> BinaryIO:
    """Open for reading, no symbolic link, and without waiting where it is a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return open(file, "rb", opener=lambda name, _: os.open(name, flags | getattr(os, "O_BINARY", 0)))


def write_privately(file: Path, content: bytes) -> None:
    """Write a new file that only the user can read; `FileExistsError` if anything is there by this name."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    with open(file, "wb", opener=lambda name, _: os.open(name, flags, 0o600)) as opened:
        opened.write(content)
