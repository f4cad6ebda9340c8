"""What whoever watches an evaluation is told."""

from __future__ import annotations

import pytest

from lm_eval_illusion.progress import ProgressEvent, asking, progress, step, view_of, watched


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


def test_steps_are_told_with_their_views_and_counts():
    told = []
    with watched(told.append):
        step("loading")
        tasks = ["mqa_illusion_en_gen", "mqa_illusion_fi_gen", None, "mqa_illusion_fi_beam"]
        with asking(tasks), progress("answering", 7, "Running", disable=False) as count:
            count(3)
            count(4)
    assert [str(one) for one in told] == [
        "loading",
        *(f"answering gen, beam {done}/7" for done in (0, 3, 7)),
    ]
    assert told[-1] == ProgressEvent("answering", ("gen", "beam"), 7, 7)


def test_where_nobody_watches_there_is_a_bar(capsys):
    step("loading")
    with progress("scoring", 2, "Running loglikelihood requests", disable=False) as count:
        count(2)
    assert "Running loglikelihood requests: 100%" in capsys.readouterr().err
    with progress("scoring", 2, "Running loglikelihood requests", disable=True) as count:
        count(2)
    assert capsys.readouterr() == ("", "")
