"""The plan of distractors: what is planned can be chosen, and questions beside numbers of another format are dropped, the worst first."""

from __future__ import annotations

from collections import Counter

import pytest

from lm_eval_illusion.pairing.distractors import plan_distractors
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question

NAMES = "Ada Bo Cyd Dirk Eve Fay Gus Hal".split()


def plan_of(questions, seed=0):
    return plan_distractors(group_by_id(questions), right_answers(questions), seed)


def name_questions():
    return [Question(name, "en", f"Who is number {n}?", "", name, answer_type="name") for n, name in enumerate(NAMES)]


def test_every_planned_question_gets_three_distractors_that_are_answers_of_others():
    plan = plan_of(name_questions())
    assert plan.ids == set(NAMES)
    for question_id, options in plan.choose(NAMES).items():
        texts = [option["en"] for option in options]
        assert len(set(texts)) == 3
        assert set(texts) <= set(NAMES) - {question_id}


def test_only_the_ids_that_become_items_are_chosen():
    assert plan_of(name_questions()).choose(NAMES[:5]).keys() == set(NAMES[:5])


def test_a_question_whose_group_is_too_small_is_completed_from_more_languages():
    german = [Question(q.id, "de", q.question, "", q.answer, answer_type="name") for q in name_questions()]
    alone = Question("Ida", "en", "Who is last?", "", "Ida", answer_type="name")
    plan = plan_of([*name_questions(), *german, alone])
    (options,) = plan.choose(["Ida"]).values()
    assert len({option["en"] for option in options}) == 3
    assert "Ida" not in plan.choose(NAMES)


def asking(texts_and_answers):
    """A plan for (question, answer) in English."""
    return plan_of([Question(str(n), "en", text, "", answer) for n, (text, answer) in enumerate(texts_and_answers)])


FRUITS = [
    (f"Which fruit grows in {place}?", fruit)
    for place, fruit in zip("Peru Iran Oman Cuba".split(), ("Mango", "Peach", "Guava", "Lemon"), strict=True)
]
PAINTERS = [
    (f"Who painted {work}?", name)
    for work, name in zip("Spring Dawn Dusk Rain".split(), ("Degas", "Goya", "Klimt", "Renoir"), strict=True)
]


def test_options_of_the_asked_kind_are_taken_and_strangers_are_named():
    plan = asking([*FRUITS, *PAINTERS])
    options = plan.choose(plan.ids)
    fruits = {answer for _, answer in FRUITS}
    assert all(({option["en"] for option in options[str(n)]} < fruits) is (n < 4) for n in range(8))
    assert plan.asked_otherwise(options) == frozenset()
    # A fruit less: the others must take a painter, and nobody else is named.
    fewer = asking([*FRUITS[:3], *PAINTERS])
    assert fewer.asked_otherwise(fewer.choose(fewer.ids)) == {"0", "1", "2"}
    assert fewer.asked_otherwise(fewer.choose(["3", "4"])) == frozenset()


def test_changed_numbers_are_always_of_the_asked_kind():
    plan = asking([("How many are here?", "200"), ("When was it?", "1999"), ("How far is it?", "300 km")])
    options = plan.choose(plan.ids)
    assert options.keys() == {"0", "1", "2"}
    assert plan.asked_otherwise(options) == frozenset()


def test_each_answer_is_used_about_three_times_in_the_file():
    plan = plan_of(name_questions())
    uses = Counter(option["en"] for three in plan.choose(NAMES).values() for option in three)
    # The exchange for surface cues may move a use from one answer to another.
    assert uses.keys() == set(NAMES)
    assert set(uses.values()) <= {2, 3, 4}


def test_the_file_of_a_part_is_balanced_by_itself():
    plan = plan_of(name_questions())
    uses = Counter(option["en"] for three in plan.choose(NAMES[:5]).values() for option in three)
    # Answers that are right in the file are used rather than the three that are not.
    assert sum(uses[name] for name in NAMES[:5]) > sum(uses[name] for name in NAMES[5:])


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_questions_does_not_matter(order):
    questions = [Question(str(n), "en", text, "", answer) for n, (text, answer) in enumerate([*FRUITS, *PAINTERS])]
    plan = plan_distractors(group_by_id(questions[::order]), right_answers(questions), 5)
    assert plan.choose(plan.ids) == plan_of(questions, 5).choose(plan.ids)


def test_a_number_gets_changed_values():
    questions = [Question(str(n), "en", f"How many are in {n}?", "", f"{n}00", answer_type="number") for n in range(2, 9)]
    plan = plan_of(questions)
    assert plan.ids == plan.numbers.ids == {question.id for question in questions}
    assert all(len({option["en"] for option in options}) == 3 for options in plan.choose(plan.ids).values())


def test_too_few_answers_give_no_distractors():
    assert plan_of(name_questions()[:3]).ids == frozenset()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_number_that_cannot_be_changed_gets_only_numbers_of_its_format(seed):
    # Shortened ranges of years can't be changed, so they get the answers of others. No other answer is written like 1978/1993.
    answers = ["1939-45", "1946-52", "1953-61", "1962-77", "1978/1993"]
    questions = [Question(str(n), "en", f"What is it in {n}?", "", a, answer_type="number") for n, a in enumerate(answers)]
    plan = plan_of(questions, seed)
    assert plan.numbers.ids == frozenset()
    assert plan.ids == {"0", "1", "2", "3"}
    assert {option["en"] for options in plan.choose(plan.ids).values() for option in options} == set(answers[:4])


def test_the_same_format_has_nearly_as_many_digits():
    # Quantities with a conversion can't be changed. 52 may stand beside 7 and 340, but not beside 2922.
    answers = ["52 km (32 mi)", "61 km (38 mi)", "7 km (4 mi)", "340 km (211 mi)", "2922 km (1816 mi)"]
    questions = [Question(str(n), "en", f"How long is river {n}?", "", a) for n, a in enumerate(answers)]
    plan = plan_of(questions)
    assert plan.ids == {"0", "1"}
    assert {option["en"] for option in plan.choose(plan.ids)["0"]} == set(answers[1:4])


def test_the_format_is_the_same_in_every_language():
    # In German, the last one alone has a sign at its end.
    english, german = ["1/2", "3/4", "2/3", "4/5"], ["1/2", "3/4", "2/3", "4/5 %"]
    questions = [
        Question(str(n), lang, f"? {n}", "", answer, answer_type="number")
        for lang, answers in (("en", english), ("de", german))
        for n, answer in enumerate(answers)
    ]
    assert plan_of(questions).ids == frozenset()
    assert plan_of(questions[:4]).ids == {"0", "1", "2", "3"}
