"""The line that tells of prompts which do not fit into the window."""

from __future__ import annotations

import logging

from lm_eval_illusion.models.cut_prompts import warn_of_cut_prompts


def test_each_prompt_that_does_not_fit_counts_once(caplog):
    caplog.set_level(logging.WARNING)
    # Prompts of 3, 5 and 9 tokens with options of 1 and 2, in a window of 6.
    sequences = [([7] * length, options) for length in (3, 5, 9) for options in (1, 2)]
    warn_of_cut_prompts(sequences, 6, "give more")
    assert [record.message for record in caplog.records] == [
        "2 prompts are cut to fit into the window (6 tokens; the longest prompt has 9): the model does not read all of them, such as the"
        " beginning of a passage; give more"
    ]


def test_prompts_that_just_fit_are_not_cut(caplog):
    caplog.set_level(logging.WARNING)
    warn_of_cut_prompts([([7] * 5, 1), ([7] * 4, 2), ([], 6)], 6, "give more")
    assert not caplog.records
