"""The candidates of each question: who may be a donor, the rules in every language, and the work for many questions."""

from __future__ import annotations

import numpy as np
import pytest

from lm_eval_illusion.pairing.asked.kinds import AskedKinds
from lm_eval_illusion.pairing.donors import candidate_lists as module
from lm_eval_illusion.pairing.donors.candidate_lists import find_candidates
from lm_eval_illusion.pairing.option_rules import is_valid_distractor, right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, as_option
from lm_eval_illusion.pairing.reading.questions import Question

NAMES = "Ada Bo Cyd Dirk Eve Fay Gus Hal".split()


def parallel(name, langs=("en",), given="", form="name", text="Who is {}?", answer=""):
    by_lang = {lang: Question(name, lang, text.format(name), "", answer or name) for lang in langs}
    return ParallelQuestion(name, by_lang, given, form)


def lists_of(questions, report=None, seed=0):
    answer_key = right_answers(translation for question in questions for translation in question.by_lang.values())
    return find_candidates(questions, [True] * len(questions), AskedKinds(questions), answer_key, seed, report)


def donors_of(questions, **options):
    """Question id -> the ids of its candidates."""
    lists = lists_of(questions, **options)
    return {
        questions[row].id: [questions[donor].id for donor in donors[:count]]
        for row, donors, count in zip(lists.rows.tolist(), lists.donors.tolist(), lists.counts.tolist(), strict=True)
    }


def test_of_few_questions_all_are_candidates():
    assert {key: set(donors) for key, donors in donors_of([parallel(name) for name in NAMES]).items()} == {
        name: set(NAMES) - {name} for name in NAMES
    }


def test_donors_have_the_given_type_and_at_least_the_languages():
    questions = [
        *(parallel("Ada"), parallel("Bo", given="person"), parallel("Cyd", ("de", "en")), parallel("Dirk", form="phrase")),
        *(parallel("Eve", ("de",)), parallel("Fay", ("de", "en"), given="person")),
    ]
    donors = {key: set(found) for key, found in donors_of(questions).items()}
    # A name and a phrase may stand beside each other.
    assert donors == {
        "Ada": {"Cyd", "Dirk"},
        "Bo": {"Fay"},
        "Cyd": set(),
        "Dirk": {"Ada", "Cyd"},
        "Eve": {"Cyd"},
        "Fay": set(),
    }


def test_numbers_stand_beside_numbers_and_dates_only():
    forms = {"1": "number", "8": "date", "Ada": "name", "7": "number", "a thing": "phrase"}
    donors = donors_of([parallel(answer, form=form) for answer, form in forms.items()])
    assert set(donors["8"]) == {"7"} | ({"1"} & set(donors["8"]))
    assert set(donors["Ada"]) == {"a thing"}


def test_the_cheapest_candidate_comes_first():
    questions = [
        *(
            parallel("a", text="Which fruit grows in {}?", answer="Mango"),
            parallel("b", text="Which fruit grows in {}?", answer="Peach"),
        ),
        *(parallel("c", text="Who painted {}?", answer="Goya"), parallel("d", text="Who painted {}?", answer="Miro")),
    ]
    lists = lists_of(questions)
    assert donors_of(questions)["a"][0] == "b"
    assert lists.alike[0].tolist()[:3] == [True, False, False]
    assert (np.diff(lists.costs[0, :3]) > 0).all()
    assert np.isinf(lists.costs[0, 3:]).all()


@pytest.fixture(scope="module")
def many():
    """700 questions in one or two languages, with repeated answers, answers that contain others, and questions that name them."""
    rng = np.random.RandomState(0)
    words = [f"{a}{b}{c}o" for a in "bdfgkl" for b in "aeiou" for c in "mnprst"]
    questions = []
    for number in range(700):
        answer = " ".join(rng.choice(words, rng.randint(1, 3))).title()
        text = f"Which {rng.choice(words)} has {rng.choice(words)} {number}?"
        langs = ("de", "en") if number % 3 else ("en",)
        by_lang = {
            lang: Question(f"q{number:04}", lang, text, "", answer if lang == "en" else answer[::-1].title()) for lang in langs
        }
        questions.append(ParallelQuestion(f"q{number:04}", by_lang, "", "name"))
    return questions


def test_no_candidate_breaks_a_rule(many):
    answer_key = right_answers(translation for question in many for translation in question.by_lang.values())
    lists = lists_of(many)
    assert (lists.counts >= 20).all()
    for row, donors, count in list(zip(lists.rows.tolist(), lists.donors.tolist(), lists.counts.tolist(), strict=True))[::50]:
        question, options = many[row], [as_option(many[donor], many[row]) for donor in donors[:count]]
        assert None not in options
        for index, option in enumerate(options[:20]):
            assert is_valid_distractor(option, question, answer_key, options[:index])
            for lang, text in option.items():
                assert 1 / 4 <= len(text) / len(question.answers[lang]) <= 4


def test_the_candidates_do_not_depend_on_how_questions_are_cut_into_parts(many, monkeypatch):
    lists = lists_of(many)
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 333)
    again = lists_of(many)
    assert (lists.donors == again.donors).all()
    assert (lists.costs == again.costs).all()


def test_another_seed_gives_another_order_of_equally_good_donors(many):
    assert (lists_of(many).donors != lists_of(many, seed=1).donors).mean() > 0.1


def test_progress_is_reported_to_the_end(many):
    calls = []
    lists_of(many[:600], report=lambda *call: calls.append(call))
    assert calls[-1] == ("finding options", 600, 600)


def test_a_question_that_finds_too_few_looks_among_all_different_answers():
    # 500 questions of one text have 250 times the same two answers; three others share nothing with them.
    same = [parallel(f"s{n:03}", text=f"Where is place {n}?", answer=("Oslo", "Rome")[n % 2]) for n in range(500)]
    others = [parallel(f"t{n}", text=f"Quel roi {n}?", answer=name) for n, name in enumerate(("Paul", "Jean", "Marc"))]
    lists = lists_of([*same, *others])
    # Five different answers, so the rules allow four for each question.
    assert set(lists.counts.tolist()) <= {3, 4}


def test_the_pairs_that_are_rated_grow_with_the_questions_not_with_their_square(monkeypatch):
    # Questions of one pattern share all their words.
    rated = []
    original = module.PairCosts.rate
    monkeypatch.setattr(module.PairCosts, "rate", lambda self, q, d: rated.append(len(q)) or original(self, q, d))
    answers = [f"{a}{b}{c}{d}" for a in "Bdfgk" for b in "aeiou" for c in "lmnprst" for d in ("an", "er", "ix", "os")]
    totals = []
    for count in (1000, 3000):
        rated.clear()
        lists = lists_of([parallel(str(n), text="What is the capital of X{}?", answer=answers[n % 700]) for n in range(count)])
        assert (lists.counts >= 3).all()
        totals.append(sum(rated))
    assert totals[1] <= 3.3 * totals[0]
    assert totals[1] <= 3000 * (module.BUDGET + 1)
