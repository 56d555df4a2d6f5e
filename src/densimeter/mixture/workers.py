"""Work spread over all processors: the caller's thread, and helpers that live as long as the process."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from densimeter.foundations.processors import n_processors

Item = TypeVar("Item")
Result = TypeVar("Result")
IN_FLIGHT = 4
"""Items for each helper that may wait or be done: enough to go on while the first of them takes long."""


@cache
def _helpers() -> tuple[ThreadPoolExecutor, int]:
    """One thread for each processor but the caller's, at least one, and their number."""
    n_helpers = max(1, n_processors() - 1)
    return ThreadPoolExecutor(n_helpers, "densimeter-mixture"), n_helpers


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not survive a fork


def n_threads() -> int:
    """The threads among which `in_order` spreads its items."""
    return 1 + _helpers()[1]


def in_order(items: Iterable[Item], compute: Callable[[Item], Result]) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, in the order of the items, few of which are in flight.

    Items are drawn by the caller's thread alone. While the next result is not there, the caller computes
    items that no helper has begun. `compute` must not use this function itself.
    """
    pool, n_helpers = _helpers()
    flight: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            flight.append((item, pool.submit(compute, item)))
            if len(flight) > IN_FLIGHT * n_helpers:
                yield _next_landed(flight, compute)
        while flight:
            yield _next_landed(flight, compute)
    finally:  # also left early: by an error, an interrupt, or a caller that wants no more
        for _, future in flight:
            future.cancel()


def _next_landed(
    flight: deque[tuple[Item, Future[Result]]], compute: Callable[[Item], Result]
) -> tuple[Item, Result]:
    """The first item of the flight with its result, others computed here while it is under way."""
    for i, (item, future) in enumerate(flight):
        if flight[0][1].done():
            break
        if future.cancel():
            own: Future[Result] = Future()
            own.set_result(compute(item))
            flight[i] = item, own
    item, future = flight.popleft()
    return item, future.result()
