"""A bar on a terminal, lines elsewhere, JSON where it was asked for."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from lm_eval_illusion.progress import ProgressEvent
from lm_eval_illusion.sweep.progress import CellFinished, seconds_left, shown, spoken

FIRST = CellFinished(1, 3, "model--dense--0", "done", 12.3, 25.0)
SECOND = CellFinished(2, 3, "model--wanda-0.5--0", "failed: [no] room", None, None)


def test_lines_where_there_is_no_terminal():
    file = io.StringIO()
    with shown(3, as_json=False, console=Console(file=file)) as show:
        show.at({"model--dense--0": ProgressEvent("loading")})
        show.ended(FIRST)
        show.ended(SECOND)
    assert file.getvalue().splitlines() == [
        "[1/3] model--dense--0: done (12 s), about 25 s left",
        "[2/3] model--wanda-0.5--0: failed: [no] room",
    ]


def test_json_lines_have_the_same_keys_as_ever(capsys):
    with shown(3, as_json=True) as show:
        show.ended(FIRST)
    assert json.loads(capsys.readouterr().out) == {
        "cell": "model--dense--0",
        "number": 1,
        "of": 3,
        "state": "done",
        "seconds": 12.3,
    }


def test_a_terminal_shows_cells_time_left_and_the_view_of_each_cell_that_runs():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=160, color_system=None)
    with shown(3, as_json=False, console=console) as show:
        show.ended(FIRST)
        show.at({"a": ProgressEvent("scoring", ("mc",), 4, 12), "b": ProgressEvent("pruning")})
    text = file.getvalue()
    assert "[1/3] model--dense--0: done (12 s)" in text
    last = text[text.rindex("1/3 ") :]
    assert "about 25 s left" in last
    assert "a: scoring mc 4/12; b: pruning" in last


def test_a_terminal_takes_no_markup_from_a_message():
    file = io.StringIO()
    with shown(3, as_json=False, console=Console(file=file, force_terminal=True, width=160)) as show:
        show.ended(SECOND)
    assert "failed: [no] room" in file.getvalue()


def test_time_left():
    # Two cells took 30 s together: 15 s each, and three are to run.
    assert seconds_left(3, 2, 30.0, [1.0]) == 45.0
    # None yet: as those before, (10 + 20) / 2 s each.
    assert seconds_left(3, 0, 30.0, [10.0, 20.0]) == 45.0
    assert seconds_left(3, 0, 30.0, []) is None


@pytest.mark.parametrize(("seconds", "said"), [(40.2, "about 40 s"), (420, "about 7 min"), (12600, "about 3.5 h"), (None, "")])
def test_time_in_words(seconds, said):
    assert spoken(seconds) == said
