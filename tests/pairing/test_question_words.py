"""Question words are learnt from the questions and their answer types."""

from __future__ import annotations

from pathlib import Path

import pytest

from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, group_by_id
from lm_eval_illusion.pairing.question_words import QuestionWords
from lm_eval_illusion.pairing.reading.question_file import read_questions
from lm_eval_illusion.pairing.reading.questions import Question

XQUAD = Path(__file__).parents[3] / "shared" / "data" / "xquad.jsonl"


def question(one_id, text, kind, lang="en"):
    return ParallelQuestion(one_id, {lang: Question(one_id, lang, text, "", "x")}, kind)


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
    questions = group_by_id(question for question in read_questions(XQUAD).questions if question.lang == lang)
    question_words = QuestionWords(questions)
    assert words <= set().union(*(question_words.in_question(question, lang) for question in questions))


def test_questions_with_the_same_question_words_do_not_differ():
    questions = [question(f"n{n}", f"How many are in place {n}?", "number") for n in range(9)]
    questions += [question(f"w{n}", f"Who is in place {n}?", "name") for n in range(9)]
    question_words = QuestionWords(questions)
    assert question_words.difference(questions[0], questions[1], ["en"]) == 0
    assert question_words.difference(questions[0], questions[9], ["en"]) > 0.9


def test_no_question_words_are_learnt_from_one_answer_type():
    questions = [question(str(n), text, "city") for n, text in enumerate(["Who?", "When?", "Where?"] * 4)]
    assert QuestionWords(questions).difference(questions[0], questions[1], ["en"]) == 0
