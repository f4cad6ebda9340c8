"""What a question asks for, as a number, a time or something else."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.numbers.asked_number import asked_number


@pytest.mark.parametrize(
    ("lang", "question", "asked"),
    [
        *[
            ("en", "How many are there?", "quantity"),
            ("en", "HOW OLD is the tree?", "quantity"),
            ("en", "When was it?", "time"),
        ],
        *[("en", "How does it work?", "other"), ("en", "Where is it?", "other"), ("en", "Whose is it?", "other")],
        # The first question word decides, not one in a clause behind it.
        *[("en", "Who ruled when the war began?", "other"), ("en", "When did he who ruled die?", "time")],
        # Beside "which" the nearest noun decides.
        *[("en", "In which year did it end?", "time"), ("en", "What was the population?", "quantity")],
        *[
            ("en", "Which author wrote it in the last year of the war?", "other"),
            ("en", "Which one won in the last long dry year?", ""),
        ],
        *[("en", "Which film was it?", "other"), ("en", "Which was it?", ""), ("en", "", "")],
        # Without a question word, the first noun decides.
        *[("en", "This number of states joined in that year.", "quantity"), ("en", "The year of the treaty.", "time")],
        *[("de", "Wen wählte man?", "other"), ("de", "Wie viele sind es?", "quantity"), ("de", "Wie geht es?", "other")],
        *[
            ("zh", "有多少人？", "quantity"),
            ("zh", "谁是女王？", "other"),
            ("zh", "什么时候？", "time"),
            ("zh", "是哪一年？", "time"),
        ],
    ],
)
def test_what_a_question_asks_for(lang, question, asked):
    assert asked_number(question, lang) == asked


def test_a_language_without_lists_says_nothing():
    assert asked_number("Zenbat dira?", "xx") == ""
