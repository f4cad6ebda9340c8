"""How a sweep shows its cells: lines, JSON lines, and the step files in which workers tell their progress."""

from __future__ import annotations

import io
import json
import os

import pytest
from rich.console import Console

from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.grid import Cell, CellRequest
from lm_eval_illusion.sweep.progress import RunFinished, read_steps, showing_warnings, step_file, sweep_display

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


WARNING = ProgressEvent("loading", warning="no template\x1b[2J")


def test_a_warning_is_shown_once_whichever_cells_have_it(capsys):
    with sweep_display(3, as_json=True) as display:
        showing = showing_warnings(display)
        showing.at({"a": WARNING})
        showing.at({"a": ProgressEvent("scoring"), "b": WARNING})
        showing.ended(FIRST)
    out, errors = capsys.readouterr()
    # Standard output stays JSON lines.
    assert json.loads(out)["cell"] == FIRST.name
    assert errors == "lm-eval-illusion: no template\\x1b[2J\n"


def test_on_a_terminal_a_warning_stands_above_the_bar():
    file = io.StringIO()
    terminal = Console(file=file, force_terminal=True, width=40, color_system=None)
    with sweep_display(3, as_json=False, console=terminal) as display:
        showing_warnings(display).at({"a": ProgressEvent("loading", warning="long " * 20 + "[end]")})
    # One line also where it is longer than the terminal is wide, and no markup.
    assert "long " * 20 + "[end]\n" in file.getvalue()


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
        # The reader may look at any moment: a warning is written at once, and stays in what follows.
        write(ProgressEvent("answering", warning="no template"))
        write(ProgressEvent("scoring", ("mc",), 1, 2))
        assert read_steps(CELLS, tmp_path) == {"two": ProgressEvent("scoring", ("mc",), 1, 2, "no template")}
    assert read_steps(CELLS, tmp_path) == {}


@pytest.mark.parametrize(
    "text",
    [
        '["scoring", ["m',
        "[" * 60_000,
        '["scoring"]',
        '{"doing": "scoring"}',
        '["scoring", ["mc"], 0, "12", ""]',
        f'["scoring", ["mc"], 0, {"9" * 400}, ""]',
        f'["{"x" * 10_000}", [], 0, 0, ""]',
        f'["scoring", [], 0, 0, "{"x" * 10_000}"]',
        f'["scoring", {[1] * 100_000}, 0, 0, ""]',
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
    ids=[
        "incomplete",
        "deep",
        "short",
        "of no list",
        "text as number",
        "long number",
        "long name",
        "long warning",
        "huge",
        "not UTF-8",
    ],
)
def test_a_step_file_that_no_worker_wrote_is_ignored(tmp_path, text):
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / "one.step").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert read_steps(CELLS, tmp_path) == {}


def test_a_fifo_or_a_link_in_place_of_a_step_file_does_no_harm(tmp_path):
    (tmp_path / ".unfinished").mkdir()
    os.mkfifo(tmp_path / ".unfinished" / "one.step")
    other = tmp_path / "other"
    other.write_text("of somebody")
    (tmp_path / ".unfinished" / "two.step").symlink_to(other)
    # Somebody may know the number of the process.
    (tmp_path / ".unfinished" / f"two.step-{os.getpid()}").symlink_to(other)
    assert read_steps(CELLS, tmp_path) == {}
    with step_file(CELLS[1], tmp_path) as write:
        write(ProgressEvent("scoring"))
        assert read_steps(CELLS, tmp_path) == {"two": ProgressEvent("scoring")}
    assert other.read_text() == "of somebody"
    assert sorted(path.name for path in (tmp_path / ".unfinished").iterdir()) == ["one.step", f"two.step-{os.getpid()}"]
