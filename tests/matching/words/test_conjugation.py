"""Verbs and adjectives in other forms than that of a dictionary."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching.words.conjugation import find_conjugated, find_conjugated_in_characters


@pytest.mark.parametrize(
    ("answer", "word", "expected"),
    [
        ("춥다", "추워요", True),  # the final consonant becomes a vowel
        ("돕다", "도왔습니다", True),
        ("먹다", "먹었어요", True),
        ("가다", "갑니다", True),  # the ending is a part of the syllable
        ("마시다", "마셨어요", True),
        ("부르다", "불렀다", True),
        ("걷다", "걸었어요", True),
        ("크다", "커요", True),
        ("먹다", "먹이", False),  # food is another word
        ("바다", "반", False),  # the sea is no verb, and a half no form of it
        ("추위", "추워요", False),  # a noun has no such forms
    ],
)
def test_korean(answer, word, expected):
    assert list(find_conjugated(["매우", answer], ["매우", word], "ko")) == [0] * expected


@pytest.mark.parametrize(
    ("answer", "text", "span"),
    [
        ("青い", "空が青かった", (2, 6)),
        ("泳ぐ", "泳ぎました", (0, 5)),
        ("泳ぐ", "泳いだ", (0, 3)),
        ("食べる", "彼は食べた", (2, 5)),
        ("飲む", "飲んで", (0, 3)),
        ("行く", "行った", (0, 3)),
        ("泳ぐ", "泳ぎません", None),  # a negation
        ("青い", "青森", None),
        ("さる", "くださった", None),  # two hiragana are too often a part of another word
        ("猿", "猿です", None),
    ],
)
def test_japanese(answer, text, span):
    assert next(find_conjugated_in_characters(answer, text, "ja"), None) == span


def test_a_language_without_such_rules():
    assert list(find_conjugated(["go"], ["goes"], "en")) == []
    assert list(find_conjugated_in_characters("去", "去了", "zh")) == []
