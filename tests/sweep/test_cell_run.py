"""A cell is recorded as done only with all its files."""

from __future__ import annotations

import os

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.sweep.cell_run import cell_folder, complete, read_record, sweep_lock
from lm_eval_illusion.sweep.grid import Cell, CellRequest

CELL = Cell("a--dense--0", "a", "dense", CellRequest({}, [], 3, {}))


def write(text):
    def run(folder):
        (folder / "below").mkdir()
        (folder / "below" / "results.json").write_text(text)

    return run


def test_a_done_cell_has_a_record_of_its_request_and_its_files(tmp_path):
    assert read_record(CELL, tmp_path) is None
    record = complete(CELL, tmp_path, write("x"))
    assert read_record(CELL, tmp_path) == record
    assert record.limit == 3
    assert list(record.files) == ["below/results.json"]


@pytest.mark.parametrize("damage", [lambda path: path.write_text("y"), lambda path: path.unlink()])
def test_a_cell_with_a_changed_or_missing_file_is_run_again(tmp_path, damage):
    complete(CELL, tmp_path, write("x"))
    damage(cell_folder(CELL, tmp_path) / "below" / "results.json")
    assert read_record(CELL, tmp_path) is None
    complete(CELL, tmp_path, write("z"))
    assert (cell_folder(CELL, tmp_path) / "below" / "results.json").read_text() == "z"


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
    assert (cell_folder(CELL, tmp_path) / "below" / "results.json").read_text() == "faster"
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
