"""Ranges of numbers, with dashes and in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lm_eval_illusion.matching.lines import line_of
from lm_eval_illusion.matching.number_clauses import numbers_in_characters
from lm_eval_illusion.matching.number_lines import numbers_in_words


def ranges(text, lang):
    if lang in ("ja", "th", "zh"):
        numbers = numbers_in_characters(line_of(text, lang).whole)
    else:
        numbers = numbers_in_words(line_of(text, lang, keeps_articles=True))
    return [number.value for number in numbers if number.kind == "range"]


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("ar", "من 1861 إلى 1865"),
        ("bn", "১৮৬১ থেকে ১৮৬৫"),
        ("de", "von 1861 bis 1865"),
        ("el", "από το 1861 έως το 1865"),
        ("en", "between 1861 and 1865"),
        ("es", "desde 1861 hasta 1865"),
        ("fa", "از ۱۸۶۱ تا ۱۸۶۵"),
        ("fi", "vuodesta 1861 vuoteen 1865"),
        ("fr", "de 1861 à 1865"),
        ("he", "משנת 1861 עד שנת 1865"),
        ("hi", "1861 से 1865 तक"),
        ("id", "dari tahun 1861 sampai 1865"),
        ("it", "dal 1861 al 1865"),
        ("ja", "1861年から1865年まで"),
        ("ko", "1861년부터 1865년까지"),
        ("nl", "van 1861 tot 1865"),
        ("pl", "od 1861 do 1865 roku"),
        ("pt", "entre 1861 e 1865"),
        ("ro", "din 1861 până în 1865"),
        ("ru", "с 1861 по 1865 год"),
        ("sw", "kuanzia 1861 hadi 1865"),
        ("te", "1861 నుండి 1865 వరకు"),
        ("th", "ตั้งแต่ปี 1861 ถึงปี 1865"),
        ("tr", "1861'den 1865'e kadar"),
        ("uk", "з 1861 до 1865 року"),
        ("vi", "từ năm 1861 đến năm 1865"),
        ("zh", "从1861年到1865年"),
    ],
)
def test_a_range_in_words_and_with_a_dash(lang, text):
    expected = [(Decimal(1861), Decimal(1865))]
    assert ranges(text, lang) == ranges("1861–1865", lang) == ranges("1861-65", lang) == expected


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        # a date, a result that falls, an addition, a list, two clauses
        ("en", "2004-03-12"),
        ("en", "from 5 to 3"),
        ("en", "20 and 30"),
        ("en", "20, 30"),
        ("ja", "昭和39年（1964年）"),
        ("tr", "20 ve 30"),
    ],
)
def test_two_numbers_that_are_no_range(lang, text):
    assert ranges(text, lang) == []


def test_a_dash_behind_a_unit():
    assert ranges("5 km – 10 km", "de") == [(Decimal(5), Decimal(10))]
    # a hyphen joins words
    assert ranges("5 year-10 month", "en") == []
