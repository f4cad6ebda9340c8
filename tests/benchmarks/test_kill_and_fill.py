"""The checks of the benchmark of disasters find what they look for; the disasters themselves take too long for every change."""

from __future__ import annotations

import json
import os
import random
import sys
import time

import pytest

from benchmarks.kill_and_fill import Disaster, Folders, check, finish, kill
from benchmarks.whole_or_absent import faults, finished_files, leftovers
from tests.prepared_process import start_function, wait_until

# SHA-256 of "weights", by `printf weights | sha256sum`.
DIGEST = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"


@pytest.fixture
def folders(tmp_path):
    """A store and a sweep with one finished folder each."""
    folders = Folders(tmp_path)
    for folder, record in ((folders.store / "key", "manifest.json"), (folders.out / "cells" / "cell", "completed.json")):
        folder.mkdir(parents=True)
        (folder / "file").write_text("weights")
        (folder / record).write_text(json.dumps({"files": {"file": DIGEST}}))
    (folders.store / ".work").mkdir()
    folders.temporary.mkdir()
    return folders


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda folder: (folder / "file").write_text("other"), "differ from their hashes"),
        (lambda folder: (folder / "file").unlink(), "are only there or only listed"),
        (lambda folder: (folder / "more").touch(), "are only there or only listed"),
        (lambda folder: (folder / "manifest.json").unlink(), "can't be read"),
        (lambda folder: folder.rename(folder.with_name("key.corrupt-1")), "was set aside as corrupt"),
    ],
)
def test_damage_is_found(folders, damage, fault):
    assert faults(folders.store, folders.out) == []
    damage(folders.store / "key")
    (found,) = faults(folders.store, folders.out)
    assert fault in found


def test_a_finished_file_that_is_written_again_and_leftovers_are_found(folders):
    before, disaster = finished_files(folders.store, folders.out), Disaster("kill -9", "")
    assert len(before) == 4
    check(folders, before, disaster)
    assert disaster.problems == leftovers(folders.store, folders.out, folders.temporary) == []
    # The same content in a new file: the cell ran twice.
    file = folders.out / "cells" / "cell" / "file"
    file.rename(folders.root / "old")
    file.write_text("weights")
    check(folders, before, disaster)
    assert disaster.problems == [f"lost or changed: {file}"]
    for left in (
        folders.store / ".work" / "key-1",
        folders.out / ".unfinished" / "cell-1",
        folders.temporary / "lm-eval-illusion-1",
    ):
        left.mkdir(parents=True)
    assert len(leftovers(folders.store, folders.out, folders.temporary)) == 3


def write_and_end(text, code):
    sys.stderr.write(text)
    return code


def wait(started):
    os.setpgid(0, 0)
    started.touch()
    time.sleep(600)


@pytest.mark.slow
def test_how_a_command_ends_is_checked(tmp_path):
    cases = {
        ("lm-eval-illusion: error: x\n", 2): [],
        ("", 1): ["no message"],
        ("lm-eval-illusion: x\n", 3): ["exit code 3"],
        ("Traceback (most recent call last):\n", 1): ["a traceback", "no message of ours"],
    }
    for (text, code), problems in cases.items():
        disaster = Disaster("full disk", "")
        finish(start_function(write_and_end, text, code), disaster)
        assert [problem.partition(":")[0] for problem in disaster.problems] == problems
        assert disaster.codes == [code]
    process = start_function(wait, tmp_path / "started")
    wait_until((tmp_path / "started").exists, process)
    assert kill(process, random.Random(0)) in ("all processes", "the command")
    process.communicate()
    assert process.returncode == -9
