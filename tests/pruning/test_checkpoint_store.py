"""The store: entries are made once, complete or absent, verified, and made again if corrupt."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pruning.checkpoint_store import get_or_create, key_of, verify
from lm_eval_illusion.pruning.manifest import Manifest

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
        (folder / f"piece-{piece}").write_text(CONTENT)
        time.sleep(0.005)
    return manifest()


def create_slowly(store: str) -> None:
    get_or_create(store, "key", slow_make)


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
