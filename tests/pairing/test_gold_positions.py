"""The answer stands in each place equally often, in every language, however the ids are translated."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.pairing.gold_positions import gold_places

NESTED = [{"en"}, {"en", "de"}, {"en", "de", "es"}]
APART = [{"en"}, {"de", "es"}, {"zh"}]


def spreads(sets, seed=0):
    languages = {str(n): frozenset(one) for n, one in enumerate(sets)}
    places = gold_places(languages, seed)
    assert places.keys() == languages.keys()
    counts = {lang: Counter(places[one_id] for one_id in languages if lang in languages[one_id]) for lang in set().union(*sets)}
    return [max(of_lang.values()) - min(of_lang[place] for place in range(4)) for of_lang in counts.values()]


@pytest.mark.parametrize("shapes", [NESTED, APART, [{"en", "de", "zh"}]])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_nested_and_separate_languages_are_even_to_one(shapes, data):
    assert max(spreads(data.draw(st.lists(st.sampled_from(shapes), min_size=1, max_size=60)))) <= 1


@given(st.lists(st.sets(st.sampled_from("en de zh".split()), min_size=1), min_size=1, max_size=60), st.integers(0, 5))
@settings(deadline=None)
def test_crossing_languages_are_even_to_two(sets, seed):
    # To one there may be no division: en+de, de+zh and zh+en five times each leave no language even.
    assert max(spreads(sets, seed)) <= 2


def test_another_seed_gives_another_order():
    languages = {str(n): frozenset({"en"}) for n in range(40)}
    assert gold_places(languages, 0) == gold_places(dict(reversed(languages.items())), 0) != gold_places(languages, 1)
