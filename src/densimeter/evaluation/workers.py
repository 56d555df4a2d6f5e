"""Trials in processes of their own: several at a time, ended where they take too long."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace

from loky import ProcessPoolExecutor

from densimeter.evaluation.trials import Failure, Outcome, Task, run
from densimeter.foundations.errors import in_one_line
from densimeter.foundations.progress import silent


@dataclass(frozen=True)
class _Running:
    """A task on its way in a process."""

    place: int
    task: Task
    process: ProcessPoolExecutor
    began: float

    def failed(self, reason: str) -> Failure:
        return Failure(self.task.name, reason, time.monotonic() - self.began)


def run_in_processes(
    tasks: Sequence[Task], n_jobs: int, timeout: float | None, done: Callable[[int, Outcome], None]
) -> None:
    """Run every task in one of `n_jobs` processes; `done(place, outcome)` is told in the order they end.

    A task that takes over `timeout` seconds, or whose process dies, is a failure; the others go on. However
    this ends, an interrupt included, no process is left behind.
    """
    waiting = deque(enumerate(tasks))
    idle: list[ProcessPoolExecutor] = []
    running: dict[Future[Outcome], _Running] = {}
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                place, task = waiting.popleft()
                process = (
                    idle.pop() if idle else ProcessPoolExecutor(1, initializer=_leave_interrupts_to_parent)
                )
                running[process.submit(_run_there, task)] = _Running(place, task, process, time.monotonic())
            finished, _ = wait(running, _seconds_left(running.values(), timeout), FIRST_COMPLETED)
            for future in finished:
                job = running.pop(future)
                outcome, is_alive = _outcome(future, job)
                idle.extend([job.process] if is_alive else [])
                done(job.place, outcome)
            for future in _expired(running, timeout):
                job = running.pop(future)
                job.process.shutdown(wait=True, kill_workers=True)
                done(job.place, job.failed(f"it took more than {timeout:g} s"))
    finally:
        for process in [*idle, *(job.process for job in running.values())]:
            process.shutdown(wait=True, kill_workers=True)


def _leave_interrupts_to_parent() -> None:
    """A terminal sends Ctrl-C to every process; the parent ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_there(task: Task) -> Outcome:
    outcome = run(task, silent)
    # an error of a foreign package may not survive the way back
    return replace(outcome, error=None) if isinstance(outcome, Failure) else outcome


def _outcome(future: Future[Outcome], job: _Running) -> tuple[Outcome, bool]:
    """What the process gave, and whether it can be given another task."""
    error = future.exception()
    if error is None:
        return future.result(), True
    job.process.shutdown(wait=True, kill_workers=True)
    return job.failed(f"its process ended: {in_one_line(error)}"), False


def _seconds_left(running: Iterable[_Running], timeout: float | None) -> float | None:
    if timeout is None:
        return None
    return max(0.0, min(job.began for job in running) + timeout - time.monotonic())


def _expired(running: dict[Future[Outcome], _Running], timeout: float | None) -> list[Future[Outcome]]:
    if timeout is None:
        return []
    now = time.monotonic()
    return [future for future, job in running.items() if now - job.began >= timeout and not future.done()]
