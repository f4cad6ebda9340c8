"""Particles and one-letter words that are written together with the answer."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching.clitics import find_with_clitics


@pytest.mark.parametrize(
    ("lang", "answer", "text", "expected"),
    [
        ("ko", ["서울"], ["답은", "서울입니다"], [1]),
        ("ko", ["인도"], ["인도네시아"], []),  # "네시아" is no particle: Indonesia is not India
        ("ko", ["인"], ["인도"], []),  # one syllable and one syllable: India
        ("ar", ["مدرسه"], ["في", "والمدرسه"], [1]),  # and-the-school
        ("ar", ["رد"], ["ورد"], []),  # too short: a rose, not "and a reply"
        ("en", ["school"], ["schools"], []),  # nothing is attached in English
    ],
)
def test_where_an_answer_with_clitics_begins(lang, answer, text, expected):
    assert list(find_with_clitics(answer, text, lang)) == expected
