"""Steps on their way from a worker to the sweep that shows them."""

from __future__ import annotations

from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.grid import Cell, CellRequest
from lm_eval_illusion.sweep.progress import read_steps, step_file

CELLS = [Cell(name, "a", "dense", CellRequest({}, [], None, {})) for name in ("one", "two")]


def test_what_runs_is_read_and_gone_with_the_cell(tmp_path):
    assert read_steps(CELLS, tmp_path) == {}
    with step_file(CELLS[1], tmp_path) as watcher:
        watcher(ProgressEvent("scoring", ("mc",), 3, 7))
        assert read_steps(CELLS, tmp_path) == {"two": ProgressEvent("scoring", ("mc",), 3, 7)}
        # Within a second of the last only another step is written.
        watcher(ProgressEvent("scoring", ("mc",), 4, 7))
        watcher(ProgressEvent("answering", ("gen",), 0, 2))
        assert read_steps(CELLS, tmp_path) == {"two": ProgressEvent("answering", ("gen",), 0, 2)}
    assert read_steps(CELLS, tmp_path) == {}


def test_a_file_that_is_being_written_is_passed_over(tmp_path):
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / "one.step").write_text('["scoring", ["m')
    assert read_steps(CELLS, tmp_path) == {}
