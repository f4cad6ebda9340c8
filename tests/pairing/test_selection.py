"""Selection: the first questions that have options and an example, and what takes the position of one that fails."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.answer_in_question import IN_QUESTION_REASON
from lm_eval_illusion.pairing.selection import ASKED_OTHERWISE_REASON, ChosenOptions, complete_offered, select

QUESTIONS = group_by_id([Question(str(n), "en", f"Who is number {n}?", "", f"Name{n}") for n in range(10)])
SHOT = {"en": Question("s", "en", "Who?", "", "Somebody")}


def as_options(*texts):
    return [{"en": text} for text in texts]


def selected(limit=None, *, strangers=frozenset(), failing=(), strict=False, options=None):
    calls = []

    def options_of(ids):
        calls.append(frozenset(ids))
        made = {question_id: as_options("Ada", "Bo", "Cy") for question_id in ids}
        return ChosenOptions(made | (options or {}), strangers and frozenset(strangers) & frozenset(ids))

    def shot_of(question, options):
        return "no example" if question.id in failing else SHOT

    return select(QUESTIONS, {"9": "known before"}, limit, options_of, shot_of, strict=strict), calls


def test_a_question_that_fails_is_dropped_and_the_next_one_takes_its_position():
    found, calls = selected(3, failing=("1", "3"))
    assert list(found.selection) == ["0", "2", "4"]
    assert found.dropped == {"9": "known before", "1": "no example", "3": "no example"}
    assert found.shots.keys() == found.selection.keys()
    # The options of all are chosen anew with each new question, because their surface cues are balanced together.
    assert calls == [{"0", "1", "2"}, {"0", "2", "3"}, {"0", "2", "4"}]


def test_the_example_is_chosen_beside_the_final_options():
    made = []

    def options_of(ids):
        made.append(len(made))
        return ChosenOptions({question_id: as_options(f"Ada{made[-1]}", "Bo", "Cy") for question_id in ids}, None)

    def shot_of(question, options):
        return "no example" if question.id == "0" else {"en": Question("s", "en", "Who?", "", f"not {options[0]['en']}")}

    found = select(QUESTIONS, {}, 2, options_of, shot_of)
    assert {found.options[question_id][0]["en"] for question_id in found.selection} == {"Ada1"}
    assert {shot["en"].answer for shot in found.shots.values()} == {"not Ada1"}


def test_without_a_limit_the_options_are_chosen_once():
    found, calls = selected(failing=("1", "3"))
    assert len(found.selection) == 7
    assert len(calls) == 1


@pytest.mark.parametrize("strict", [False, True])
def test_options_that_are_asked_otherwise(strict):
    found, _ = selected(3, strangers={"1", "8"}, strict=strict)
    assert list(found.selection) == (["0", "2", "3"] if strict else ["0", "1", "2"])
    assert found.asked_otherwise == (frozenset() if strict else {"1"})
    assert found.dropped == {"9": "known before"} | ({"1": ASKED_OTHERWISE_REASON} if strict else {})


def test_where_it_is_not_known_nothing_is_dropped():
    found, _ = selected(3, strangers=None, strict=True)
    assert (list(found.selection), found.asked_otherwise) == (["0", "1", "2"], None)


def test_less_than_three_options_beside_an_offered_one():
    found, _ = selected(1, options={"0": as_options("Ada", "Bo")})
    assert (list(found.selection), found.dropped["0"]) == (["1"], IN_QUESTION_REASON)


def test_offered_options_come_first_and_the_others_complete_them():
    questions = {question.id: question for question in QUESTIONS}
    chosen = {"0": as_options("Ada", "Bo", "Cy"), "1": as_options("Ada", "Bo", "Cy"), "2": as_options("Ada", "Bonnie", "Bo B.")}
    offered = {"0": as_options("Dirk"), "2": as_options("Bo")}
    assert complete_offered(chosen, offered, questions) == {
        "0": as_options("Dirk", "Ada", "Bo"),
        "1": as_options("Ada", "Bo", "Cy"),
        # Bonnie and Bo B. contain Bo.
        "2": as_options("Bo", "Ada"),
    }
