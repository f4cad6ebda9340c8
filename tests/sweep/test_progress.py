"""How a sweep shows its cells: lines, JSON lines, and the step files in which workers tell their progress."""

from __future__ import annotations

import io
import json

from rich.console import Console

from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.grid import Cell, CellRequest
from lm_eval_illusion.sweep.progress import RunFinished, read_steps, step_file, sweep_display

FIRST = RunFinished(1, 3, "model--dense--0", "done", 12.3, 25.0)
SECOND = RunFinished(2, 3, "model--wanda-0.5--0", "failed: [no] memory", None, None)


def test_lines_without_a_terminal():
    file = io.StringIO()
    with sweep_display(3, as_json=False, console=Console(file=file)) as display:
        display.at({"model--dense--0": ProgressEvent("loading")})
        display.ended(FIRST)
        display.ended(SECOND)
    assert file.getvalue().splitlines() == [
        "[1/3] model--dense--0: done (12 s), about 25 s left",
        "[2/3] model--wanda-0.5--0: failed: [no] memory",
    ]


def test_a_json_line_has_these_keys(capsys):
    with sweep_display(3, as_json=True) as display:
        display.ended(FIRST)
    assert json.loads(capsys.readouterr().out) == {
        "cell": "model--dense--0",
        "number": 1,
        "of": 3,
        "state": "done",
        "seconds": 12.3,
    }


def test_a_terminal_shows_a_live_bar():
    file = io.StringIO()
    with sweep_display(
        3, as_json=False, console=Console(file=file, force_terminal=True, width=160, color_system=None)
    ) as display:
        display.ended(FIRST)
        display.at({"a": ProgressEvent("scoring", ("mc",), 4, 12), "b": ProgressEvent("pruning")})
    last = file.getvalue()[file.getvalue().rindex("1/3 ") :]
    assert "about 25 s left" in last
    assert "a: scoring 4/12 (mc); b: pruning" in last


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
