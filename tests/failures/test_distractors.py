"""Wrong options named in six scripts."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.distractors import names_distractor


@pytest.mark.parametrize(
    ("lang", "line", "distractors"),
    [
        ("en", "The currency is the US dollar.", ["Euro", "US Dollar"]),
        ("de", "Die Stadt liegt in Südafrika.", ["Sudan", "Südafrika"]),
        ("ru", "Это Италия.", ["Италия", "Польша"]),
        ("el", "Είναι η Κύπρος", ["Κύπρος"]),
        ("ar", "إنها العربية", ["العربية"]),
        ("hi", "यह चिली है", ["चिली"]),
        ("zh", "位于摩洛哥", ["摩洛哥"]),
        ("ko", "영어", ["영어", "아랍어"]),
    ],
)
def test_an_answer_that_names_a_wrong_option(lang, line, distractors):
    assert names_distractor(line, "?", distractors, lang)
    assert not names_distractor(line, "?", [], lang)


def test_an_option_of_the_question_must_be_the_whole_answer():
    question = "Which city is larger than Rome?"
    assert names_distractor("Rome", question, ["Rome"], "en")
    assert not names_distractor("A city larger than Rome is Oslo", question, ["Rome"], "en")
    assert not names_distractor("Romeo", question, ["Rome"], "en")
