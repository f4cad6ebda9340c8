"""Examples: enough for every language, few ids spent, and nothing given away."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.one_shot import choose_shot, hold_out
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.questions import Question


def bundle(one_id, langs=("en",), answer="Ada", context="", aliases=()):
    by_lang = {lang: Question(one_id, lang, f"Who is {one_id}?", context, answer, tuple(aliases)) for lang in langs}
    return ParallelQuestion(one_id, by_lang, "name")


@given(st.lists(st.sets(st.sampled_from("en de es zh".split()), min_size=1), min_size=1, max_size=150))
def test_every_language_has_examples(sets):
    bundles = [bundle(str(n), sorted(langs)) for n, langs in enumerate(sets)]
    shots, rest = hold_out(bundles)
    sizes = Counter(lang for langs in sets for lang in langs)
    held = Counter(lang for shot in shots for lang in shot.languages)
    assert all(held[lang] >= min(4, max(1, size // 50)) for lang, size in sizes.items())
    assert sorted(one.id for one in [*shots, *rest]) == sorted(one.id for one in bundles)


def test_few_ids_are_spent_where_many_sets_of_languages_differ():
    every = "ar de el en es hi ro ru th tr vi zh".split()
    bundles = [bundle(str(n), every[: n % 12] + every[n % 12 + 1 :] if n % 3 else every) for n in range(200)]
    shots, _ = hold_out(bundles)
    assert len(shots) == 4
    assert all(len(shot.languages) >= 11 for shot in shots)


def chosen(item, options, shots):
    known = right_answers([question for one in [item, *shots] for question in one.by_lang.values()])
    return choose_shot(item, [dict.fromkeys(item.by_lang, option) for option in options], shots, known)


def test_an_example_is_about_another_passage():
    item = bundle("a", context="The passage.")
    same, other = bundle("b", answer="Bo", context="The passage."), bundle("c", answer="Cy", context="Another.")
    assert chosen(item, ["Di"], [same, other]) == other.by_lang
    assert chosen(item, ["Di"], [same]) == "every held-out example is about the same passage"


@pytest.mark.parametrize(("said", "options"), [("Ada", ["Bo"]), ("the ADA!", ["Bo"]), ("Bo", ["Bo"])])
def test_an_example_says_no_option_and_no_answer(said, options):
    assert "is one of its options" in chosen(bundle("a"), options, [bundle("b", answer=said)])


def test_an_example_that_holds_the_answer_is_taken_where_there_is_no_other():
    near, far = bundle("b", answer="Ada Lovelace"), bundle("c", answer="Cy")
    assert chosen(bundle("a"), ["Bo"], [near]) == near.by_lang
    assert chosen(bundle("a"), ["Bo"], [near, far]) == far.by_lang


def test_languages_without_a_common_example_get_their_own():
    item, english, german = bundle("a", ("de", "en")), bundle("b", ("en",), "Bo"), bundle("c", ("de",), "Cy")
    shot = chosen(item, ["Di"], [english, german])
    assert {lang: question.answer for lang, question in shot.items()} == {"de": "Cy", "en": "Bo"}
