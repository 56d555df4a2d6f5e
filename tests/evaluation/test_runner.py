"""Failures stay apart, processes end, finished work is kept."""

import os
import time
from multiprocessing import current_process
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, DensityMixin

from densimeter.evaluation.cache import TrialCache, digest_of_sources
from densimeter.evaluation.families import EstimatorFamily, TrainingParts
from densimeter.evaluation.runner import Runner
from densimeter.evaluation.trials import Failure, Task, Trial
from densimeter.foundations.errors import DataError, Interrupted, SettingError
from densimeter.foundations.progress import silent

COUNTED: list[float] = []


class Normal(DensityMixin, BaseEstimator):
    """A normal density that may misbehave in its fit."""

    def __init__(self, scale=1.0, trouble=None):
        self.scale = scale
        self.trouble = trouble

    def fit(self, X, y=None):
        COUNTED.append(self.scale)
        if self.trouble is not None:
            self.trouble()
        self.mean_ = np.mean(X, axis=0)
        return self

    def score_samples(self, X):
        return stats.norm.logpdf(X, self.mean_, self.scale).sum(axis=1)


def refuse():
    raise DataError("the rows are not liked", "give others")


def crash():
    os._exit(3)


def sleep():
    time.sleep(600)


def interrupt():
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def nothing_counted():
    COUNTED.clear()


@pytest.fixture(autouse=True)
def key_of_its_own(tmp_path_factory, monkeypatch):
    """The user's key stays where it is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user")))


@pytest.fixture(autouse=True)
def found_by_other_processes(monkeypatch):
    """They import this file by the name that pytest gives it, tests.evaluation.test_runner."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


def tasks(*models, seed=0):
    rows = np.random.default_rng(seed).normal(size=(60, 2))
    parts = TrainingParts(rows[:30], rows[30:40])
    return [Task(EstimatorFamily(f"m{k}", model), parts, rows[40:], 1) for k, model in enumerate(models)]


def test_a_failure_leaves_the_others_alone():
    failed, done, foreign = Runner().run(
        tasks(Normal(trouble=refuse), Normal(), Normal(trouble=lambda: 1 / 0)), silent
    )
    assert isinstance(failed, Failure)
    assert failed.reason == "the rows are not liked"
    assert isinstance(done, Trial)
    assert foreign.reason == "ZeroDivisionError: division by zero"


def test_processes_give_what_this_one_gives():
    here = Runner().run(tasks(Normal(), Normal(2.0)), silent)
    there = Runner(n_jobs=2).run(tasks(Normal(), Normal(2.0)), silent)
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        assert one.name == other.name


@pytest.mark.slow
def test_what_never_ends_or_dies_is_a_failure_and_leaves_no_process():
    began = time.monotonic()
    slow, dead, done = Runner(n_jobs=3, timeout=25).run(
        tasks(Normal(trouble=sleep), Normal(trouble=crash), Normal()), silent
    )
    assert "more than 25 s" in slow.reason
    assert "its process ended" in dead.reason
    assert isinstance(done, Trial)
    assert time.monotonic() - began < 300


def test_only_what_is_new_is_fitted(tmp_path):
    runner = Runner(cache=TrialCache.at(tmp_path))
    first = runner.run(tasks(Normal()), silent)
    again = runner.run(tasks(Normal(), Normal(2.0)), silent)
    assert COUNTED == [1.0, 2.0]
    np.testing.assert_array_equal(first[0].scores, again[0].scores)
    assert first[0].seconds == again[0].seconds
    runner.run(tasks(Normal(), seed=1), silent)
    assert COUNTED == [1.0, 2.0, 1.0]


def test_what_other_code_has_fitted_is_fitted_anew(tmp_path, monkeypatch):
    runner = Runner(cache=TrialCache.at(tmp_path / "trials"))
    runner.run(tasks(Normal()), silent)
    monkeypatch.setattr("densimeter.evaluation.cache.made_by", lambda: ("a later version",))
    runner.run(tasks(Normal()), silent)
    assert len(COUNTED) == 2


def test_a_changed_line_of_code_changes_the_digest(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "file.py").write_text("default = 2\n")
    before = digest_of_sources(tmp_path)
    assert digest_of_sources(tmp_path) == before
    (tmp_path / "room" / "file.py").write_text("default = 4\n")
    assert digest_of_sources(tmp_path) != before


def test_a_damaged_file_counts_as_absent(tmp_path):
    runner = Runner(cache=TrialCache.at(tmp_path))
    runner.run(tasks(Normal()), silent)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:40])
    assert isinstance(runner.run(tasks(Normal()), silent)[0], Trial)
    assert len(COUNTED) == 2


def test_what_cannot_be_pickled_is_fitted_and_not_kept(tmp_path):
    runner = Runner(cache=TrialCache.at(tmp_path))
    assert isinstance(runner.run(tasks(Normal(trouble=lambda: None)), silent)[0], Trial)
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_trials_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr("densimeter.evaluation.cache.LARGEST", 1)
    runner = Runner(cache=TrialCache.at(tmp_path))
    runner.run(tasks(Normal(), Normal(2.0)), silent)
    assert len(list(tmp_path.iterdir())) == 1


def test_an_interrupt_keeps_what_is_finished_and_says_so(tmp_path):
    runner = Runner(cache=TrialCache.at(tmp_path))
    with pytest.raises(Interrupted) as caught:
        runner.run(tasks(Normal(), Normal(trouble=interrupt)), silent)
    assert caught.value.reason == "interrupted; finished: m0"
    assert "only the rest" in caught.value.advice
    runner.run(tasks(Normal()), silent)
    assert COUNTED == [1.0, 1.0]  # both of the first run


def test_an_interrupt_that_compiled_code_swallowed_is_heeded():
    def progress(done, total, message=""):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        Runner().run(tasks(Normal(trouble=refuse)), progress)


@pytest.mark.parametrize("wrong", [{"n_jobs": 0}, {"timeout": 0.0}, {"timeout": float("nan")}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(SettingError):
        Runner(**wrong)


def test_a_cache_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be made"):
        TrialCache.at(tmp_path / "file")


def test_a_worker_of_a_pool_is_told_that_it_may_have_no_processes(monkeypatch):
    """What multiprocessing.Pool makes of its workers: daemons."""
    monkeypatch.setattr(current_process(), "_config", {**current_process()._config, "daemon": True})
    with pytest.raises(SettingError, match="a worker of a pool may not have"):
        Runner(timeout=60).run(tasks(Normal()), silent)
    assert isinstance(Runner().run(tasks(Normal()), silent)[0], Trial)
