"""Where the answer of a line ends and the next question of a base model begins."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching.text.next_question import end_of_answer


@pytest.mark.parametrize(
    ("answer", "rest", "lang"),
    [
        ("Oslo ", "Question: What is the capital of Sweden? Answer: Stockholm", "en"),
        ("Oslo. ", "**Question 2:** And of Sweden?", "en"),
        # The first question is the line's own.
        ("Q: What is the capital of Norway? A: Oslo ", "Q: And of Sweden? A: Stockholm", "en"),
        ("Context: Norway is in Europe. Question: What is its capital? Answer: Oslo ", "Question: x?", "en"),
        ("奥斯陆。", "问题：瑞典的首都是什么？", "zh"),
        ("Oslo ", "Frage: Was ist die Hauptstadt von Schweden?", "de"),
        # No next question: only its own, without a label of an answer; a word as any other.
        ("Question: What is the capital of Norway? Oslo", "", "en"),
        ("This is the question: Oslo", "", "en"),
        ("Oslo: Q, Bergen", "", "en"),
    ],
)
def test_end_of_answer(answer: str, rest: str, lang: str) -> None:
    assert end_of_answer(answer + rest, lang) == len(answer)
