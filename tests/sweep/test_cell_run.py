"""A cell is recorded as done only with all its files, and nothing that stands in its place is lost."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep import cell_run
from lm_eval_illusion.sweep.cell_record import cell_folder, read_record
from lm_eval_illusion.sweep.cell_run import (
    CellResult,
    complete,
    evaluate_cell,
    failed_result,
    failure_file,
    log_file,
    output_to_log,
    record_failure,
    sweep_lock,
)
from lm_eval_illusion.sweep.grid import Cell, CellRequest, cells_of
from lm_eval_illusion.sweep.study import Study

CELL = Cell("a--dense--0", "a", "dense", CellRequest({}, [], 3, {}))
RESULTS = "below/results_2026-11-23T10-00-00.000000.json"
SAMPLES = "below/samples_task_2026-11-23T10-00-00.000000.jsonl"


def write(text):
    """A run that writes `text` as its results."""

    def run(folder):
        (folder / "below").mkdir()
        (folder / RESULTS).write_text(text)
        (folder / SAMPLES).write_text("{}\n")

    return run


def results_of(out):
    return (cell_folder(CELL, out) / RESULTS).read_text()


def test_a_done_cell_has_a_record_of_its_request_and_its_files(tmp_path):
    assert read_record(CELL, tmp_path) is None
    record = complete(CELL, tmp_path, write("x"))
    assert read_record(CELL, tmp_path) == record
    assert record.limit == 3
    assert list(record.files) == [RESULTS, SAMPLES]
    # A cell that is done is not run again, wherever it was finished.
    assert complete(CELL, tmp_path, lambda folder: pytest.fail("run again")) == record


def test_a_cell_is_evaluated_and_recorded_with_its_chat_template(tmp_path, monkeypatch):
    study = Study(pretrained="model", sparsity=0.5, apply_chat_template=True)
    cell, asked = cells_of(study)[0], {}

    def evaluate(model_args, tasks, folder, **settings):
        asked.update(settings)
        write("x")(folder)

    monkeypatch.setattr(cell_run, "evaluate", evaluate)
    monkeypatch.setattr(cell_run, "refuse_changed", lambda cell: None)
    complete(cell, tmp_path, lambda folder: evaluate_cell(cell, study, folder))
    assert asked["apply_chat_template"] is True
    assert read_record(cell, tmp_path).apply_chat_template is True
    # The same folder is not the record of a cell without the template.
    other = replace(cell, request=replace(cell.request, apply_chat_template=False))
    assert read_record(other, tmp_path) is None


@pytest.mark.parametrize("damage", [lambda path: path.write_text("y"), lambda path: path.unlink()])
def test_a_cell_with_a_changed_or_missing_file_is_run_again_and_its_old_folder_kept(tmp_path, damage):
    complete(CELL, tmp_path, write("x"))
    (cell_folder(CELL, tmp_path) / "notes.txt").write_text("of the user")
    damage(cell_folder(CELL, tmp_path) / RESULTS)
    assert read_record(CELL, tmp_path) is None
    complete(CELL, tmp_path, write("z"))
    assert results_of(tmp_path) == "z"
    for number in (1, 2):
        assert (tmp_path / "replaced" / f"{CELL.name}-{number}" / "notes.txt").read_text() == "of the user"
        (cell_folder(CELL, tmp_path) / "notes.txt").write_text("of the user")
        complete(CELL, tmp_path, write("z"))


def test_an_old_folder_that_cannot_be_moved_fails_before_the_run(tmp_path):
    cell_folder(CELL, tmp_path).mkdir(parents=True)
    (tmp_path / "replaced").write_text("a file in the place of the folder")
    with pytest.raises(OSError, match="replaced"):
        complete(CELL, tmp_path, lambda folder: pytest.fail("hours of work for nothing"))


def test_a_place_that_cannot_be_written_fails_before_the_run(tmp_path):
    (tmp_path / "cells").write_text("a file in the place of the folder")
    with pytest.raises(OSError, match="cells"):
        complete(CELL, tmp_path, lambda folder: pytest.fail("hours of work for nothing"))
    assert not list((tmp_path / ".unfinished").iterdir())


def test_what_a_killed_process_leaves_is_deleted_by_the_next_sweep(tmp_path):
    complete(CELL, tmp_path, write("x"))
    for left in (tmp_path / "cells" / ".a--dense--0-01234567", tmp_path / ".unfinished" / "a--dense--0-01234567"):
        left.mkdir()
    (tmp_path / "cells" / ".of-the-user").mkdir()
    (tmp_path / "cells" / ".of-the-user" / "file").touch()
    with sweep_lock(tmp_path):
        assert {path.name for path in (tmp_path / "cells").iterdir()} == {CELL.name, ".of-the-user"}
        assert not (tmp_path / ".unfinished").exists()


def test_a_failed_cell_leaves_no_files(tmp_path):
    def fail(folder):
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        complete(CELL, tmp_path, fail)
    assert read_record(CELL, tmp_path) is None
    assert not cell_folder(CELL, tmp_path).exists()
    # It may be what fills the disk.
    assert not list((tmp_path / ".unfinished").iterdir())
    with sweep_lock(tmp_path):
        assert not (tmp_path / ".unfinished").exists()


def test_the_first_of_two_concurrent_runs_to_finish_is_used(tmp_path):
    records = []

    def slower(folder):
        write("slower")(folder)
        # As on a cluster: a node seemed lost, and another ran the same cell.
        records.append(complete(CELL, tmp_path, write("faster")))

    assert [complete(CELL, tmp_path, slower)] == records == [read_record(CELL, tmp_path)]
    assert results_of(tmp_path) == "faster"
    assert not list((tmp_path / ".unfinished").iterdir())


def test_the_permissions_of_a_finished_cell_follow_the_umask(tmp_path):
    old = os.umask(0o022)
    try:
        complete(CELL, tmp_path, write("x"))
    finally:
        os.umask(old)
    assert cell_folder(CELL, tmp_path).stat().st_mode & 0o777 == 0o755


def test_one_sweep_at_a_time(tmp_path):
    with sweep_lock(tmp_path), pytest.raises(UserError, match="another sweep"), sweep_lock(tmp_path):
        pass


@pytest.mark.parametrize("name", ["a\0b", "x" * 10_000])
def test_an_impossible_folder_is_one_short_line(tmp_path, name):
    with pytest.raises(UserError, match="can't be written") as caught, sweep_lock(tmp_path / name):
        pass
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["cells", "failed", "logs", "replaced", ".unfinished"])
def test_a_link_in_place_of_a_folder_of_the_sweep_is_refused(tmp_path, name):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    for folder in (out, elsewhere):
        folder.mkdir()
    (elsewhere / f"{CELL.slot}.txt").write_text("of somebody")
    (out / name).symlink_to(elsewhere)
    with pytest.raises(UserError, match=f"{name} is a link or a file, not a folder: move the folder"), sweep_lock(out):
        pass
    assert [path.name for path in elsewhere.iterdir()] == [f"{CELL.slot}.txt"]


@pytest.mark.parametrize("put", [lambda log, other: log.symlink_to(other), lambda log, _: os.mkfifo(log)], ids=["link", "FIFO"])
def test_a_log_that_leads_elsewhere_is_not_written(tmp_path, put):
    log, other = log_file(CELL, tmp_path), tmp_path / "other"
    log.parent.mkdir()
    other.write_text("of somebody")
    put(log, other)
    # A FIFO would wait for a reader without end.
    with pytest.raises(OSError, match="no regular file"), output_to_log(log, 2):
        pass
    assert other.read_text() == "of somebody"


def test_the_reason_of_a_failure_is_one_safe_line_and_its_file_holds_everything(tmp_path):
    result = failed_result(CELL, ValueError("\x1b]52;c;Y3VybA==\a" + "x\n" * 300 + "\udcff"))
    assert result.reason.startswith("\\x1b]52;c;Y3VybA==\\x07x x x")
    assert len(result.reason) < 250
    other = tmp_path / "other"
    other.write_text("of somebody")
    failure_file(CELL, tmp_path).parent.mkdir()
    failure_file(CELL, tmp_path).symlink_to(other)
    record_failure(result, tmp_path)
    # A character that UTF-8 lacks is written as its escape.
    assert "x\n" * 300 + "\\udcff" in failure_file(CELL, tmp_path).read_text()
    assert other.read_text() == "of somebody"


def test_a_failure_that_cannot_be_recorded_is_shown(tmp_path, capsys):
    (tmp_path / "failed").write_text("a file in the place of the folder")
    record_failure(CellResult(CELL, None, "no memory", "details"), tmp_path)
    failure_file(CELL, tmp_path / "out").mkdir(parents=True)
    record_failure(CellResult(CELL, None, "no memory", "details"), tmp_path / "out")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" (and ")[0] for line in lines] == [f"lm-eval-illusion: {CELL.name}: no memory"] * 2
