import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densimeter.foundations.errors import SettingError
from densimeter.foundations.files import check_writable, written_whole


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path, text):
    with written_whole(path) as draft:
        draft.write_text(text)


@given(st.text(max_size=200))
def test_what_is_written_is_there(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("files")
    with written_whole(folder / "answer.json") as draft:
        draft.write_text(text, encoding="utf-8", newline="")
    assert (folder / "answer.json").read_bytes() == text.encode()
    assert names_in(folder) == ["answer.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_block_that_fails_changes_nothing(tmp_path, error, old):
    path = tmp_path / "answer.json"
    if old is not None:
        path.write_text(old)

    def fail(draft):
        draft.write_text("half of the new")
        raise error

    with pytest.raises(error), written_whole(path) as draft:
        fail(draft)

    assert names_in(tmp_path) == ([] if old is None else ["answer.json"])
    assert old is None or path.read_text() == old


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "answer.json"
    path.write_text("old")
    with written_whole(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("name", ["picture.png", "table.tar.gz", "no ending", "x" * 250 + ".txt"])
def test_the_draft_has_the_ending_of_the_file(tmp_path, name):
    with written_whole(tmp_path / name) as draft:
        draft.touch()
        assert draft.suffix == (tmp_path / name).suffix
        assert draft.parent == tmp_path
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        write(tmp_path / "answer.json", "42")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "answer.json").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_an_old_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "answer.json"
    path.write_text("old")
    path.chmod(mode)
    write(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_stays_a_link_to_the_new_file(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "real.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    check_writable(link)
    write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_draft_that_was_never_written_fails_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "answer.json"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), written_whole(path) as draft:
        draft.unlink()
    assert path.read_text() == "old"


def test_drafts_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "answer.json"
    with written_whole(path) as first, written_whole(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert names_in(tmp_path) == ["answer.json"]


def test_a_writable_place_is_left_as_it_is(tmp_path):
    check_writable(tmp_path / "answer.json")
    assert names_in(tmp_path) == []


def refused(path, reading=None):
    with pytest.raises(SettingError) as caught:
        check_writable(path, reading)
    return caught.value.reason


def test_places_that_cannot_be_written_are_refused(tmp_path):
    assert "is a folder" in refused(tmp_path)
    assert "no folder" in refused(tmp_path / "missing" / "answer.json")
    assert "no ordinary file" in refused(type(tmp_path)("/dev/null"))
    assert "cannot be written" in refused(tmp_path / ("x" * 5000))
    assert "cannot be written" in refused(tmp_path / "a\0b")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert "cannot be written" in refused(loop)


@pytest.mark.parametrize("spoilt", ["folder", "file"])
def test_protected_places_are_refused(tmp_path, monkeypatch, spoilt):
    path = tmp_path / "answer.json"
    path.write_text("old")
    protected = tmp_path if spoilt == "folder" else path
    # root may write everywhere, so what the system answers is replaced
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != protected)
    assert ("cannot be written to" if spoilt == "folder" else "protected from writing") in refused(path)


def test_the_file_that_is_read_is_never_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "table.csv"
    table.write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(table)
    (tmp_path / "hard.csv").hardlink_to(table)
    for name in ("table.csv", "./table.csv", "link.csv", "hard.csv"):
        assert "the table itself" in refused(type(tmp_path)(name), reading=table)
    check_writable(tmp_path / "other.csv", reading=table)
    check_writable(tmp_path / "other.csv", reading=tmp_path / "missing.csv")
