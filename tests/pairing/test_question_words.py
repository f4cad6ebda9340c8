"""Which words tell what a question asks for: learnt, not listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, group_by_id
from lm_eval_illusion.pairing.question_file import read_questions
from lm_eval_illusion.pairing.question_words import QuestionWords
from lm_eval_illusion.pairing.questions import Question

XQUAD = Path(__file__).parents[3] / "shared" / "data" / "xquad.jsonl"


def bundle(one_id, question, kind, lang="en"):
    return ParallelQuestion(one_id, {lang: Question(one_id, lang, question, "", "x")}, kind)


@pytest.mark.skipif(not XQUAD.exists(), reason="needs the shared data")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", {"who", "when", "how"}),
        ("de", {"wie", "wann"}),
        ("ru", {"кто", "когда", "сколько"}),
        ("zh", {"多少"}),
        ("tr", {"kaç"}),
    ],
)
def test_question_words_are_found(lang, words):
    bundles = group_by_id(question for question in read_questions(XQUAD).questions if question.lang == lang)
    asked = QuestionWords(bundles)
    assert words <= set().union(*(asked.telling(one, lang) for one in bundles))


def test_how_many_is_nearer_to_how_many_than_to_who():
    bundles = [bundle(f"n{n}", f"How many are in place {n}?", "number") for n in range(9)]
    bundles += [bundle(f"w{n}", f"Who is in place {n}?", "name") for n in range(9)]
    asked = QuestionWords(bundles)
    assert asked.difference(bundles[0], bundles[1], ["en"]) == 0
    assert asked.difference(bundles[0], bundles[9], ["en"]) > 0.9


def test_questions_of_one_type_tell_nothing():
    bundles = [bundle(str(n), question, "city") for n, question in enumerate(["Who?", "When?", "Where?"] * 4)]
    assert QuestionWords(bundles).difference(bundles[0], bundles[1], ["en"]) == 0
