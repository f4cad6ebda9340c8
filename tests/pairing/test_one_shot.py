"""One-shot examples: enough for every language, few questions used up, and no answer revealed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.hub_datasets import XQUAD_LANGUAGES
from lm_eval_illusion.pairing.one_shot import choose_shot, hold_out_shots
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question


def parallel(question_id, langs=("en",), answer="Ada", context="", aliases=()):
    by_lang = {lang: Question(question_id, lang, f"Who is {question_id}?", context, answer, tuple(aliases)) for lang in langs}
    return ParallelQuestion(question_id, by_lang, "name")


@given(st.lists(st.sets(st.sampled_from("en de es zh".split()), min_size=1), min_size=1, max_size=150))
def test_every_language_has_examples(sets):
    questions = [parallel(str(n), sorted(langs)) for n, langs in enumerate(sets)]
    shots, rest = hold_out_shots(questions)
    sizes = Counter(lang for langs in sets for lang in langs)
    held_out = Counter(lang for shot in shots for lang in shot.languages)
    assert all(held_out[lang] >= min(4, max(1, size // 50)) for lang, size in sizes.items())
    assert sorted(question.id for question in [*shots, *rest]) == sorted(question.id for question in questions)


def test_few_questions_are_held_out_where_many_sets_of_languages_differ():
    every, count = XQUAD_LANGUAGES, len(XQUAD_LANGUAGES)
    without_one = [every[:n] + every[n + 1 :] for n in range(count)]
    questions = [parallel(str(n), without_one[n % count] if n % 3 else every) for n in range(200)]
    shots, _ = hold_out_shots(questions)
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
