"""The rules for distractors and the format of numbers."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.option_rules import is_allowed, number_format, overlaps, right_answers
from lm_eval_illusion.pairing.reading.questions import Question


@pytest.mark.parametrize(
    ("option", "others", "allowed"),
    [("Oslo", [], True), ("Oslo", ["Kyiv"], True), ("Oslo", ["Oslo East"], False), ("East Oslo", ["Oslo"], False)],
)
def test_distractors_do_not_overlap_each_other(option, others, allowed):
    translation = Question("question", "en", "Which city?", "", "Rome")
    assert is_allowed(option, translation, right_answers([translation]), others) is allowed


@pytest.mark.parametrize(
    ("others", "expected"),
    [([], False), (["kyiv"], False), (["oslo"], True), (["kyiv", "osloeast"], True), (["kyiv", "os"], True), (["sol"], False)],
)
def test_a_text_overlaps_what_it_equals_contains_or_is_contained_in(others, expected):
    assert overlaps("oslo", others) is expected
    assert overlaps("oslo", frozenset(others)) is expected


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("17 seconds", "340 miles", True),
        ("1939–1945", "1870–1939", True),
        ("1943", "39", False),
        ("1943", "1,943", False),
        ("63%", "17 seconds", False),
        ("2 м", "25 км", True),
        ("between 5 and 10", "5", False),
        ("四", "五个", True),
        ("17秒", "38份", True),
        ("১৯৭৫", "১৮৭০", True),
    ],
)
def test_formats_of_numbers(first, second, same):
    assert (number_format(first) == number_format(second)) is same


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("17 seconds", "#a"), ("1870–1939", "Y–Y"), ("63%", "#%"), ("about 2 to 3 km", "a#a#a"), ("no number", ""), ("", "")],
)
def test_the_pattern_of_a_number(text, pattern):
    assert number_format(text) == pattern


@pytest.mark.parametrize(
    ("option", "question", "allowed"),
    [
        ("3", "Who won 23 medals?", True),
        ("3", "Who won 23.3 medals?", True),
        ("3", "Who won 3.5 medals?", True),
        ("3", "Who won 3 medals?", False),
        ("3", "Who won 3.0 medals?", False),
        ("3.0", "Who won 3 medals?", False),
        ("3", "Who won three medals?", False),
        ("3", "What happened on May 3 1990?", False),
        ("90", "What happened on May 3 1990?", True),
        ("1990", "What happened in the 1990s?", False),
        ("3 km", "How far are 23 km?", True),
        ("3 km", "How far are 3 km?", False),
        ("٣", "كم عدد الكتب: ٢٣؟", True),
        ("三", "三百", False),  # A numeral in characters is text like any other.
    ],
)
def test_numbers_of_the_question_are_compared_as_a_whole(option, question, allowed):
    lang = {"٣": "ar", "三": "zh"}.get(option, "en")
    translation = Question("question", lang, question, "", "7")
    assert is_allowed(option, translation, right_answers([translation])) is allowed


@pytest.mark.parametrize(
    ("option", "other", "allowed"),
    [
        *[("3", "23", True), ("23", "3", True), ("3", "3.0", False), ("3", "3 km", False), ("3 km", "23 km", True)],
        *[("1990", "1990s", False), ("1990", "19901", True), ("3", "3–5", False), ("1,388", "388", True), ("3", "3.5", True)],
    ],
)
def test_numbers_of_options_and_right_answers_are_compared_as_a_whole(option, other, allowed):
    translation = Question("question", "en", "How many?", "", "77")
    assert is_allowed(option, translation, right_answers([translation]), [other]) is allowed
    translation = Question("question", "en", "How many?", "", other)
    assert is_allowed(option, translation, right_answers([translation])) is allowed
