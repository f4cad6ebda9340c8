"""Every language gets its first ids, however unevenly the ids are translated."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, first_of_each_language
from lm_eval_illusion.pairing.questions import Question

language_sets = st.lists(st.sets(st.sampled_from("en de es zh".split()), min_size=1), max_size=40)


def bundles_in(sets):
    return [
        ParallelQuestion(str(n), {lang: Question(str(n), lang, "Who?", "", "Ada") for lang in sorted(langs)}, "name")
        for n, langs in enumerate(sets)
    ]


@given(language_sets, st.integers(1, 12))
def test_every_language_gets_as_many_as_it_can(sets, limit):
    asked = Counter(lang for langs in first_of_each_language(bundles_in(sets), limit).values() for lang in langs)
    there = Counter(lang for langs in sets for lang in langs)
    assert asked == {lang: min(limit, count) for lang, count in there.items()}


@given(language_sets, st.integers(1, 12))
def test_a_language_skips_no_id_that_comes_before_one_it_takes(sets, limit):
    order = sorted(range(len(sets)), key=lambda n: (-len(sets[n]), n))
    for lang, taken in asked_by_language(sets, limit).items():
        assert taken == [str(n) for n in order if lang in sets[n]][:limit]


def asked_by_language(sets, limit):
    selection = first_of_each_language(bundles_in(sets), limit)
    languages = {lang for langs in selection.values() for lang in langs}
    return {lang: [one_id for one_id, langs in selection.items() if lang in langs] for lang in languages}


def test_nested_languages_share_the_ids_that_all_have():
    sets = [{"en"}] * 20 + [{"en", "de"}] * 20 + [{"en", "de", "es"}] * 20
    selection = first_of_each_language(bundles_in(sets), 20)
    assert list(selection.values()) == [frozenset({"en", "de", "es"})] * 20
