"""Which number of an answer is changed, and the rank of the true value among the options."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lm_eval_illusion.pairing.numbers.distractors import NumberDistractors
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.surface_cues import count_characters


def options_of(*questions):
    parallel = [ParallelQuestion(question.id, {question.lang: question}, "number") for question in questions]
    numbers = NumberDistractors(parallel, right_answers(questions))
    characters = count_characters(question.answers for question in parallel)
    chosen = numbers.options([question.id for question in questions], characters, random.Random(0))
    return {one_id: [option[questions[0].lang] for option in options] for one_id, options in chosen.items()}


@pytest.mark.parametrize(("alias", "stays"), [("2 July", "1992"), ("1992", "2 July")])
def test_if_an_alias_is_one_of_two_numbers_that_number_is_changed(alias, stays):
    answer = "2 July 1992"
    options = options_of(Question("a", "en", "When?", "", answer, (alias,)))["a"]
    assert len(options) == 3
    assert all(stays in option and alias not in option for option in options)


def test_the_true_value_has_every_rank_equally_often():
    questions = [Question(f"{n}", "en", f"How many in {n}?", "", str(300 + 7 * n)) for n in range(40)]
    options = options_of(*questions)
    ranks = Counter(sum(int(option) < int(question.answer) for option in options[question.id]) for question in questions)
    assert max(ranks.values()) - min(ranks[rank] for rank in range(4)) <= 1


def test_numbers_of_the_passage_are_preferred():
    question = Question("a", "en", "How many?", "There are 41 ducks, 52 geese and 63 swans.", "52", ())
    assert {"41", "63"} <= set(options_of(question)["a"])
