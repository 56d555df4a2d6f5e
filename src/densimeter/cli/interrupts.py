"""Ctrl-C ends the work even where Python loses it: exceptions are swallowed in callbacks of compiled code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from densimeter.foundations.progress import Progress


class Interruption:
    """Whether the user has asked for the end of the work."""

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if the end was asked for, again if need be."""
        if self.asked:
            raise KeyboardInterrupt

    def heeded_by(self, progress: Progress) -> Progress:
        """A listener that ends the work at its next step if the end was asked for."""

        def listen(done: int, total: int, message: str = "") -> None:
            self.check()
            progress(done, total, message)

        return listen


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """A scope in which Ctrl-C is remembered as well as raised.

    Outside the main thread, where Python hears no signals, nothing is changed.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def remember(_signal: int, _frame: FrameType | None) -> None:
        interruption.asked = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield interruption
    except Exception as error:
        if interruption.asked:  # compiled code hands the interrupt on as an error of its own
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def leave_at_once(code: int) -> NoReturn:
    """End the process with `code`, and do not take the interpreter apart first.

    Compiled code that the interrupt left behind may still be running on threads of its own; taking the
    interpreter away under it ends in a segmentation fault, now and then.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
