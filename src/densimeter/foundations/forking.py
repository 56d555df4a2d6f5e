"""Processes made by `fork`, in which JAX cannot compute.

A forked child has the memory of its parent, but none of its threads. JAX, its compiler among it, hands work
to threads that it started before and believes to be alive, and would wait for them for ever. So the one gate
before every computation, `precision.computing_in`, refuses where this has happened. A process that is forked
before JAX was used has no threads to miss, and one that is spawned begins afresh.
"""

from __future__ import annotations

import os
import sys

from densimeter.foundations.errors import ForkedProcessError

_threads = {"started": False, "lost": False}
"""Of JAX: whether this process has begun to use them, and whether it was forked from one that had."""


def begin_computing() -> None:
    """To be called before JAX is used.

    Raises
    ------
    ForkedProcessError
        If this process was forked from one in which JAX was in use.

    Examples
    --------
    >>> begin_computing()
    """
    if _threads["lost"]:
        raise ForkedProcessError(
            "this process was forked from one that had computed already, whose threads are lost in it",
            'start processes with the method "spawn" or "forkserver", or with joblib\'s "loky"; '
            "or fork before the first use",
        )
    _threads["started"] = True


def _after_fork() -> None:
    _threads["lost"] = _threads["lost"] or _threads["started"] or _jax_is_in_use()


def _jax_is_in_use() -> bool:
    """Whether somebody else has made JAX start its devices; False where JAX does not tell."""
    told = getattr(sys.modules.get("jax._src.xla_bridge"), "backends_are_initialized", None)
    return told is not None and told()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
