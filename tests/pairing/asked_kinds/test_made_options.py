"""The options that `pair` makes, judged by labels that were given without a look at its code."""

from collections import defaultdict

import pytest

from lm_eval_illusion.pairing import pair
from lm_eval_illusion.pairing.reading.questions import Question
from tests.pairing.asked_kinds.labels import fits, own_questions, shared_kinds
from tests.pairing.shared_questions import DATA, shared_questions


def kinds_of_answers(questions, kinds):
    """(language, answer) -> the kinds for which questions with this answer ask."""
    found = defaultdict(frozenset)
    for question in questions:
        found[question.lang, question.answer] |= kinds[question.id]
    return found


def share_that_fits(questions, kinds, items_of=None):
    """The share of wrong options of the asked kind, the mean over languages. A changed number has no question of its own and fits."""
    given = kinds_of_answers(questions, kinds)
    shares = []
    for lang, items in (items_of or pair(questions, "labelled").items).items():
        options = [(item, option) for item in items for option in item["choices"] if option != item["answer"]]
        fitting = [
            fits(kinds[item["id"]], given[lang, option]) if (lang, option) in given else True for item, option in options
        ]
        shares.append(sum(fitting) / len(fitting))
    return sum(shares) / len(shares)


def own(lang=""):
    rows = own_questions(lang)
    kinds = {row.id: frozenset({row.kind}) for row in rows}
    return [Question(row.id, row.lang, row.question, "", row.answer) for row in rows], kinds


def test_nine_of_ten_options_of_parallel_questions_are_of_the_asked_kind():
    """0.924 measured; 0.37 before questions were compared by what they ask for."""
    assert share_that_fits(*own()) >= 0.90


@pytest.mark.parametrize("lang", ["en", "de", "ru", "zh", "ar", "hi"])
def test_four_of_five_options_of_one_language_are_of_the_asked_kind(lang):
    """0.82 to 0.87 measured; 0.11 to 0.22 before. Twelve questions of a kind are few, and not all of them name it."""
    assert share_that_fits(*own(lang)) >= 0.81


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
@pytest.mark.parametrize(("family", "least"), [("mqa_illusion_xquad", 0.43), ("mqa_illusion_tydiqa", 0.79)])
def test_options_of_real_questions(family, least, paired):
    """XQuAD 0.45 (0.42 before), TyDi QA 0.81 (0.72 before). A third of XQuAD's questions have no three donors of their kind."""
    assert share_that_fits(shared_questions(family), shared_kinds(), paired(family).items) >= least
