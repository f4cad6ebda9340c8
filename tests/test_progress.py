"""Progress events, and the display of several runs: a live bar on a terminal, lines elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lm_eval_illusion.progress import (
    ProgressEvent,
    RunFinished,
    duration_in_words,
    for_tasks,
    notify,
    progress,
    progress_display,
    report_step,
    seconds_left,
    view_of,
)

FIRST = RunFinished(1, 3, "dense", "done", 12.3, 25.0)
SECOND = RunFinished(2, 3, "wanda-0.5", "failed: [no] memory", None, None)


@pytest.mark.parametrize(
    ("task", "view"),
    [
        ("mqa_illusion_fi_gen", "gen"),
        ("mqa_illusion_fi_mc_letters", "mc_letters"),
        ("mqa_illusion_xquad_closed_zh_candidates_without_gold", "candidates_without_gold"),
        ("arc_challenge", "arc_challenge"),
    ],
)
def test_the_view_of_a_task(task, view):
    assert view_of(task) == view


def test_a_listener_receives_events_with_views_and_counts():
    events = []
    with notify(events.append):
        report_step("loading")
        tasks = ["mqa_illusion_en_gen", "mqa_illusion_fi_gen", None, "mqa_illusion_fi_beam"]
        with for_tasks(tasks), progress("answering", 7, "Running", disable=False) as count:
            count(3)
            count(4)
    assert [str(event) for event in events] == [
        "loading",
        *(f"answering {done}/7 (gen, beam)" for done in (0, 3, 7)),
    ]
    assert events[-1] == ProgressEvent("answering", ("gen", "beam"), 7, 7)


def test_without_a_listener_there_is_a_bar(capsys):
    report_step("loading")
    with progress("scoring", 2, "Running loglikelihood requests", disable=False) as count:
        count(2)
    assert "Running loglikelihood requests: 100%" in capsys.readouterr().err
    with progress("scoring", 2, "Running loglikelihood requests", disable=True) as count:
        count(2)
    assert capsys.readouterr() == ("", "")


def on_terminal(width):
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)


def test_without_a_terminal_each_finished_run_is_one_line():
    file = io.StringIO()
    with progress_display(3, Console(file=file)) as display:
        display.at({"dense": ProgressEvent("loading")})
        display.ended(FIRST)
        display.ended(SECOND)
    assert file.getvalue().splitlines() == [
        "[1/3] dense: done (12 s), about 25 s left",
        "[2/3] wanda-0.5: failed: [no] memory",
    ]


def test_a_terminal_shows_the_count_of_runs_the_time_left_and_the_event_of_each_run():
    console = on_terminal(160)
    with progress_display(3, console) as display:
        display.ended(FIRST)
        display.at({"a": ProgressEvent("scoring", ("mc",), 4, 12), "b": ProgressEvent("pruning")})
    text = console.file.getvalue()
    assert "[1/3] dense: done (12 s)" in text
    last = text[text.rindex("1/3 ") :]
    assert "about 25 s left" in last
    assert "a: scoring 4/12 (mc); b: pruning" in last


def test_a_narrow_terminal_cuts_the_views_and_nothing_else():
    console = on_terminal(80)
    with progress_display(3, console) as display:
        display.ended(FIRST)
        display.at({"wanda-0.6": ProgressEvent("answering", ("gen", "beam", "sample", "oneshot", "candidates"), 160, 1026)})
    text = console.file.getvalue()
    last = text[text.rindex("1/3 ") :].splitlines()[0]
    assert last.startswith("1/3 ━━━━━━")
    assert len(last) <= 80
    assert "about 25 s left wanda-0.6: answering 160/1026" in last


def test_the_display_reads_no_markup_in_names_and_errors():
    console = on_terminal(160)
    with progress_display(3, console) as display:
        display.ended(SECOND)
        display.at({"[bold]": ProgressEvent("loading")})
    assert "failed: [no] memory" in console.file.getvalue()
    assert "[bold]: loading" in console.file.getvalue()


def test_time_left():
    # Two runs took 30 s together: 15 s each, and three are to run.
    assert seconds_left(3, 2, 30.0, [1.0]) == 45.0
    # No run finished here: the mean of the earlier durations, (10 + 20) / 2 s.
    assert seconds_left(3, 0, 30.0, [10.0, 20.0]) == 45.0
    assert seconds_left(3, 0, 30.0, []) is None


@pytest.mark.parametrize(("seconds", "words"), [(40.2, "about 40 s"), (420, "about 7 min"), (12600, "about 3.5 h"), (None, "")])
def test_time_in_words(seconds, words):
    assert duration_in_words(seconds) == words


def test_names_and_reasons_are_safe_for_a_terminal_and_not_endless():
    evil = "a\x1b[2J\u202e\n"
    run = RunFinished(1, 3, evil, f"failed: \x9b2J{'x' * 10_000}", None, None)
    for console in (on_terminal(160), Console(file=io.StringIO())):
        with progress_display(3, console) as display:
            display.at({evil: ProgressEvent("scoring", (evil,))})
            display.ended(run)
        text = console.file.getvalue()
        # A terminal breaks a long line.
        lines = " ".join(text.split())
        assert r"[1/3] a\x1b[2J\u202e\n: failed:" in lines
        assert r"\x9b2Jxxx" in lines
        assert not {"\x9b", "\u202e"} & set(text)
        # The live bar itself erases its line by this sequence with another number.
        assert "\x1b[2J" not in text
        assert text.count("x") < 700
