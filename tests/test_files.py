"""Files on disk: new folders are complete or absent, and hashes and listings describe their content."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import uuid
from contextlib import suppress

import pytest

from lm_eval_illusion import files
from lm_eval_illusion.errors import UserError
from lm_eval_illusion.files import (
    file_sha256,
    files_below,
    new_folder,
    packaged_folder,
    refuse_existing,
    refuse_special,
    replace_text,
    unique_folder,
)


def test_an_existing_folder_is_refused_with_the_reason(tmp_path):
    refuse_existing(tmp_path / "new")
    with pytest.raises(UserError, match="exists: give a new folder, because it is old"):
        refuse_existing(tmp_path, ", because it is old")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "x" * 10_000])
def test_an_impossible_path_is_one_line(tmp_path, name):
    with pytest.raises(UserError, match="can't be written") as caught:
        refuse_existing(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_new_folder_is_renamed_into_place_at_the_end_of_the_with_statement(tmp_path):
    out = tmp_path / "parent" / "out"
    with new_folder(out) as folder:
        folder.mkdir()
        (folder / "a").write_text("x")
        assert not out.exists()
    assert [path.name for path in out.iterdir()] == ["a"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_after_an_error_neither_the_folder_nor_its_new_parents_exist(tmp_path):
    def fill_the_disk(folder):
        folder.mkdir()
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left on device"), new_folder(tmp_path / "parent" / "out") as folder:
        fill_the_disk(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [UserError("no such items"), KeyboardInterrupt()])
def test_after_an_error_of_the_body_the_new_parents_are_gone_too(tmp_path, error):
    def fail(folder):
        folder.mkdir()
        raise error

    with pytest.raises(type(error)) as caught, new_folder(tmp_path / "grandparent" / "parent" / "out") as folder:
        fail(folder)
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_deleted_and_what_is_in_use_is_not(tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    with new_folder(out) as folder:
        folder.mkdir()
        (folder / "a").touch()
        # The same files as after kill -9: nobody holds the lock of a copy.
        shutil.copytree(folder.parent, f"{folder.parent}-killed")
        with new_folder(other) as in_use:
            in_use.mkdir()
        assert (tmp_path / f"{folder.parent.name}-killed").exists()  # of another target
        with suppress(KeyboardInterrupt), new_folder(out):  # as a second process with the same target
            assert [path.name for path in folder.iterdir()] == ["a"]
            assert not (tmp_path / f"{folder.parent.name}-killed").exists()
            raise KeyboardInterrupt
        assert [path.name for path in folder.iterdir()] == ["a"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


def test_unique_folders_differ_and_follow_the_umask(tmp_path):
    old = os.umask(0o022)
    try:
        folders = [unique_folder(tmp_path / "work", "key") for _ in range(2)]
    finally:
        os.umask(old)
    assert len({folder.name for folder in folders}) == 2
    assert {folder.name.rpartition("-")[0] for folder in folders} == {"key"}
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o755}


def test_hashes_and_names_of_files(tmp_path):
    content = os.urandom((1 << 20) + 7)  # more than one chunk
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b").write_bytes(content)
    (tmp_path / "a").write_bytes(b"")
    assert file_sha256(tmp_path / "below" / "b") == hashlib.sha256(content).hexdigest()
    assert files_below(tmp_path) == {"a": tmp_path / "a", "below/b": tmp_path / "below" / "b"}


def test_packaged_folders_exist():
    assert (packaged_folder("lm_eval_illusion.pruners") / "wanda.yaml").is_file()
    assert (packaged_folder("lm_eval_illusion.tasks") / "mqa_illusion").is_dir()


def put_unreadable(path):
    path.mkdir()
    path.chmod(0)


def put_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)  # the path of a socket has at most 108 bytes
        server.bind(path.name)


@pytest.mark.parametrize(
    ("put", "message"),
    [
        (os.mkfifo, "x is a FIFO and no regular file"),
        (put_socket, "x is a socket and no regular file"),
        (lambda path: path.symlink_to(path.parent / "a"), "x is a link and no regular file"),
        (lambda path: path.symlink_to(path), "x is a link and no regular file"),
        pytest.param(
            put_unreadable,
            "x: Permission denied",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder"),
        ),
    ],
    ids=["fifo", "socket", "link", "loop", "unreadable"],
)
def test_nothing_below_a_folder_is_left_out_without_a_word(tmp_path, monkeypatch, put, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").touch()
    (tmp_path / "below").mkdir()
    put(tmp_path / "below" / "x")
    with pytest.raises(OSError, match="below/" + message):
        files_below(tmp_path)


def test_an_unreadable_folder_below_is_an_error_that_names_it(tmp_path, monkeypatch):
    # Also where the tests run as root, who may read everything.
    (tmp_path / "below").mkdir()

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(PermissionError) as caught:
        files_below(tmp_path)
    assert caught.value.strerror == f"{tmp_path}: Permission denied"


def test_links_of_a_model_folder_are_followed_but_not_for_ever(tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1").write_text("x")
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").symlink_to(tmp_path / "blobs" / "1")  # as in the hub's cache
    (model / "more").symlink_to(tmp_path / "blobs")
    assert files_below(model, follow_links=True) == {"config.json": model / "config.json", "more/1": model / "more" / "1"}
    (model / "loop").symlink_to(model)
    with pytest.raises(OSError, match="loop is a link to a folder that is listed already"):
        files_below(model, follow_links=True)
    (model / "loop").unlink()
    (model / "nowhere").symlink_to(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="nowhere: No such file"):
        files_below(model, follow_links=True)


@pytest.mark.parametrize("path", ["fifo", "/dev/zero", "."])
def test_a_special_file_has_no_hash(tmp_path, path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="no regular file"):
        file_sha256(tmp_path / path)


def test_only_a_regular_file_may_be_at_a_place_that_is_written(tmp_path):
    refuse_special(tmp_path / "new")
    (tmp_path / "file").touch()
    refuse_special(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    with pytest.raises(OSError, match="link is a link and no regular file"):
        refuse_special(tmp_path / "link")


def test_a_tree_beyond_the_limit_is_not_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_ENTRIES", 3)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a").touch()
    (tmp_path / "b").touch()
    assert list(files_below(tmp_path, follow_links=True)) == ["b", "below/a"]
    (tmp_path / "below" / "c").touch()
    with pytest.raises(OSError, match="has more than 3 files and folders below it") as caught:
        files_below(tmp_path, follow_links=True)
    assert caught.value.strerror == f"{tmp_path} has more than 3 files and folders below it"


def test_a_text_replaces_a_link_and_does_not_follow_it(tmp_path):
    path, victim = tmp_path / "text", tmp_path / "victim"
    victim.write_text("of somebody")
    path.symlink_to(victim)
    replace_text(path, "\u00fc\n")
    assert path.read_bytes() == b"\xc3\xbc\n"
    assert not path.is_symlink()
    replace_text(path, "again")
    assert (path.read_text(), victim.read_text()) == ("again", "of somebody")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["text", "victim"]


def test_a_link_planted_at_the_unfinished_text_is_refused(tmp_path, monkeypatch):
    # Also if somebody could guess the name.
    monkeypatch.setattr(files.uuid, "uuid4", lambda: uuid.UUID(int=0))
    (tmp_path / "text-00000000").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        replace_text(tmp_path / "text", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["text-00000000"]


@pytest.mark.parametrize(("mask", "mode", "expected"), [(0o022, 0o666, 0o644), (0o000, 0o600, 0o600)])
def test_a_text_has_the_permissions_that_were_asked_for(tmp_path, mask, mode, expected):
    old = os.umask(mask)
    try:
        replace_text(tmp_path / "text", "x", mode)
    finally:
        os.umask(old)
    assert (tmp_path / "text").stat().st_mode & 0o777 == expected


def test_a_text_that_cannot_be_placed_leaves_nothing(tmp_path):
    (tmp_path / "text").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_text(tmp_path / "text", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["text"]
