"""Who runs the trials: this process or several, with what was kept of earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import current_process

from densimeter.evaluation.cache import TrialCache
from densimeter.evaluation.trials import Outcome, Task, Trial, run
from densimeter.foundations.checks import check_count, check_number
from densimeter.foundations.errors import Interrupted, SettingError
from densimeter.foundations.progress import Progress


@dataclass(frozen=True)
class Runner:
    """Runs tasks one after the other, or in processes of their own.

    Parameters
    ----------
    n_jobs : int
        Processes at a time; with 1 and no timeout all tasks run in this one.
    timeout : float or None
        Seconds that a task may take, its process's start included.
    cache : TrialCache or None
        Where trials are kept.

    Raises
    ------
    SettingError
        If a number is out of range.
    """

    n_jobs: int = 1
    timeout: float | None = None
    cache: TrialCache | None = None

    def __post_init__(self) -> None:
        check_count("n_jobs", self.n_jobs, at_least=1)
        if self.timeout is not None:
            check_number("timeout", self.timeout, above=0)

    def run(self, tasks: Sequence[Task], progress: Progress) -> list[Outcome]:
        """The outcome of every task, in their order.

        Raises
        ------
        Interrupted
            On Ctrl-C, naming what is kept.
        """
        outcomes: dict[int, Outcome] = {}

        def done(place: int, outcome: Outcome) -> None:
            outcomes[place] = outcome
            if self.cache is not None and isinstance(outcome, Trial):
                self.cache.put(tasks[place], outcome)

        try:
            for place, task in enumerate(tasks):
                kept = None if self.cache is None else self.cache.get(task)
                if kept is not None:
                    outcomes[place] = kept
            self._run_the_rest(tasks, outcomes, done, progress)
        except KeyboardInterrupt as interrupt:
            finished = [tasks[place].name for place in sorted(outcomes) if isinstance(outcomes[place], Trial)]
            raise Interrupted(dict.fromkeys(finished), kept=self.cache is not None) from interrupt
        return [outcomes[place] for place in range(len(tasks))]

    def _run_the_rest(
        self,
        tasks: Sequence[Task],
        outcomes: Mapping[int, Outcome],
        done: Callable[[int, Outcome], None],
        progress: Progress,
    ) -> None:
        places = [place for place in range(len(tasks)) if place not in outcomes]
        if self.timeout is None and (self.n_jobs == 1 or len(places) < 2):
            for place in places:
                done(place, run(tasks[place], _share(progress, len(outcomes), len(tasks))))
            return
        if current_process().daemon:
            raise SettingError(
                "timeout and n_jobs need processes of their own, which a worker of a pool may not have",
                "leave both out there, or use concurrent.futures.ProcessPoolExecutor for the pool",
            )
        from densimeter.evaluation.workers import run_in_processes

        def one_more(index: int, outcome: Outcome) -> None:
            done(places[index], outcome)
            progress(1000 * len(outcomes), 1000 * len(tasks), f"{outcome.name} is done")

        progress(
            1000 * len(outcomes), 1000 * len(tasks), "fitting " + ", ".join(tasks[p].name for p in places)
        )
        run_in_processes([tasks[place] for place in places], self.n_jobs, self.timeout, one_more)


def _share(progress: Progress, index: int, count: int) -> Progress:
    """A listener for the work on one of `count` models, which tells the whole's listener."""

    def listen(done: int, total: int, message: str = "") -> None:
        progress(round(1000 * (index + done / max(total, 1))), 1000 * count, message)

    return listen
