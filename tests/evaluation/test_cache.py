"""Kept trials: what this user sealed is taken, all else is ignored and said, and nothing of it is run."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import densimeter as dm
from densimeter.evaluation.cache import TrialCache
from densimeter.evaluation.families import EstimatorFamily, TrainingParts
from densimeter.evaluation.runner import Runner
from densimeter.evaluation.signing import NoKeyError, Signer
from densimeter.evaluation.trials import Task
from densimeter.foundations.progress import silent

ROWS = np.random.default_rng(0).normal(size=(40, 1))
needs_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away"
)
NOBODY = 65534


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """The user's own cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return tmp_path / "user" / "densimeter"


@pytest.fixture
def task():
    family = EstimatorFamily("normal", dm.GaussianMixture(1, random_state=0))
    return Task(family, TrainingParts(ROWS[:20], ROWS[20:30]), ROWS[30:], 1)


@pytest.fixture
def kept(tmp_path, task):
    """The file of a trial that was kept, in a folder called shared."""
    Runner(cache=TrialCache.at(tmp_path / "shared")).run([task], silent)
    (file,) = (tmp_path / "shared").iterdir()
    return file


def is_ignored(task, file, said):
    """Whether the trial is fitted anew, kept anew, and the note says why."""
    cache = TrialCache.at(file.parent)
    assert not Runner(cache=cache).run([task], silent)[0].from_cache
    assert file.name in cache.notes[-1]
    assert said in cache.notes[-1]
    return Runner(cache=TrialCache.at(file.parent)).run([task], silent)[0].from_cache


def test_a_trial_of_ones_own_is_taken_without_a_word(task, kept):
    cache = TrialCache.at(kept.parent)
    assert cache.get(task).from_cache
    assert cache.notes == []
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("prefix", [b"", b"0" * 32])
def test_a_planted_pickle_is_not_run(task, kept, tmp_path, prefix):
    kept.write_bytes(prefix + pickle.dumps(Bomb(tmp_path / "trace")))
    assert is_ignored(task, kept, "not sealed with your key")
    assert not (tmp_path / "trace").exists()


def test_a_pickle_sealed_with_another_key_is_not_run(task, kept, tmp_path):
    payload = pickle.dumps(Bomb(tmp_path / "trace"))
    kept.write_bytes(Signer(b"k" * 32).sealed(kept.name, payload))
    assert is_ignored(task, kept, "not sealed with your key")
    assert not (tmp_path / "trace").exists()


def test_the_seal_of_another_name_does_not_fit(task, kept, tmp_path):
    """Else one of a user's own trials could be put in the place of another."""
    kept.write_bytes(Signer.of_user().sealed("another.trial", pickle.dumps(Bomb(tmp_path / "trace"))))
    assert is_ignored(task, kept, "not sealed with your key")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("length", [0, 5, 32, 100, -1])
def test_a_truncated_file_is_ignored(task, kept, length):
    kept.write_bytes(kept.read_bytes()[:length])
    assert is_ignored(task, kept, "damaged")


def test_a_changed_byte_is_noticed_wherever_it_is(task, kept):
    whole = kept.read_bytes()
    cache = TrialCache.at(kept.parent)
    for place in range(0, len(whole), max(1, len(whole) // 50)):
        kept.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.get(task) is None


def test_a_sealed_trial_that_no_longer_loads_is_ignored(task, kept):
    kept.write_bytes(Signer.of_user().sealed(kept.name, b"cno_such_module\nthing\n."))
    assert is_ignored(task, kept, "cannot be read")


@needs_root
def test_another_users_file_is_ignored(task, kept):
    os.chown(kept, NOBODY, NOBODY)
    assert is_ignored(task, kept, "is not yours")


def test_a_link_is_neither_read_nor_written_through(task, kept, tmp_path):
    treasure = tmp_path / "treasure"
    treasure.write_bytes(kept.read_bytes())
    kept.unlink()
    kept.symlink_to(treasure)
    before = treasure.read_bytes()
    assert is_ignored(task, kept, "no file of yours")
    assert treasure.read_bytes() == before
    assert not kept.is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang(task, kept):
    kept.unlink()
    os.mkfifo(kept)
    assert is_ignored(task, kept, "is not yours")


def test_a_folder_in_the_place_of_a_file_is_ignored(task, kept):
    kept.unlink()
    kept.mkdir()
    (kept / "inside").touch()
    assert not is_ignored(task, kept, "no file of yours")


def test_dangling_links_do_not_stop_the_clearing(task, kept, monkeypatch):
    (kept.parent / "dangling.trial").symlink_to("nowhere")
    monkeypatch.setattr("densimeter.evaluation.cache.LARGEST", 1)
    kept.unlink()
    TrialCache.at(kept.parent).put(task, Runner().run([task], silent)[0])
    assert (kept.parent / "dangling.trial").is_symlink()


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777])
def test_a_folder_that_others_can_write_to_is_told(task, kept, mode):
    kept.parent.chmod(mode)
    cache = TrialCache.at(kept.parent)
    assert "others can write to the cache folder" in cache.notes[0]
    assert cache.get(task).from_cache  # what this user sealed is safe there, too


@needs_root
def test_a_folder_of_another_user_is_told(task, kept):
    os.chown(kept.parent, NOBODY, NOBODY)
    assert "others can write to the cache folder" in TrialCache.at(kept.parent).notes[0]


# The key


def test_the_key_is_private_and_stays_the_same(caches):
    first = Signer.of_user()
    assert (caches / "private").stat().st_mode & 0o777 == 0o700
    assert (caches / "private" / "key").stat().st_mode & 0o777 == 0o600
    assert Signer.of_user() == first
    assert len(first.key) == 32


def spoil(caches, how):
    folder, key = caches / "private", caches / "private" / "key"
    if how == "readable folder":
        folder.chmod(0o750)
    elif how == "readable key":
        key.chmod(0o644)
    elif how == "short key":
        key.write_bytes(b"short")
    elif how == "linked folder":
        folder.rename(caches / "elsewhere")
        folder.symlink_to(caches / "elsewhere")
    elif how == "linked key":
        key.rename(caches / "elsewhere")
        key.symlink_to(caches / "elsewhere")
    elif how == "foreign key":
        os.chown(key, NOBODY, NOBODY)
    else:
        os.chown(folder, NOBODY, NOBODY)


@pytest.mark.parametrize(
    "how",
    [
        "readable folder",
        "readable key",
        "short key",
        "linked folder",
        "linked key",
        pytest.param("foreign key", marks=needs_root),
        pytest.param("foreign folder", marks=needs_root),
    ],
)
def test_a_key_that_another_may_know_is_not_used(caches, task, kept, how):
    spoil(caches, how)
    with pytest.raises(NoKeyError):
        Signer.of_user()
    cache = TrialCache.at(kept.parent)
    assert "no model is kept" in cache.notes[0]
    assert cache.get(task) is None
    kept.unlink()
    assert not Runner(cache=cache).run([task], silent)[0].from_cache
    assert not kept.exists()


def test_a_comparison_says_what_it_did_not_take(tmp_path):
    rows = np.random.default_rng(1).normal(size=(60, 1))
    options = dict(models=["mixture"], random_state=0, cache=tmp_path / "shared")  # noqa: C408
    dm.compare(rows, **options)
    for file in (tmp_path / "shared").iterdir():
        file.write_bytes(pickle.dumps(Bomb(tmp_path / "trace")))
    notes = [note.text for note in dm.compare(rows, **options).data.notes]
    assert any("not sealed with your key: it is ignored, and fitted anew" in note for note in notes)
    assert not (tmp_path / "trace").exists()
