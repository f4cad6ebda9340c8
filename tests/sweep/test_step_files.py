"""Step files: a worker writes its current step, the sweep reads and shows it."""

from __future__ import annotations

from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.grid import Cell, CellRequest
from lm_eval_illusion.sweep.progress import read_steps, step_file

CELLS = [Cell(name, "a", "dense", CellRequest({}, [], None, {})) for name in ("one", "two")]


def test_the_step_of_a_running_cell_is_read_and_removed_after_it(tmp_path):
    assert read_steps(CELLS, tmp_path) == {}
    with step_file(CELLS[1], tmp_path) as write:
        write(ProgressEvent("scoring", ("mc",), 3, 7))
        assert read_steps(CELLS, tmp_path) == {"two": ProgressEvent("scoring", ("mc",), 3, 7)}
        # Within a second of the last write, only a new step is written.
        write(ProgressEvent("scoring", ("mc",), 4, 7))
        write(ProgressEvent("answering", ("gen",), 0, 2))
        assert read_steps(CELLS, tmp_path) == {"two": ProgressEvent("answering", ("gen",), 0, 2)}
    assert read_steps(CELLS, tmp_path) == {}


def test_an_incomplete_step_file_is_ignored(tmp_path):
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / "one.step").write_text('["scoring", ["m')
    assert read_steps(CELLS, tmp_path) == {}
