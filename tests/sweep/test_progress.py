"""How a sweep shows its cells: as tests/test_progress.py tests it, or as JSON lines."""

from __future__ import annotations

import io
import json

from rich.console import Console

from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.progress import RunFinished, sweep_display

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
