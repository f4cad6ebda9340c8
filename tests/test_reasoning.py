"""Thoughts are removed from outputs."""

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
        ("Lyon: the prompt began this thought\n</think>\n\nParis", "Paris"),
        ("", ""),
    ],
)
def test_the_answer_is_the_text_after_the_last_thought(output, answer):
    assert without_thoughts(output) == answer


def test_a_thought_that_the_prompt_began_has_no_answer():
    assert answer_after_thoughts("Paris, I think", is_open=True) is None
