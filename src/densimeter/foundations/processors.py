"""How many processors this process may use."""

from __future__ import annotations

import os


def n_processors() -> int:
    """Of those the scheduler gives to this process, at least one.

    Examples
    --------
    >>> n_processors() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
