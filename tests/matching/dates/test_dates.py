"""Dates in every notation, against Babel's own formatting and hand-made cases."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from babel import Locale
from babel.dates import format_date, format_skeleton
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.matching import exact_match, explain, matches
from lm_eval_illusion.matching.dates.dates import Date, agrees, date_of

# In Persian, 1389 may be a year of the Iranian calendar.
days = st.dates(date(1500, 1, 1), date(2049, 12, 31))
recent_days = st.dates(date(1950, 1, 1), date(2049, 12, 31))
langs = st.sampled_from(sorted({*embedded_languages(), *language_codes()}))
FULL = ("yMMMMd", "yMMMd", "yMMMEd", "yMd", "yMMMMEEEEd")
WITHOUT_YEAR = ("MMMMd", "MMMd")
WITHOUT_DAY = ("yMMMM", "yMMM")


def written(day: date, lang: str, skeletons: tuple[str, ...]) -> list[str]:
    """Return CLDR's forms of a date, as far as it has them in the language."""
    locale = Locale.parse(lang)
    return [format_skeleton(name, day, locale=locale) for name in skeletons if name in locale.datetime_skeletons]


def full_forms(day: date, lang: str) -> list[str]:
    lengths = ("medium", "long", "full", *(("short",) if 1950 <= day.year < 2050 else ()))
    return [*written(day, lang, FULL), *(format_date(day, length, lang) for length in lengths), day.isoformat()]


@settings(max_examples=60)
@given(days | recent_days, langs)
def test_every_form_of_cldr_says_the_date(day, lang):
    answer = format_date(day, "long", lang)
    for form in full_forms(day, lang):
        assert matches(form, [answer], lang), (form, answer)
        # Without a part, the answer is said in every form that has the rest.
        for shorter in written(day, lang, (*WITHOUT_YEAR, *WITHOUT_DAY)):
            # A day and month in digits may be a score.
            assert not any(map(str.isalpha, shorter)) or matches(form, [shorter], lang), (form, shorter)


@settings(max_examples=30)
@given(days, langs, st.sampled_from([1, 31, 366, 3660]))
def test_no_form_of_cldr_says_another_date(day, lang, distance):
    other = day - timedelta(days=distance)
    # Babel writes no year before 1000 in four digits.
    answer = format_date(day, "long", lang)
    same_in_english = {(day.day, day.month), (day.month, day.day)} == {(other.day, other.month), (other.month, other.day)}
    for form in full_forms(max(other, date(1000, 1, 1)), lang):
        assert other < date(1000, 1, 1) or same_in_english or not matches(form, [answer], lang), (form, answer)


@pytest.mark.parametrize(
    ("lang", "answer", "right", "wrong"),
    [
        ("de", "12.03.2004", "12. März 2004", "3. Dezember 2004"),  # the day is first in German
        ("ru", "12.03.2004", "12 марта 2004 года", "12 мая 2004 года"),
        ("fr", "03/12/2004", "3 décembre 2004", "12 mars 2004"),
        ("ja", "2004/03/12", "2004年3月12日", "2004年12月3日"),
        ("vi", "2/9/1945", "ngày 2 tháng 9 năm 1945", "ngày 9 tháng 2 năm 1945"),
        ("en", "3/13/2004", "March 13, 2004", "3 January 2004"),  # there is no 13th month
        ("en", "3/12/2004", "3/12/2004", "March 12, 2004"),  # the order is unknown
        ("he", "12 במרץ 2004", "ב-12 במרץ 2004", "ב-12 במאי 2004"),
        ("ar", "15 مايو 1948", "١٥ أيار/مايو ١٩٤٨", "15 آذار 1948"),  # two traditions of names
        ("bn", "২১ ফেব্রুয়ারি ১৯৫২", "১৯৫২ সালের ২১শে ফেব্রুয়ারি", "১৯৫২ সালের ২২শে ফেব্রুয়ারি"),
        ("th", "24 มิถุนายน 2475", "วันที่ ๒๔ มิถุนายน ค.ศ. ๑๙๓๒", "24 มิถุนายน ค.ศ. 2475"),  # 2475 - 543 = 1932
        ("ja", "1964年", "昭和39年", "昭和38年"),  # 1926 + 38 = 1964
        ("ja", "昭和39年10月10日", "1964年10月10日", "1965年10月10日"),
        ("zh", "民国93年3月12日", "2004年3月12日", "1993年3月12日"),
        ("ru", "март 2004", "в марте 2004 года", "в мае 2004 года"),
        ("pl", "marzec 2004", "w marcu 2004 r.", "w maju 2004 r."),
        ("uk", "березень 2004", "у березні 2004 року", "у травні 2004 року"),
        ("fi", "12. maaliskuuta 2004", "maaliskuun 12. päivänä vuonna 2004", "maaliskuussa 2004"),
        ("hu", "2004. március 12.", "2004. március 12-én", "2004 márciusában"),
        ("el", "12 Μαρτίου 2004", "στις 12 του Μάρτη 2004", "στις 12 του Μάη 2004"),
        ("tr", "12 Mart 2004", "12 Mart 2004'te", "12 Mayıs 2004'te"),
        ("fa", "۲۲ بهمن ۱۳۵۷", "۱۳۵۷/۱۱/۲۲", "۱۳۵۷/۲/۲۲"),  # Bahman is the eleventh month
        ("fa", "۲۲ بهمن ۱۳۵۷", "۲۲ بهمن‌ماه ۱۳۵۷", "22 نوامبر 1357"),  # another calendar
        ("en", "5 May 2004", "May 5, '04", "May 5, '03"),
        ("en", "7 May", "on May 7", "5-7 May"),  # a range is longer
        ("en", "May 5", "May 5 is a holiday", "5 may be enough"),
        ("en", "12 March 2004", "3/12/2004 or so", "March 2004"),
        ("hi", "26 जनवरी 1950", "सन् 1950 में 26 जनवरी को", "सन् 1950 में 27 जनवरी को"),
        ("it", "3 febbraio 2004", "mar 3 feb 2004", "mar 3 mar 2004"),  # mar is Tuesday and March
        ("el", "1 Δεκ", "1/12/2004", "1 δεκατόμετρο"),  # December and decimetre
        ("en", "44 BC", "in 44 B.C.", "in AD 44"),
        ("de", "44 v. Chr.", "44 vor Christus", "44 n. Chr."),
        ("ru", "44 год до н. э.", "44 до нашей эры", "44 год н. э."),
        ("zh", "公元前221年", "前221年", "公元221年"),
        ("ja", "紀元前44年", "紀元前44年です", "西暦44年"),
        ("en", "March 15, 44 BC", "15 March 44 BCE", "15 March 44 AD"),
        ("en", "476", "476 AD", "476 BC"),
        ("en", "5th century BC", "in the fifth century BCE", "in the fifth century AD"),
        ("es", "siglo V a. C.", "el siglo V antes de Cristo", "el siglo V d. C."),
        # no acres
        ("it", "44 a.C.", "44 avanti Cristo", "44 d.C."),
        # sept is seven, not September
        ("fr", "dix-sept", "Il y en a 17.", "Il y en a 7."),
        # twenty is no decade
        ("es", "veinte", "Son 20.", "Son 21."),
        ("es", "476", "476 d. C.", "476 a. C."),
    ],
)
def test_dates_by_hand(lang, answer, right, wrong):
    assert matches(right, [answer], lang)
    assert not matches(wrong, [answer], lang)


def test_the_rule_and_the_place_of_a_date():
    # "March 12th, 2004" stands at 3 to 19.
    assert explain("on March 12th, 2004, in Rome", ["12 March 2004"], "en") == (True, "12 March 2004", "date", (3, 19))
    assert explain("in 476 BC", ["476"], "en").rule == "other_era"
    assert exact_match("2004-03-12", ["12 March 2004"], "en")
    assert not exact_match("on 2004-03-12 in Rome", ["12 March 2004"], "en")


def test_the_day_of_the_week_belongs_to_a_date_and_is_no_negator():
    # 6 February 2000 was a Sunday (in Czech "ne", which is also "not").
    assert explain("ne 6. 2. 2000", ["6. února 2000"], "cs").matched
    assert explain("Bylo to ne 6. února 2000.", ["6. února"], "cs").span == (8, 24)
    assert explain("Bylo to ne 7. února 2000.", ["7. února"], "cs").rule == "denied"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 March 2004", Date(2004, 3, 12)),
        ("March 2004", Date(2004, 3, None)),
        ("March 12", Date(None, 3, 12)),
        ("30 February 2004", None),  # there is no such day
        ("29 February 2003", None),
        ("29 February 2004", Date(2004, 2, 29)),
        ("12 March 2004 in Rome", None),  # more than a date
        ("12/3", None),  # a score or a fraction
        ("March", None),
        ("2004", None),
        ("44 BC", Date(-44, None, None)),
        ("", None),
    ],
)
def test_what_is_a_date(text, expected):
    assert date_of(text, "en") == expected


def test_a_date_that_says_more_agrees_and_one_that_says_less_does_not():
    assert agrees(Date(2004, 3, 12), Date(2004, 3, None))
    assert not agrees(Date(2004, 3, None), Date(2004, 3, 12))
    assert not agrees(Date(1357, 11, 22, 1), Date(1357, 11, 22))
