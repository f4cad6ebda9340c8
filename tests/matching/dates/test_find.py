"""Dates in every notation, against Babel's own formatting, and their place in a text."""

from __future__ import annotations

from datetime import date, timedelta

from babel import Locale
from babel.dates import format_date, format_skeleton
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.matching import exact_match, explain, matches

# In Persian, 1389 may be a year of the Iranian calendar.
days = st.dates(date(1500, 1, 1), date(2049, 12, 31))
recent_days = st.dates(date(1950, 1, 1), date(2049, 12, 31))
langs = st.sampled_from(sorted({*embedded_languages(), *language_codes()}))
# The files of these languages lack rules for some of CLDR's forms: endings and abbreviations of months in Basque, Catalan, Kurdish and
# Mongolian, months in digits beside the word for year in Bulgarian and Yoruba, the month first in digits in Kyrgyz, Maltese and Somali,
# and no space after the day in Kannada.
NOT_ALL_FORMS = {"bg", "ca", "eu", "kn", "ku", "ky", "mn", "mt", "so", "yo"}
langs_with_all_forms = st.sampled_from(sorted({*embedded_languages(), *language_codes()} - NOT_ALL_FORMS))
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
@given(days | recent_days, langs_with_all_forms)
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


def test_the_rule_and_the_place_of_a_date():
    # "March 12th, 2004" stands at 3 to 19.
    assert explain("on March 12th, 2004, in Rome", ["12 March 2004"], "en") == (True, "12 March 2004", "date", (3, 19))
    assert exact_match("2004-03-12", ["12 March 2004"], "en")
    assert not exact_match("on 2004-03-12 in Rome", ["12 March 2004"], "en")


def test_the_day_of_the_week_belongs_to_a_date_and_is_no_negator():
    # 6 February 2000 was a Sunday (in Czech "ne", which is also "not").
    assert explain("ne 6. 2. 2000", ["6. února 2000"], "cs").matched
    assert explain("Bylo to ne 6. února 2000.", ["6. února"], "cs").span == (8, 24)
    assert explain("Bylo to ne 7. února 2000.", ["7. února"], "cs").rule == "denied"
