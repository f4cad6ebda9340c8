"""Quantities: a number with a unit, a currency or a percent sign."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import format_currency, format_percent
from babel.units import format_unit
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.matching import exact_match, explain, matches
from lm_eval_illusion.matching.quantities.measured import Quantity, quantity_of, same_quantity

langs = st.sampled_from(sorted(embedded_languages()))
UNITS = ("kilogram", "kilometer", "meter", "square-kilometer", "kilometer-per-hour", "year", "hour", "liter", "celsius")
units = st.sampled_from(UNITS)
lengths = st.sampled_from(["long", "short"])


@settings(max_examples=60)
@given(st.integers(3, 900), langs, units, lengths, lengths)
def test_every_form_of_cldr_says_the_quantity_and_no_other(value, lang, unit, length, other_length):
    # Arabic and Hebrew have words for two of a unit, without a number.
    answer, output = format_unit(value, unit, length, locale=lang), format_unit(value, unit, other_length, locale=lang)
    # Babel writes the English name where it misses a plural form.
    assume(f"{value} {unit}" not in (answer, output))
    assert matches(output, [answer], lang)
    assert not matches(format_unit(value + 1, unit, other_length, locale=lang), [answer], lang)
    for other in UNITS:
        written = format_unit(value, other, "long", locale=lang)
        # Some languages write two units with one word, such as hours and times of day.
        assert other == unit or not matches(written, [format_unit(value, unit, "long", locale=lang)], lang)


@settings(max_examples=40)
@given(st.integers(2, 900), langs, st.sampled_from(["USD", "EUR", "GBP", "INR", "RUB"]))
def test_money_against_babel(value, lang, code):
    standard = format_currency(value, code, locale=lang)
    name = format_currency(value, code, locale=lang, format_type="name")
    assert matches(name, [standard], lang)
    assert matches(f"{code} {value}", [name], lang)
    assert not matches(format_currency(value, "CHF", locale=lang, format_type="name"), [standard], lang)


@given(st.integers(1, 99), langs)
def test_percent_against_babel(value, lang):
    written = format_percent(value / 100, locale=lang)
    assert matches(written, [f"{value} %"], lang)
    assert matches(f"{value}%", [written], lang)


@pytest.mark.parametrize(
    ("lang", "answer", "right", "wrong"),
    [
        ("en", "3 kg", "It weighs 3 kilograms.", "It weighs 3 lbs."),
        ("en", "1 km", "1000 m", "1000 km"),
        ("en", "1.5 km", "1500 metres", "1500 miles"),
        ("en", "5 m²", "5 square metres", "5 m"),
        ("en", "5 m", "5 metres", "5 m²"),
        ("en", "60 km", "60 kilometres", "60 km/h"),
        ("en", "3 kg", "3kg", "3 kg/m³"),
        ("en", "5 kg", "about 5 kg", "3-5 kg"),
        ("en", "20 °C", "20 degrees Celsius", "20 °F"),
        ("en", "10 €", "10 euros", "$10"),
        ("en", "10 €", "EUR 10", "10 US dollars"),
        ("en", "$10", "10 dollars", "£10"),
        ("en", "10 years", "a 10-year war", "10 days"),
        ("en", "40%", "40 per cent of them", "40 people"),
        ("en", "3 kg", "3", "It is 3."),  # the number is enough only alone, as in a percentage
        ("ru", "3 км", "в 3 километрах", "в 3 метрах"),
        ("ru", "10 рублей", "10 руб.", "10 долларов"),
        ("fi", "3 km", "3 kilometrin päässä", "3 metrin päässä"),
        ("ro", "40 %", "40 la sută", "40 la mie"),
        ("it", "30%", "il 30 per cento", "30 persone"),
        ("th", "40%", "ร้อยละ 40", "40 คน"),
        ("he", "40%", "40 אחוזים", "40 אנשים"),
        ("hi", "40%", "40 फीसदी", "40 लोग"),
        ("ar", "40%", "40 في المئة", "40 شخصا"),
        ("fa", "۴۰٪", "40 درصد", "40 نفر"),
        ("tr", "%40", "yüzde 40", "40 kişi"),
        ("sw", "40%", "asilimia 40", "watu 40"),
        ("zh", "40%", "百分之40", "40人"),
        ("bn", "৪০%", "শতকরা ৪০ ভাগ", "৪০ জন"),
        ("ko", "40%", "40퍼센트이다", "40명이다"),
        ("zh", "3公斤", "3千克", "3公里"),
        ("ja", "1000円", "¥1000", "1000元"),
        ("ko", "3킬로그램", "3kg이다", "3킬로미터이다"),
        ("sw", "3 km", "kilomita 3", "kilo 3"),
        ("id", "Rp50.000", "50.000 rupiah", "50.000 dolar"),
        ("vi", "3 kg", "3 ki-lô-gam", "3 ki-lô-mét"),
    ],
)
def test_quantities_by_hand(lang, answer, right, wrong):
    assert matches(right, [answer], lang)
    assert not matches(wrong, [answer], lang)


def test_a_number_without_a_unit_is_said_with_any_unit():
    assert matches("9 km", ["9"], "en")
    assert matches("$10", ["10"], "en")


def test_the_rule_and_the_place_of_a_quantity():
    assert explain("It weighs 3 kilograms.", ["3 kg"], "en") == (True, "3 kg", "unit", (10, 21))
    assert exact_match("3 kilograms", ["3 kg"], "en")
    assert not exact_match("about 3 kilograms", ["3 kg"], "en")


def test_a_quantity_is_a_number_and_a_unit_and_nothing_else():
    assert quantity_of("3 kg", "en") == Quantity(Decimal(3), frozenset({"mass-kilogram"}))
    assert quantity_of("3 kg of rice", "en") is None
    assert quantity_of("3", "en") is None
    assert quantity_of("3 a", "en") is None  # the symbol of ampere is a capital
    assert quantity_of("10 pounds", "en").units == {"GBP", "mass-pound"}


def test_the_same_multiple_of_a_base_unit_is_the_same_quantity():
    kilometre, metre = frozenset({"length-kilometer"}), frozenset({"length-meter"})
    assert same_quantity(Quantity(Decimal("0.1"), kilometre), Quantity(Decimal(100), metre))
    assert not same_quantity(Quantity(Decimal(1), kilometre), Quantity(Decimal(1), metre))
    assert not same_quantity(Quantity(Decimal(1), kilometre), Quantity(Decimal(1000), frozenset({"mass-gram"})))


@pytest.mark.parametrize(
    ("lang", "answer", "output", "is_said"),
    [
        ("ar", "2 ساعة", "استغرق ذلك ساعتين.", True),
        ("ar", "متران", "2 متر", True),
        ("he", "2 שעות", "במשך שעתיים", True),
        # Three hours; two and a half years.
        ("ar", "3 ساعات", "ساعتان", False),
        ("ar", "2 سنة", "سنتان ونصف", False),
    ],
)
def test_a_dual_is_two_of_a_unit(lang, answer, output, is_said):
    assert matches(output, [answer], lang) is is_said
