"""One-shot examples: enough for every language, few questions used up, and no answer revealed."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.hub_datasets import XQUAD_LANGUAGES
from lm_eval_illusion.pairing.one_shot import choose_shot, hold_out_shots
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, group_by_id
from lm_eval_illusion.pairing.reading.questions import Question


def parallel(question_id, langs=("en",), answer="Ada", context="", aliases=()):
    by_lang = {lang: Question(question_id, lang, f"Who is {question_id}?", context, answer, tuple(aliases)) for lang in langs}
    return ParallelQuestion(question_id, by_lang, "", "name")


@given(st.lists(st.sets(st.sampled_from("en de es zh".split()), min_size=1), min_size=1, max_size=150))
def test_every_language_has_examples(sets):
    questions = [parallel(str(n), sorted(langs)) for n, langs in enumerate(sets)]
    shots = hold_out_shots(questions)
    sizes = Counter(lang for langs in sets for lang in langs)
    held_out = Counter(lang for shot in shots for lang in shot.languages)
    assert all(held_out[lang] >= min(4, max(1, size // 50)) for lang, size in sizes.items())
    assert len({shot.id for shot in shots} & {question.id for question in questions}) == len(shots)


def test_few_questions_are_held_out_where_many_sets_of_languages_differ():
    every, count = XQUAD_LANGUAGES, len(XQUAD_LANGUAGES)
    without_one = [every[:n] + every[n + 1 :] for n in range(count)]
    questions = [parallel(str(n), without_one[n % count] if n % 3 else every) for n in range(200)]
    shots = hold_out_shots(questions)
    assert len(shots) == 4
    assert all(len(shot.languages) >= count - 1 for shot in shots)


def chosen(item, options, shots):
    answer_key = right_answers([translation for question in [item, *shots] for translation in question.by_lang.values()])
    return choose_shot(item, [dict.fromkeys(item.by_lang, option) for option in options], shots, answer_key)


def test_an_example_is_about_another_passage():
    item = parallel("a", context="The passage.")
    same, other = parallel("b", answer="Bo", context="The passage."), parallel("c", answer="Cy", context="Another.")
    assert chosen(item, ["Di"], [same, other]) == other.by_lang
    assert chosen(item, ["Di"], [same]) == "every held-out example is about the same passage"


@pytest.mark.parametrize(("answer", "options"), [("Ada", ["Bo"]), ("the ADA!", ["Bo"]), ("Bo", ["Bo"])])
def test_the_answer_of_an_example_is_no_option_and_no_right_answer(answer, options):
    assert "is one of its options" in chosen(parallel("a"), options, [parallel("b", answer=answer)])


def test_an_example_that_contains_the_answer_is_used_only_where_there_is_no_other():
    near, far = parallel("b", answer="Ada Lovelace"), parallel("c", answer="Cy")
    assert chosen(parallel("a"), ["Bo"], [near]) == near.by_lang
    assert chosen(parallel("a"), ["Bo"], [near, far]) == far.by_lang


def test_languages_without_a_common_example_get_separate_ones():
    item, english, german = parallel("a", ("de", "en")), parallel("b", ("en",), "Bo"), parallel("c", ("de",), "Cy")
    shot = chosen(item, ["Di"], [english, german])
    assert {lang: question.answer for lang, question in shot.items()} == {"de": "Cy", "en": "Bo"}


def test_an_answer_that_is_a_given_choice_of_others_is_no_rare_one():
    # Each answer is right once. "Bo" is a choice of all, and an item with it can't have the example "Bo".
    answers = ["Bo", *[f"Name {n}" for n in range(24)]]
    questions = [
        Question(f"{n:03}", "en", f"Who is {n}?", "", answer, choices=(answer, "Bo" if n else "No", f"x {n}", f"y {n}"))
        for n, answer in enumerate(answers)
    ]
    shots = hold_out_shots([group_by_id([question])[0] for question in questions])
    assert [shot.id for shot in shots] == ["001"]
    # Where all answers are choices of others, the second example is for the items whose options have the first one.
    ring = [
        Question(
            f"{n:03}", "en", f"Who is {n}?", "", f"Name {n}", choices=tuple(f"Name {(n + step) % 24}" for step in range(4))
        )
        for n in range(24)
    ]
    assert len(hold_out_shots([group_by_id([question])[0] for question in ring])) == 2


def held_out(*rows):
    """The ids that are held out of questions, each given as (answer, context, question), in the order of their ids."""
    by_id = [
        group_by_id([Question(f"{n:03}", "en", text or f"Who is {n}?", context, answer)])[0]
        for n, (answer, context, text) in enumerate(rows)
    ]
    return [int(shot.id) for shot in hold_out_shots(by_id)]


def plain(answer, count=1):
    return [(answer, "", "")] * count


def test_examples_have_rare_and_different_answers():
    # 200 questions need four examples; two thirds have one of two answers, and each of the rare ones is right once.
    rows = [*plain("Whig", 70), *plain("Tory", 70), *((f"Name{n}x", "", "") for n in range(60))]
    assert all(number >= 140 for number in held_out(*rows))
    # With no more than three different answers, an answer is repeated only after each of them had its turn.
    rows = [*plain("Whig", 230), *plain("Tory", 240), *plain("Labour", 220)]
    answers = [rows[number][0] for number in held_out(*rows)]
    assert len(answers) == 4
    assert answers[0] == "Labour"
    assert set(answers[:3]) == {"Whig", "Tory", "Labour"}


def test_an_answer_that_contains_that_of_another_example_is_not_different():
    rows = [*plain("Ada"), *plain("Ada Lovelace"), *plain("Bo Derek"), *plain("Mass", 98)]
    assert held_out(*rows) == [0, 2]


def test_examples_are_about_different_passages_and_short():
    same, other = "The passage.", "Another one."
    rows = [("Ada", same, ""), ("Bo", same, ""), ("Cy", other, ""), *[("Mass", same, "")] * 97]
    assert held_out(*rows) == [0, 2]
    rows = [("Ada", "", "Who? " * 70), ("Bo" * 40, "", ""), ("Cy", "x" * 2_001, ""), *plain("Dirk"), *plain("Mass", 46)]
    assert held_out(*rows) == [3]


def test_numbers_become_examples_only_beside_names():
    # A changed number may equal the answer of an example that is a number.
    rows = [*plain("17"), *plain("18"), *plain("Ada"), *((f"Name{n}x", "", "") for n in range(97))]
    assert held_out(*rows) == [2, 0]


def test_few_questions_have_a_second_example_where_the_first_may_be_an_option():
    names = [(f"Name{n}x", "", "") for n in range(40)]
    assert len(held_out(*names)) == 1
    assert len(held_out(*plain("17", 20), *plain("18", 20))) == 2
    assert len(held_out(*plain("Whig", 20), *plain("Tory", 20))) == 2
    assert len(held_out(*plain("Whig", 9), *plain("Tory", 9))) == 1


def test_unfit_questions_become_examples_only_where_there_are_no_others():
    questions = [parallel("a", answer="Ada"), parallel("b", answer="Bo"), parallel("c", ("fi",), "Cy")]
    assert [shot.id for shot in hold_out_shots(questions, unfit={"a", "c"})] == ["b", "c"]


def test_examples_of_many_questions_are_found_quickly():
    questions = [parallel(str(n), answer=f"Name{n % 3_000}") for n in range(10_000)]
    hold_out_shots(questions[:10])
    before = time.process_time()
    assert len(hold_out_shots(questions)) == 4
    # 0.4 s on an idle machine.
    assert time.process_time() - before < 8
