"""The stand-in for the similarity of questions."""

from __future__ import annotations

from lm_eval_illusion.pairing.asked.kinds import AskedKinds
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.questions import Question


def test_shared_rare_words_make_questions_alike():
    texts = ["Which fruit is red?", "Which fruit is green?", "Who wrote Faust?", "Who wrote Emma?"]
    questions = group_by_id([Question(str(n), "en", text, "", "x") for n, text in enumerate(texts)])
    kinds = AskedKinds(questions)
    assert kinds.asked_alike(questions[0], questions[1])
    assert not kinds.asked_alike(questions[0], questions[2])
