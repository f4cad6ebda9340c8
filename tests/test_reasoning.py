"""A thought is no answer."""

from __future__ import annotations

import pytest

from lm_eval_illusion.reasoning import answer_after_thoughts, without_thoughts


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ("Paris", "Paris"),
        ("<think>\nLyon? Paris.\n</think>\n\nParis", "Paris"),
        ("\n<think>a</think><think>b</think> Paris", "Paris"),
        ("<think>\nParis, I think", ""),
        ("Lyon, so the thought was begun by the prompt\n</think>\n\nParis", "Paris"),
        ("", ""),
    ],
)
def test_what_is_said_after_thinking(output, answer):
    assert without_thoughts(output) == answer


def test_a_thought_that_the_prompt_began_is_no_answer():
    assert answer_after_thoughts("Paris, I think", is_open=True) is None
