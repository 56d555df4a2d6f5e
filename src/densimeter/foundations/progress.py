"""How long-running work tells the outside how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A listener. Models call it; the command line draws it; tests count it."""

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """`done` of `total` steps are finished; `message` says in a few words what is going on."""
        ...


def silent(done: int, total: int, message: str = "") -> None:
    """The listener that hears nothing."""
