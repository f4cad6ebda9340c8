"""What another person may have put into a sweep's folder: only what the sweep wrote for this request counts as done."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace

import pytest

from lm_eval_illusion.sweep.cell_record import RECORD, cell_folder, earlier_record, fault_of, read_record
from lm_eval_illusion.sweep.cell_run import complete
from lm_eval_illusion.sweep.grid import Cell, CellRequest

REQUEST = CellRequest({"pretrained": "a", "sparsity": 0.5}, ["task"], 3, {"items": "x"}, {"model a": "1"})
CELL = Cell("a--wanda--0", "a", "wanda", REQUEST)
RESULTS = "m/results_2026-11-23T10-00-00.000000.json"
SAMPLES = "m/samples_task_2026-11-23T10-00-00.000000.jsonl"


@pytest.fixture
def folder(tmp_path):
    """The folder of a finished cell, in the sweep's folder `tmp_path`."""

    def run(unfinished):
        (unfinished / "m").mkdir()
        (unfinished / RESULTS).write_text("{}")
        (unfinished / SAMPLES).write_text("{}\n")

    complete(CELL, tmp_path, run)
    assert fault_of(CELL, tmp_path) == ""
    return cell_folder(CELL, tmp_path)


def edit(folder, **fields):
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps({**record, **fields}))


def replace_record(text):
    return lambda folder: (folder / RECORD).write_bytes(text)


def fifo(folder):
    (folder / RECORD).unlink()
    os.mkfifo(folder / RECORD)


def link_to(name):
    def link(folder):
        (folder / name).rename(folder / "elsewhere")
        (folder / name).symlink_to(folder / "elsewhere")

    return link


def list_a_file_outside(name):
    # The SHA-256 of no bytes: an empty file outside, or /dev/null, would fit.
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    def write(folder):
        (folder.parent.parent / "outside").touch()
        record = json.loads((folder / RECORD).read_text())
        edit(folder, files={**record["files"], name: empty})

    return write


def forge(folder):
    """A second run in the folder, with a record that fits."""
    files = {}
    for name in (RESULTS, SAMPLES):
        (folder / "n" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "n" / name).write_bytes((folder / name).read_bytes())
        files |= dict.fromkeys((name, f"n/{name}"), json.loads((folder / RECORD).read_text())["files"][name])
    edit(folder, files=files)


def only_results(folder):
    (folder / SAMPLES).unlink()
    edit(folder, files={RESULTS: hashlib.sha256(b"{}").hexdigest()})


FAULTS = {
    "empty": (replace_record(b""), "is not JSON"),
    "no record": (lambda folder: (folder / RECORD).unlink(), "No such file"),
    "a FIFO": (fifo, "it is a FIFO"),
    "a folder": (lambda folder: ((folder / RECORD).unlink(), (folder / RECORD).mkdir()), "it is a folder"),
    "nested too deep": (replace_record(b'{"cell": ' + b"[" * 200_000), "is nested too deep"),
    "not UTF-8": (replace_record(b'{"cell": "\xff"}'), "is not UTF-8"),
    "a list": (replace_record(b"[]"), "is not the record of a cell"),
    "huge": (replace_record(b" " * (16 << 20) + b"{}"), "it has more than 16,777,216 bytes"),
    "a wrong type": (lambda folder: edit(folder, files=[RESULTS]), "`$.files`"),
    "a number of another type": (lambda folder: edit(folder, seconds="1"), "`$.seconds`"),
    "endless": (lambda folder: edit(folder, seconds=float("inf")), "has another seconds than this cell"),
    "no duration": (lambda folder: edit(folder, seconds=float("nan")), "has another seconds"),
    "negative": (lambda folder: edit(folder, seconds=-1), "has another seconds"),
    "other arguments": (lambda folder: edit(folder, model_args={"pretrained": "b"}), "has another model_args than this cell"),
    "other tasks and limit": (lambda folder: edit(folder, tasks=[], limit=None), "has another tasks, limit than this cell"),
    "other items": (lambda folder: edit(folder, metadata={}), "has another metadata"),
    "other inputs": (lambda folder: edit(folder, inputs={"model a": "2"}), "has another inputs"),
    "of another cell": (lambda folder: edit(folder, cell="\ud800\x1b[2J"), "has another cell"),
    "no files": (lambda folder: edit(folder, files={}), "holds m/results_2026"),
    "a file outside": (list_a_file_outside("../../outside"), "lacks ../../outside"),
    "a device": (list_a_file_outside("/dev/null"), "lacks /dev/null"),
    "a second results file": (
        lambda folder: (folder / "m" / "results_2026-11-24T10-00-00.000000.json").write_text("{}"),
        "which the sweep did not write",
    ),
    "an escape sequence": (lambda folder: (folder / "\x1b[2J").touch(), "holds \\x1b[2J, which the sweep did not write"),
    "a second run with its record": (forge, "does not hold one results file with samples"),
    "only results": (only_results, "does not hold one results file with samples"),
    "changed": (lambda folder: (folder / RESULTS).write_text("{} "), "is not the file that the sweep wrote"),
    "a linked results file": (link_to(RESULTS), "is a link"),
    "a linked record": (link_to(RECORD), "is a link"),
    "a linked folder": (lambda folder: (folder / "n").symlink_to(folder), "is a link"),
    "a linked cell": (lambda folder: folder.symlink_to(folder.rename(folder.parent.parent / "elsewhere")), "is no folder"),
    "a loop": (lambda folder: (folder.rename(folder.parent.parent / "x"), folder.symlink_to(folder)), "is no folder"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_that_is_not_what_the_sweep_wrote_is_not_done_for_a_reason_in_one_line(tmp_path, folder, fault):
    damage, reason = FAULTS[fault]
    damage(folder)
    assert read_record(CELL, tmp_path) is None
    told = fault_of(CELL, tmp_path)
    assert reason in told
    assert told.endswith(f"; its folder is moved to {tmp_path / 'replaced'}")
    assert told.isprintable()
    assert len(told) < 600
    # No record of that place leads to an error, either.
    earlier_record(CELL, tmp_path)


def test_a_record_is_compared_as_json(tmp_path, folder):
    # A study file may give a tuple for a list, or .nan, which is not equal to itself.
    for arguments in ({"pretrained": "a", "sparsity": 0.5, "x": [1, 2]}, {"pretrained": "a", "x": float("nan")}):
        cell = replace(CELL, request=replace(REQUEST, model_args=arguments))
        edit(folder, cell=cell.name, model_args=arguments)
        assert fault_of(cell, tmp_path) == ""
    assert read_record(CELL, tmp_path) is None


def test_the_verdicts_of_a_judge_are_no_fault(tmp_path, folder):
    # A cell that is judged must not be evaluated again.
    (folder / "m" / "judge_gpt-4o-mini.jsonl").write_text("{}\n")
    (folder / "m" / ".judge_gpt-4o-mini.jsonl.lock").touch()
    assert fault_of(CELL, tmp_path) == ""


def test_a_run_that_was_judged_again_is_no_fault(tmp_path, folder):
    for name in (RESULTS, SAMPLES):
        made = (folder / name).parent / "rescored_v12" / (folder / name).name
        made.parent.mkdir(exist_ok=True)
        made.write_text("{}")
    assert fault_of(CELL, tmp_path) == ""
    (folder / "m" / "rescored").mkdir()
    (folder / "m" / "rescored" / "results_x.json").write_text("{}")
    assert "which the sweep did not write" in fault_of(CELL, tmp_path)


def test_files_of_a_file_manager_are_no_fault(tmp_path, folder):
    names = (
        ".DS_Store",
        "m/Thumbs.db",
        ".nfs000000000a1b",
        "._results_x.json",
        ".ipynb_checkpoints/a",
        "@eaDir/b",
        "desktop.ini",
    )
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert fault_of(CELL, tmp_path) == ""


@pytest.mark.parametrize("name", [".x_2026-01-01T00-00-00.000000.json", "m/.hidden.jsonl", ".hidden/results_x.json"])
def test_a_hidden_file_that_a_report_could_read_is_a_fault(tmp_path, folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    assert "which the sweep did not write" in fault_of(CELL, tmp_path)


def test_the_newest_record_with_other_inputs_is_the_earlier_one(tmp_path, folder):
    assert earlier_record(CELL, tmp_path) is None
    changed = replace(CELL, request=replace(REQUEST, inputs={"model a": "2"}))
    assert earlier_record(changed, tmp_path) == read_record(CELL, tmp_path)
    (folder / RECORD).write_text("[" * 100_000)
    assert earlier_record(changed, tmp_path) is None
