"""The store: entries are made once, complete or absent, verified, and made again if corrupt."""

from __future__ import annotations

import errno
import fcntl
import json
import multiprocessing
import os
import shutil
import signal
import stat
import tempfile
import threading
import time
from pathlib import Path

import filelock
import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning import checkpoint_store
from lm_eval_illusion.pruning.checkpoint_store import find, get_or_create, key_of, verify
from lm_eval_illusion.pruning.manifest import Manifest
from lm_eval_illusion.pruning.settings import read_settings
from tests.mounts import Mount, can_mount, mount_in_this_process

CONTENT = "weights" * 1000


def manifest(**measured: float) -> Manifest:
    return Manifest(
        base_model="a",
        base_revision="0",
        variant="wanda-0.5",
        pruner="wanda",
        sparsity_requested=0.5,
        mask_structure="0:0",
        owl_lambda=None,
        owl_m=None,
        pruning_seed=0,
        versions={},
        **measured,
    )


def make(folder: Path) -> Manifest:
    (folder / "model.safetensors").write_text(CONTENT)
    (folder / "config.json").write_text("{}")
    return manifest(sparsity_measured=0.5)


def fail(folder: Path) -> Manifest:
    raise AssertionError("`make` was called")


def slow_make(folder: Path) -> Manifest:
    with (folder.parent / "makes").open("a") as log:
        log.write("made\n")
    for piece in range(20):
        (folder / f"piece-{piece}.json").write_text(CONTENT)
        time.sleep(0.005)
    return manifest()


def create_slowly(store: str) -> None:
    get_or_create(store, "key", slow_make)


@pytest.fixture
def store():
    """A store that every user may read, which pytest's folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="store-"))
    folder.chmod(0o755)
    yield folder
    for path in (folder, folder / ".work"):
        path.chmod(0o755)
    shutil.rmtree(folder)


def mount_read_only(store):
    mount_in_this_process(Mount(store, "bind,ro"))


def become_an_ordinary_user(store):
    """Permissions bind everybody but root."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)


def start_reading(store, prepare):
    """Ask a process that was prepared for the entry `key`; return the process and the end of a pipe that gets what it got."""
    # Not `fork`: the process of the tests has threads, and a lock that one of them holds would stay locked in the child.
    context = multiprocessing.get_context("forkserver")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(store, prepare, sender))
    process.start()
    return process, receiver


def _read(store, prepare, sender):
    prepare(store)
    try:
        sender.send(get_or_create(str(store), "key", fail, name="wanda-0.5 of a").path)
    except UserError as error:
        sender.send(error.args[0])


def read_in_process(store, prepare):
    """Return the path of the entry, or the message of the UserError."""
    process, receiver = start_reading(store, prepare)
    process.join()
    assert receiver.poll(), f"exit code {process.exitcode}"
    return receiver.recv()


# How a store can't be written: what is done to its folders, and to the process that reads it.
READ_ONLY = {
    "media": ((), mount_read_only, "Read-only file system"),
    "permissions": (("", ".work"), become_an_ordinary_user, "Permission denied"),
    "work_alone": ((".work",), become_an_ordinary_user, "Permission denied"),
    "all_but_work": (("",), become_an_ordinary_user, "Permission denied"),
}


@pytest.fixture(params=READ_ONLY)
def read_only(request, store):
    """The store, a function that makes it read-only and returns how its process is prepared, and the reason in messages."""
    closed, prepare, reason = READ_ONLY[request.param]
    if prepare is mount_read_only and not can_mount():
        pytest.skip("nothing can be mounted here")

    def close():
        (store / ".work").mkdir(exist_ok=True)
        # The sticky bit: without it, a store in which everybody may write is refused.
        (store / ".work").chmod(0o1777)
        store.chmod(0o1777)
        for name in closed:
            (store / name).chmod(0o555)
        return prepare

    return store, close, reason


def test_an_entry_is_made_once_then_loaded(tmp_path):
    first = get_or_create(str(tmp_path), "key", make)
    second = get_or_create(str(tmp_path), "key", fail)
    assert first == second
    assert second.manifest.sparsity_measured == 0.5
    assert set(second.manifest.files) == {"model.safetensors", "config.json"}
    assert verify(Path(second.path)) is None


def test_the_key_depends_on_content_alone():
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})


@pytest.mark.parametrize("damage", ["change", "remove", "manifest", "empty_manifest"])
def test_a_corrupt_entry_is_set_aside_and_made_again(tmp_path, caplog, damage):
    entry = Path(get_or_create(str(tmp_path), "key", make).path)
    if damage == "change":
        (entry / "model.safetensors").write_text(CONTENT[:-1] + "x")
    elif damage == "remove":
        (entry / "config.json").unlink()
    else:
        (entry / "manifest.json").write_text("[]" if damage == "manifest" else "")
    remade = get_or_create(str(tmp_path), "key", make)
    assert verify(Path(remade.path)) is None
    assert (tmp_path / "key.corrupt-1").is_dir()
    assert "is corrupt" in caplog.text


def test_a_failed_make_leaves_no_files(tmp_path):
    with pytest.raises(AssertionError):
        get_or_create(str(tmp_path), "key", fail)
    assert [path.name for path in tmp_path.iterdir()] == [".work"]
    assert [path.name for path in (tmp_path / ".work").iterdir()] == ["key.lock"]


def test_store_off_is_a_temporary_folder(tmp_path):
    checkpoint = get_or_create("off", "key", make)
    assert verify(Path(checkpoint.path)) is None
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"can't be used .*store=off"):
        get_or_create(str(tmp_path / "file" / "store"), "key", make)


def test_a_full_disk_gives_one_clear_line_and_no_files(tmp_path):
    def full(folder: Path) -> Manifest:
        (folder / "half").write_text(CONTENT)
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left on device"):
        get_or_create(str(tmp_path), "key", full)
    assert not (tmp_path / "key").exists()
    assert [path.name for path in (tmp_path / ".work").iterdir()] == ["key.lock"]


def test_several_processes_make_an_entry_once(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=create_slowly, args=(str(tmp_path),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert (tmp_path / ".work" / "makes").read_text() == "made\n"


@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.08, 0.11, 0.13])
def test_killed_at_any_moment_the_next_run_finishes(tmp_path, after):
    process = multiprocessing.get_context("fork").Process(target=create_slowly, args=(str(tmp_path),))
    process.start()
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    # At any moment: no incomplete entry is visible, and the next run ends with a complete one.
    assert not (tmp_path / "key").exists() or verify(tmp_path / "key") is None
    assert verify(Path(get_or_create(str(tmp_path), "key", slow_make).path)) is None
    assert not [path for path in (tmp_path / ".work").iterdir() if path.is_dir()]


def test_the_manifest_lists_all_files(tmp_path):
    entry = Path(get_or_create(str(tmp_path), "key", make).path)
    listed = set(json.loads((entry / "manifest.json").read_text())["files"])
    assert listed | {"manifest.json"} == {path.name for path in entry.iterdir()}


def test_a_complete_entry_of_a_read_only_store_is_used(read_only):
    store, close, _ = read_only
    entry = get_or_create(str(store), "key", make).path
    # As after a copy to other media.
    os.utime(Path(entry) / "config.json", ns=(1, 1))
    prepare = close()
    readers = [start_reading(store, prepare) for _ in range(3)]
    for process, _ in readers:
        process.join()
    assert [receiver.recv() for _, receiver in readers] == [entry] * 3


def test_a_missing_entry_of_a_read_only_store_is_named_before_anything_is_made(read_only):
    store, close, reason = read_only
    assert read_in_process(store, close()) == (
        f"store {store} is read-only ({reason}) and the checkpoint key (wanda-0.5 of a) is not in it: make it writable, or give"
        " store=FOLDER or store=off"
    )


def test_a_corrupt_entry_of_a_read_only_store_is_refused(read_only):
    store, close, reason = read_only
    (Path(get_or_create(str(store), "key", make).path) / "config.json").write_text("[]")
    message = read_in_process(store, close())
    assert message.startswith(
        f"store {store} is read-only ({reason}) and the checkpoint key (wanda-0.5 of a) is corrupt (config.json"
    )
    assert [path.name for path in store.glob("key*")] == ["key"]


def test_a_complete_entry_is_used_where_no_file_can_be_locked(tmp_path, monkeypatch):
    entry = get_or_create(str(tmp_path), "key", make).path

    def no_locks(path, **options):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock, "FileLock", no_locks)
    assert get_or_create(str(tmp_path), "key", fail).path == entry
    with pytest.raises(UserError, match=r"can't be used \(No locks available\) and the checkpoint other is not in it"):
        get_or_create(str(tmp_path), "other", fail)


def test_leftovers_of_another_user_do_not_hide_a_complete_entry(tmp_path, monkeypatch, caplog):
    entry = get_or_create(str(tmp_path), "key", make).path
    (tmp_path / ".work" / "key-0").mkdir()

    def not_yours(folder):
        raise PermissionError(errno.EACCES, "Permission denied", folder)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", not_yours)
        assert get_or_create(str(tmp_path), "key", fail).path == entry
    assert "key-0 can't be deleted (Permission denied)" in caplog.text


def test_a_user_without_a_home_folder_needs_no_store_for_the_dense_model(monkeypatch):
    def no_home(path):
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "LM_EVAL_ILLUSION_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert read_settings("none").pruner == "none"
    with pytest.raises(UserError, match=r"store ~/\.cache/.*the home folder is not known.*store=off"):
        get_or_create(read_settings("wanda").store, "key", fail)


def test_a_temporary_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"the temporary folder can't be used \(No such file or directory\): .*set TMPDIR"):
        get_or_create("off", "key", make)


@pytest.mark.parametrize("mask", [0o002, 0o000])
def test_a_new_store_is_usable_and_closed_to_others_whatever_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        entry = get_or_create(str(tmp_path / "new" / "store"), "key", make).path
        assert get_or_create(str(tmp_path / "new" / "store"), "key", fail).path == entry
    finally:
        os.umask(before)
    folders = (Path(entry), Path(entry).parent, Path(entry).parent / ".work")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o755] * 3


@pytest.mark.parametrize("folder", ["", ".work"])
@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_store_that_others_can_change_is_refused_even_for_a_complete_entry(tmp_path, folder, mode):
    get_or_create(str(tmp_path), "key", make)
    (tmp_path / folder).chmod(mode)
    with pytest.raises(UserError, match=f"run `chmod -R g-w,o-w {tmp_path}` .*or `chmod .t {tmp_path / folder}`"):
        get_or_create(str(tmp_path), "key", fail)
    (tmp_path / folder).chmod(mode | stat.S_ISVTX)
    get_or_create(str(tmp_path), "key", fail)


def test_a_work_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".work").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"store .* can't be used \(\.work is a symbolic link\)"):
        get_or_create(str(tmp_path / "store"), "key", make)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path.parents[1] / "precious")])
def test_a_planted_lock_file_neither_blocks_nor_damages_anything(tmp_path, plant):
    entry = get_or_create(str(tmp_path), "key", make).path
    (tmp_path / "precious").write_text("text")
    (tmp_path / ".work" / "key.lock").unlink()
    plant(tmp_path / ".work" / "key.lock")
    assert get_or_create(str(tmp_path), "key", fail).path == entry
    assert (tmp_path / "precious").read_text() == "text"


@pytest.mark.parametrize("plant", [os.mkfifo, Path.touch, lambda path: path.symlink_to(path.parents[1] / "precious")])
def test_a_planted_leftover_neither_blocks_nor_damages_anything(tmp_path, plant):
    entry = get_or_create(str(tmp_path), "key", make).path
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    plant(tmp_path / ".work" / "key-0")
    assert get_or_create(str(tmp_path), "key", fail).path == entry
    assert not os.path.lexists(tmp_path / ".work" / "key-0")
    assert (tmp_path / "precious" / "file").is_file()


def test_a_process_that_waits_says_so(tmp_path, monkeypatch, caplog):
    entry = get_or_create(str(tmp_path), "key", make).path
    monkeypatch.setattr(checkpoint_store, "WAIT_UNTIL_TOLD_S", 0.05)
    with (tmp_path / ".work" / "key.lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        threading.Timer(0.3, fcntl.flock, (other, fcntl.LOCK_UN)).start()
        assert get_or_create(str(tmp_path), "key", fail, name="wanda-0.5 of \x1b[2J").path == entry
    assert caplog.messages == [r"waiting for another process that makes the checkpoint key (wanda-0.5 of \x1b[2J)"]


def test_an_entry_is_only_looked_for(tmp_path):
    store = tmp_path / "store"
    assert find(str(store), "key") == find("off", "key") == "is not in it"
    assert not store.exists()
    made = get_or_create(str(store), "key", make)
    assert find(str(store), "key") == made
    assert find(str(store), "other") == "is not in it"
    before = sorted(store.rglob("*"))
    (store / "key" / "config.json").write_text("[]")
    assert find(str(store), "key") == "is corrupt (config.json is not the file that was written)"
    assert sorted(store.rglob("*")) == before


def test_who_looks_for_an_entry_waits_while_it_is_made(tmp_path):
    made = get_or_create(str(tmp_path / "other"), "key", make)
    get_or_create(str(tmp_path / "store"), "another key", make)
    with (tmp_path / "store" / ".work" / "key.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def finish():
            shutil.copytree(made.path, tmp_path / "store" / "key")
            fcntl.flock(other, fcntl.LOCK_UN)

        threading.Timer(0.3, finish).start()
        found = find(str(tmp_path / "store"), "key")
    assert not isinstance(found, str)
    assert found.manifest == made.manifest


def test_an_entry_that_appears_while_it_is_made_is_used(tmp_path):
    """As by a process that could not lock."""
    get_or_create(str(tmp_path / "other"), "key", make)

    def make_late(folder):
        shutil.copytree(tmp_path / "other" / "key", tmp_path / "store" / "key")
        (folder / "config.json").write_text("[]")
        return manifest()

    checkpoint = get_or_create(str(tmp_path / "store"), "key", make_late)
    assert (Path(checkpoint.path) / "model.safetensors").read_text() == CONTENT
    assert set(checkpoint.manifest.files) == {"model.safetensors", "config.json"}
    assert [path.name for path in (tmp_path / "store" / ".work").iterdir()] == ["key.lock"]


def test_a_long_name_is_cut_in_messages(tmp_path):
    (tmp_path / "store").symlink_to(tmp_path / "store")
    with pytest.raises(UserError) as error:
        get_or_create(str(tmp_path / "store"), "key", make, name="x" * 10_000)
    assert len(str(error.value)) < 600


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


def _make_as_nobody(store, key):
    become_an_ordinary_user(store)
    get_or_create(str(store), key, make)


@needs_root
def test_several_users_fill_a_store_with_the_sticky_bit(store, monkeypatch):
    store.chmod(0o1777)
    ours = get_or_create(str(store), "key", make).path
    assert stat.S_IMODE((store / ".work").stat().st_mode) == 0o1777
    # Another user finds the entry of root, and makes one whose lock file is root's.
    assert read_in_process(store, become_an_ordinary_user) == ours
    get_or_create(str(store), "other", make)
    shutil.rmtree(store / "other")
    process = multiprocessing.get_context("forkserver").Process(target=_make_as_nobody, args=(store, "other"))
    process.start()
    process.join()
    assert process.exitcode == 0
    with pytest.raises(
        UserError, match=r"the checkpoint other in store .* belongs to nobody, who is not trusted: set LM_EVAL_"
    ):
        get_or_create(str(store), "other", fail)
    monkeypatch.setenv("LM_EVAL_ILLUSION_TRUSTED_OWNERS", "nobody")
    assert get_or_create(str(store), "other", fail).path == str(store / "other")


@needs_root
def test_a_corrupt_entry_of_another_user_is_named_with_its_owner(store):
    store.chmod(0o1777)
    (Path(get_or_create(str(store), "key", make).path) / "config.json").write_text("[]")
    assert read_in_process(store, become_an_ordinary_user) == (
        f"the checkpoint key (wanda-0.5 of a) in store {store} is corrupt (config.json is not the file that was written) and can't be"
        f" set aside, because it belongs to root: ask this user to delete {store / 'key'}, or give store=FOLDER or store=off"
    )
