"""Dates with the month by name, judged by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import matches


@pytest.mark.parametrize(
    ("lang", "answer", "right", "wrong"),
    [
        ("he", "12 במרץ 2004", "ב-12 במרץ 2004", "ב-12 במאי 2004"),
        ("ar", "15 مايو 1948", "١٥ أيار/مايو ١٩٤٨", "15 آذار 1948"),  # two traditions of names
        ("bn", "২১ ফেব্রুয়ারি ১৯৫২", "১৯৫২ সালের ২১শে ফেব্রুয়ারি", "১৯৫২ সালের ২২শে ফেব্রুয়ারি"),
        ("ru", "март 2004", "в марте 2004 года", "в мае 2004 года"),
        ("pl", "marzec 2004", "w marcu 2004 r.", "w maju 2004 r."),
        ("uk", "березень 2004", "у березні 2004 року", "у травні 2004 року"),
        ("fi", "12. maaliskuuta 2004", "maaliskuun 12. päivänä vuonna 2004", "maaliskuussa 2004"),
        ("hu", "2004. március 12.", "2004. március 12-én", "2004 márciusában"),
        ("el", "12 Μαρτίου 2004", "στις 12 του Μάρτη 2004", "στις 12 του Μάη 2004"),
        ("tr", "12 Mart 2004", "12 Mart 2004'te", "12 Mayıs 2004'te"),
        ("fa", "۲۲ بهمن ۱۳۵۷", "۲۲ بهمن‌ماه ۱۳۵۷", "22 نوامبر 1357"),  # another calendar
        ("en", "5 May 2004", "May 5, '04", "May 5, '03"),
        ("en", "7 May", "on May 7", "5-7 May"),  # a range is longer
        ("en", "May 5", "May 5 is a holiday", "5 may be enough"),
        ("hi", "26 जनवरी 1950", "सन् 1950 में 26 जनवरी को", "सन् 1950 में 27 जनवरी को"),
        ("it", "3 febbraio 2004", "mar 3 feb 2004", "mar 3 mar 2004"),  # mar is Tuesday and March
        ("el", "1 Δεκ", "1/12/2004", "1 δεκατόμετρο"),  # December and decimetre
        # sept is seven, not September
        ("fr", "dix-sept", "Il y en a 17.", "Il y en a 7."),
        # twenty is no decade
        ("es", "veinte", "Son 20.", "Son 21."),
    ],
)
def test_dates_with_the_month_by_name(lang, answer, right, wrong):
    assert matches(right, [answer], lang)
    assert not matches(wrong, [answer], lang)
