"""Numbers of a clause in languages that write no spaces between words."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching.lines import line_of
from lm_eval_illusion.matching.number_clauses import numbers_in_characters


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("zh", "一共三十个", [(30, "cardinal")]),
        ("zh", "第三名", [(3, "ordinal")]),
        ("zh", "一九四五年", [(1945, "cardinal")]),
        ("zh", "3万人", [(30_000, "cardinal")]),
        ("ja", "二つあります", [(2, "cardinal")]),
        ("ja", "三番目", [(3, "ordinal")]),
        ("th", "มียี่สิบเอ็ดคน", [(21, "cardinal")]),
        ("th", "5 คน", [(5, "digits")]),
        # -5, a kilometre, 007, two or three; names and words that are written with numerals
        ("zh", "-5", []),
        ("zh", "100千米", [(100, "digits")]),
        ("ja", "007", []),
        ("zh", "两三个", []),
        ("zh", "四川", []),
        ("zh", "统一", []),
        ("zh", "三国时代", []),
        ("ja", "九州", []),
        ("ja", "三重県", []),
        ("th", "เขาสามารถทำได้", []),
        ("th", "เก้าอี้", []),
    ],
)
def test_numbers_by_hand(lang, text, expected):
    clause = line_of(text, lang).whole
    assert [(int(number.value), number.kind) for number in numbers_in_characters(clause) if number.is_clear] == expected
