"""Rules of surface: scores counted by hand, and the range of chance beside scipy's binomial distribution."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from lm_eval_illusion.pairing.summary.surface_rules import RULES, RuleScore, chance_range, rule_scores


def item(choices, gold=0, question="Which one?", context="", lang="en"):
    return {
        **{"id": "q", "lang": lang, "question": question, "context": context, "answer": choices[gold], "aliases": []},
        **{
            "answer_type": "",
            "choices": choices,
            "gold": gold,
            "shot": {"question": "", "answer": ""},
            "source": "",
            "license": "",
        },
    }


def score(rule, *items):
    return rule_scores(items, len(items))[rule]


@pytest.mark.parametrize(
    ("rule", "choices", "hits"),
    [
        ("longest", ["abcd", "abc", "ab", "a"], 1),
        ("longest", ["abcd", "abce", "ab", "a"], 1 / 2),
        ("longest", ["abc", "abcd", "ab", "a"], 0),
        ("shortest", ["a", "abc", "ab", "abcd"], 1),
        ("shortest", ["ab", "ac", "ad", "abcd"], 1 / 3),
        # 12 characters, 9 of them e: the first option has nothing else.
        ("likeliest", ["eee", "eex", "eey", "eez"], 1),
        ("likeliest", ["eex", "eee", "eey", "eez"], 0),
        # Their mean is 25, from which 20 and 30 are equally far.
        ("nearest mean", ["20 km", "10 km", "30 km", "40 km"], 1 / 2),
        ("nearest mean", ["10 km", "20 km", "30 km", "40 km"], 0),
        # 1.5, 2.5, 10, 20: the mean is 8.5. Read as 15, 25, 10, 20 it would be 17.5, and 20 the nearest.
        ("nearest mean", ["10", "1.5", "2.5", "20"], 1),
        # 1,200, 900, 1,400, 500: the mean is 1,000. Arabic digits are digits.
        ("nearest mean", ["٩٠٠", "1,200", "1,400", "500"], 1),
        ("question words", ["the Nile", "the Rhine", "Which river", "one"], 0),
        ("question words", ["Which ONE", "the Rhine", "a river", "one"], 1),
    ],
)
def test_a_rule_picks_the_highest_value_and_guesses_among_equals(rule, choices, hits):
    found = score(rule, item(choices))
    assert (found.hits, found.items) == (pytest.approx(hits), 1)


def test_uses_count_over_all_items_of_the_language():
    # "a" stands in three items, "b" in two, the others in one each.
    items = [item(["a", "b", "c", "d"]), item(["b", "a", "e", "f"]), item(["g", "a", "h", "i"])]
    assert score("most used", *items).hits == 1
    # In the first item two options are used once, in the second too; neither is the answer. In the third the answer is one of three.
    assert score("least used", *items).hits == pytest.approx(1 / 3)
    assert rule_scores(items, 1)["most used"] == RuleScore(1, 1)


def test_an_option_of_the_passage_is_picked_at_random_among_those_in_it():
    passage = "It flows from Uganda to Egypt."
    items = [
        item(["Egypt", "Uganda", "Chad", "Mali"], context=passage),
        item(["Chad", "Uganda", "Mali", "Peru"], context=passage),
        item(["Chad", "Cuba", "Mali", "Peru"], context=passage),
        item(["Chad", "Cuba", "Mali", "Peru"]),
    ]
    assert score("in passage", *items) == RuleScore(1 / 2 + 0 + 1 / 4, 3)


def test_a_rule_that_applies_nowhere_has_no_score():
    found = rule_scores([item(["a", "b", "c", "d"])], 1)
    assert list(found) == list(RULES)
    assert (found["nearest mean"].share, found["in passage"].share) == (None, None)
    assert found["nearest mean"].is_by_chance
    assert score("nearest mean", item(["1", "2", "3", "four"])).share is None


def test_without_spaces_between_words_pairs_of_characters_are_compared():
    assert score("question words", item(["大长江", "黄河", "泰山", "北京"], question="中国的长江在哪里？", lang="zh")).hits == 1


@pytest.mark.parametrize("items", [1, 4, 20, 60, 199, 1000, 2000])
def test_the_range_of_chance_is_that_of_the_binomial_distribution(items):
    expected = binom.ppf([0.025, 0.975], items, 0.25) / items
    assert chance_range(items) == pytest.approx(tuple(expected))


def test_of_many_items_the_range_is_near_the_exact_one():
    for items in (2001, 10_000, 100_000):
        assert chance_range(items) == pytest.approx(tuple(binom.ppf([0.025, 0.975], items, 0.25) / items), abs=0.001)


def test_a_score_outside_of_the_range_is_marked():
    # Of 60 items 9 to 22 are right in 95 of 100 cases.
    assert [RuleScore(hits, 60).is_by_chance for hits in (8.9, 9, 22, 22.1)] == [False, True, True, False]
