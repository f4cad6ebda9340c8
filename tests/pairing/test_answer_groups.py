"""Groups of answers: related topics together, three donors each, and short rows completed from the pool."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lm_eval_illusion.pairing import answer_groups
from lm_eval_illusion.pairing.answer_groups import fill_from_pool, group_answers
from lm_eval_illusion.pairing.assignment import FORBIDDEN
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.surface_cues import count_characters

NAMES = "Ada Bo Cyd Dirk Eve Fay Gus Hal".split()


def parallel(name, langs=("en",), topic="", kind="name"):
    return ParallelQuestion(
        name, {lang: Question(name, lang, f"Who is {name}?", "", name, topic=topic) for lang in langs}, kind
    )


def costs_by(cost):
    """The costs of many donors, each by itself. `cost`: (donor, question) -> cost."""
    return lambda questions, donors: [np.array([cost(donor, question) for donor in donors]) for question in questions]


no_cost = costs_by(lambda donor, question: FORBIDDEN if donor.id == question.id else 0.0)


def test_questions_of_other_types_or_languages_are_in_other_groups():
    questions = [parallel("Ada"), parallel("Bo", kind="phrase"), parallel("Cyd", ("de", "en")), parallel("Dirk")]
    groups = group_answers(questions, no_cost, seed=0)
    assert sorted([question.id for question in group.questions] for group in groups) == [["Ada", "Dirk"], ["Bo"], ["Cyd"]]


def test_a_large_group_is_split_with_topics_together(monkeypatch):
    monkeypatch.setattr(answer_groups, "MAX_GROUP_SIZE", 4)
    groups = group_answers([parallel(name, topic="ab"[n % 2]) for n, name in enumerate(NAMES)], no_cost, seed=0)
    assert [{question.topic for question in group.questions} for group in groups] == [{"a"}, {"b"}]


def test_every_answer_is_an_option_three_times():
    (group,) = group_answers([parallel(name) for name in NAMES], no_cost, seed=0)
    options = group.options()
    assert Counter(option["en"] for question_options in options for option in question_options) == dict.fromkeys(NAMES, 3)
    characters = count_characters(question.answers for question in group.questions)
    balanced = group.balanced_options(NAMES, characters)
    assert Counter(option["en"] for question_options in balanced.values() for option in question_options) == dict.fromkeys(
        NAMES, 3
    )
    assert group.options() == options, "balancing does not change the group"


@pytest.mark.parametrize("answers", ["Ada Bo Cyd", "Ada Bo Cyd ADA bo"])
def test_three_different_answers_are_too_few(answers):
    (group,) = group_answers([parallel(name) for name in answers.split()], no_cost, seed=0)
    assert group.options() == [[] for _ in answers.split()]


def test_answers_that_contain_each_other_are_not_options_of_one_question():
    (group,) = group_answers([parallel(name) for name in [*NAMES, "Dirk Eve"]], no_cost, seed=0)
    for options in group.options():
        texts = {option["en"] for option in options}
        assert not ("Dirk Eve" in texts and texts & {"Dirk", "Eve"})


def filled(question, options, pool, cost=no_cost):
    answer_key = right_answers(
        translation for parallel_question in [question, *pool] for translation in parallel_question.by_lang.values()
    )
    (completed,) = fill_from_pool([(question, options)], pool, cost, answer_key).values()
    return [option["en"] for option in completed]


def test_the_cheapest_answers_of_the_pool_complete_the_options():
    pool = [parallel(name) for name in NAMES[1:]]
    assert filled(parallel("Ada"), [{"en": "Zoe"}], pool, costs_by(lambda donor, _: -NAMES.index(donor.id))) == [
        "Zoe",
        "Hal",
        "Gus",
    ]


def test_donors_have_the_type_and_at_least_the_languages_of_the_question():
    pool = [parallel("Bo", ("de", "en")), parallel("Cyd", ("de",)), parallel("Dirk", kind="phrase")]
    assert filled(parallel("Ada"), [], pool) == ["Bo"]


def test_forbidden_and_overlapping_answers_are_left_out():
    pool = [parallel(name) for name in ["Bo", "Bob", "Ada May", "Cyd"]]
    assert filled(parallel("Ada"), [], pool, costs_by(lambda donor, _: FORBIDDEN if donor.id == "Cyd" else 0.0)) == ["Bo"]
