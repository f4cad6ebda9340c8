"""Decades in digits and in words."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import matches
from lm_eval_illusion.matching.dates.decades import decade_of, same_decade


@pytest.mark.parametrize(
    ("lang", "answer", "right", "wrong"),
    [
        ("en", "1990s", "the nineties", "the eighties"),
        ("en", "the 1990s", "in the '90s", "1990"),  # a year is no decade
        ("en", "1890s", "in the 1890s", "the nineties"),  # those of the last century
        ("de", "1990er Jahre", "in den neunziger Jahren", "1990"),
        ("fr", "années 1990", "les années quatre-vingt-dix", "les années quatre-vingt"),
        ("es", "años 90", "los años noventa", "90"),
        ("it", "anni 90", "anni Novanta", "anni Ottanta"),
        ("ru", "1990-е", "в девяностых", "1990"),
        ("pl", "lata 90.", "lata dziewięćdziesiąte", "lata osiemdziesiąte"),
        ("fi", "1990-luku", "90-luvulla", "80-luvulla"),
        ("tr", "1990'lar", "doksanlarda", "seksenlerde"),
        ("zh", "1990年代", "20世纪90年代", "19世纪90年代"),
        ("ja", "1990年代", "90年代です", "1990年です"),
        ("ko", "1990년대", "1990년대에", "1990년에"),
        ("th", "ทศวรรษ 1990", "ทศวรรษที่ 1990", "1990"),
        ("he", "שנות ה-90", "שנות התשעים", "שנות השמונים"),
        ("hi", "1990 के दशक", "नब्बे के दशक में", "अस्सी के दशक में"),
        ("vi", "thập niên 1990", "những năm 1990", "năm 1990"),
    ],
)
def test_decades_by_hand(lang, answer, right, wrong):
    assert matches(right, [answer], lang)
    assert not matches(wrong, [answer], lang)


def test_a_decade_without_a_century_is_one_of_the_last():
    assert same_decade(90, 1990)
    assert not same_decade(90, 1890)


def test_only_a_decade_and_nothing_else_is_one():
    assert decade_of("the 1990s", "en") == 1990
    assert decade_of("the 1990s in Rome", "en") is None
    assert decade_of("1995s", "en") is None
