"""Other values of a number are possible in its language, its calendar and its clock; the expected forms are written by hand."""

from __future__ import annotations

import re
from datetime import date
from itertools import product

import pytest

from lm_eval_illusion.pairing.numbers.changes import (
    MOST_TRUE_VALUES,
    TrueValues,
    drawable,
    find_changeable,
    possible_values,
    ranks,
)

MONTHS = "January February March April May June July August September October November December".split()
# The suffixes of Turkish numbers, by the last spoken word.
DATIVE = "1'e 2'ye 3'e 4'e 5'e 6'ya 7'ye 8'e 9'a 10'a 20'ye 30'a 40'a 50'ye 60'a 70'e 80'e 90'a 100'e 1000'e".split()
LOCATIVE = (
    "1'de 2'de 3'te 4'te 5'te 6'da 7'de 8'de 9'da 10'da 20'de 30'da 40'ta 50'de 60'ta 70'te 80'de 90'da 100'de 1000'de".split()
)
PLURAL = "1'ler 2'ler 3'ler 4'ler 5'ler 6'lar 7'ler 8'ler 9'lar 10'lar 20'ler 30'lar 40'lar 50'ler 60'lar 70'ler 80'ler 90'lar".split()
PLURAL += ["100'ler", "1000'ler"]


def changed(**answers):
    """Return language -> the answers with every possible value of a number; empty lists if no number has three other values."""
    for number, keep_plural in product(find_changeable(answers), (True, False)):
        values = possible_values(number, frozenset(), keep_plural=keep_plural)
        if ranks(values, number.value):
            options = [number.with_value(value) for value in values]
            return {lang: [option[lang] for option in options] for lang in answers}
    return {lang: [] for lang in answers}


def changed_in(lang, answer):
    return changed(**{lang: answer})[lang]


def numbers(options):
    return [int(re.search(r"\d+", option.replace(",", "")).group()) for option in options]


@pytest.mark.parametrize(
    "answer", "CO2|H2O|9/11|4chan|mc2|VH1|Astra 2A|MP3|F-16|B12|7-Eleven|24/7|3D|E = mc2|n2 + 1|1/2".split("|")
)
def test_names_and_formulas_are_not_numbers(answer):
    assert not changed_in("en", answer)


@pytest.mark.parametrize(
    ("lang", "answer"),
    [
        ("en", "2019/20"),
        ("en", "1939-45"),
        ("en", "1939–45"),
        ("en", "1.9 metres (6ft 3in)"),
        ("en", "4,810m (15,781ft)"),
        ("zh", "7,000,000平方公里（2,700,000平方英里）"),
        ("en", "7,000,000 square kilometres (2,70"),
        ("sw", "dakika 13.02.82"),
        ("fi", "20:een"),
        ("ru", "5-ти"),
        ("hu", "1990-ben"),
        ("en", "9" * 16),
    ],
)
def test_a_number_that_cannot_change_alone_is_not_changed(lang, answer):
    assert not changed_in(lang, answer)


@pytest.mark.parametrize(
    ("lang", "answer"), [("en", "1900"), ("ru", "1900 год"), ("zh", "1900年"), ("en", "12 March 1900"), ("es", "marzo de 2000")]
)
def test_years_change_by_ones(lang, answer):
    years = [int(re.search(r"\d{4}", option).group()) for option in changed_in(lang, answer)]
    truth = int(re.search(r"\d{4}", answer).group())
    assert {truth - 1, truth + 1} <= set(years)
    assert all(abs(year - truth) <= 12 and year <= 2025 for year in years)


def test_the_beginning_of_a_range_of_years_is_no_decade():
    options = changed(en="1870 to 1939", tr="1870'ten 1939", zh="1870 年到 1939 年")["en"]
    assert len(options) >= 3
    assert all(abs(int(option[:4]) - 1870) <= 40 for option in options)


def test_a_bare_year_in_one_language_changes_by_ones_in_all_languages():
    assert "1901" in changed(en="1900", de="im Jahre 1900")["en"]


@pytest.mark.parametrize(
    ("lang", "answer"),
    [
        *[("en", answer) for answer in ("1980s", "the 1980s", "1990's", "mid-1990s", "the 80s", "1940s and 1950s")],
        *[("ru", "1920-х"), ("ru", "начале 1920-х"), ("de", "1980er"), ("de", "1970ern"), ("id", "1970an"), ("zh", "1980年代")],
        *[
            ("zh", "20世纪70年代"),
            ("ko", "1980년대"),
            ("sw", "miaka ya 1980"),
            ("fr", "les années 1980"),
            ("vi", "những năm 1970"),
        ],
        *[("tr", "1980'lerde"), ("fi", "1980-luvulla"), ("el", "δεκαετία του '70")],
    ],
)
def test_decades_change_by_tens(lang, answer):
    options = changed_in(lang, answer)
    assert len(options) >= 3
    assert all(int(number) % 10 == 0 for option in options for number in re.findall(r"\d+", option))


def test_centuries_written_as_years_change_by_hundreds():
    assert {"1800s", "2000s"} <= set(changed_in("en", "1900s"))
    assert all(year % 100 == 0 for year in numbers(changed_in("fi", "1600-luvun aikana")))


@pytest.mark.parametrize(
    "answer", ["1st", "2nd", "3rd", "11th", "17th", "21st", "101st", "112th", "139th", "2nd place", "the 22nd"]
)
def test_english_ordinals_get_the_suffix_of_the_new_value(answer):
    options = changed_in("en", answer)
    assert len(options) >= 3
    for option in options:
        number, ending = re.search(r"(\d+)(st|nd|rd|th)", option).groups()
        teens = number[-2:] in ("11", "12", "13")
        assert ending == ("th" if teens else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th"))


@pytest.mark.parametrize("answer", ["1er", "1re"])
def test_the_french_ordinal_of_one_is_not_changed(answer):
    assert not changed_in("fr", answer)


@pytest.mark.parametrize(
    ("lang", "answer"),
    [
        *[("en", "21st century"), ("en", "early 19th century"), ("de", "20. Jahrhundert"), ("zh", "18世纪"), ("ko", "18세기")],
        *[
            ("fr", "21e siècle"),
            ("ru", "21 век"),
            ("id", "abad ke-13"),
            ("vi", "thế kỷ 18"),
            ("th", "ศตวรรษที่ 18"),
            ("ar", "القرن 19"),
        ],
    ],
)
def test_no_century_is_in_the_future(lang, answer):
    options = changed_in(lang, answer)
    assert len(options) >= 3
    assert max(numbers(options)) <= 21


@pytest.mark.parametrize(
    "answer", ["31 March", "30 June", "29 February", "29 February 2004", "31 December 1999", "1 May", "February 29"]
)
def test_english_dates_exist(answer):
    options = changed_in("en", answer)
    assert len(options) >= 3
    for option in options:
        month = next(MONTHS.index(word) + 1 for word in option.split() if word in MONTHS)
        rest = [int(word) for word in option.split() if word.isdigit()]
        year = next((number for number in rest if number > 99), 2004)
        date(year, month, next(number for number in rest if number <= 99))


@pytest.mark.parametrize(
    ("lang", "answer", "most"),
    [
        *[("ko", "11월 9일", 30), ("zh", "于11月9日", 30), ("ja", "6月30日", 30), ("de", "den 30. Juni oder 1. Juli", 30)],
        *[("vi", "ngày 30 tháng 6", 30), ("bn", "২২শে এপ্রিল", 30), ("ru", "30 июня", 30), ("es", "el 30 de junio", 30)],
        *[("en", "9 o'clock", 12), ("en", "9 pm", 12), ("de", "17 Uhr", 24), ("ja", "17時", 24), ("ko", "17시", 24)],
        *[("en", "5 feet 10 inches", 11), ("en", "5'10\"", 11), ("en", "6′ 2″", 11), ("en", "90%", 100), ("tr", "%18", 100)],
    ],
)
def test_days_and_hours_exist(lang, answer, most):
    options = changed_in(lang, answer)
    assert options
    for option in options:
        assert all(int(number) <= most for number in re.findall(r"\d+", option)), option


def test_a_word_that_ends_like_century_sets_no_limit():
    # человек ends in век, the word for "century".
    assert max(numbers(changed_in("ru", "20 человек"))) > 21


@pytest.mark.parametrize(("lang", "answer"), [("en", "10:30"), ("en", "9:05"), ("zh", "5时30分"), ("ko", "5시 30분")])
def test_minutes_exist(lang, answer):
    assert all(int(re.findall(r"\d+", option)[-1]) <= 59 for option in changed_in(lang, answer))


@pytest.mark.parametrize(
    ("answer", "forms"),
    [
        *[("20'ye", DATIVE), ("5'e", DATIVE), ("96'ya", DATIVE)],
        *[("1997'de", LOCATIVE), ("1963'te", LOCATIVE), ("2000'de", LOCATIVE)],
        *[("1970'ler", PLURAL), ("1960'lar", PLURAL)],
    ],
)
def test_turkish_suffixes_agree(answer, forms):
    suffixes = dict(form.split("'") for form in forms)
    options = changed_in("tr", answer)
    assert len(options) >= 3
    for option in options:
        number, suffix = option.split("'")
        digit, zeros = re.search(r"([1-9])(0*)$", number).groups()
        last = digit + zeros if len(zeros) < 2 else "1" + zeros  # 900 is nine hundreds
        assert suffix == suffixes[last], option


@pytest.mark.parametrize(
    ("lang", "answer", "pattern"),
    [
        *[("hi", "1,00,000", r"\d,\d\d,\d{3}"), ("en", "12,34,567", r"\d\d,\d\d,\d{3}"), ("ar", "1،200", r"\d،\d{3}")],
        *[("bn", "১৯৭৫", "[০-৯]{4}"), ("en", "120,046", r"\d{3},\d{3}"), ("es", "1 345 596", r"\d \d{3} \d{3}")],
        *[
            ("ru", "2–1", r"\d–1"),
            ("en", "3:1", r"\d:1"),
            ("ru", "2 м", r"\d м"),
            ("ru", "49 К", r"\d\d К"),
            ("ru", "25 км", r"\d\d км"),
        ],
        *[("en", "45 million", r"\d\d million"), ("en", "500million", r"\d00million"), ("en", "48lb", r"\d\dlb")],
        *[("en", "2004-03-12", r"\d{4}-03-12"), ("en", "12/03/2004", r"12/03/\d{4}"), ("en", "1 mile", r"\d mile")],
    ],
)
def test_the_format_is_kept(lang, answer, pattern):
    options = changed_in(lang, answer)
    assert len(options) >= 3
    assert all(re.fullmatch(pattern, option) for option in options)


def test_the_plural_form_is_kept():
    assert {option.split()[0][-1] for option in changed_in("ru", "22 года")} <= set("234")
    assert "1 miles" not in changed_in("en", "2 miles")


def test_all_languages_get_the_same_values():
    options = changed(en="139th", ru="139-е", tr="139.", hi="139वें", zh="第 139")
    assert len({len(texts) for texts in options.values()}) == 1
    assert all(en.rstrip("stndrh") == ru.removesuffix("-е") for en, ru in zip(options["en"], options["ru"], strict=True))


def test_a_huge_number_is_not_changed():
    assert not changed_in("en", "1" * 900)


def test_true_values_near_by_are_found():
    values = TrueValues([10, 25, 30, 40, 41, 40, 70])
    assert values.near(40, 15, 1) == {25, 30, 40, 41}
    assert values.near(40, 30, 10) == {10, 30, 40, 70}
    assert values.near(200, 15, 1) == set()


def test_only_the_nearest_true_values_are_taken():
    # Otherwise every number of a file would be tried for every other one.
    many = TrueValues(range(0, 10_000))
    most = MOST_TRUE_VALUES
    assert many.near(5000, 4000, 1) == set(range(5000 - most, 5000 + most + 1))
    assert many.near(5000, 4000, 10) == set(range(5000 - 10 * most, 5000 + 10 * most + 1, 10)) & set(range(1000, 9001))


@pytest.mark.parametrize("preferred", [frozenset(), frozenset({3, 90}), frozenset(range(0, 200, 3))])
def test_few_values_are_tested_and_they_are_those_that_come_first_on_either_side(preferred):
    tested = []

    def is_valid(value):
        tested.append(value)
        return value % 2 == 0

    values, truth = [value for value in range(200) if value != 101], 101
    few = drawable(values, truth, preferred, is_valid)
    assert len(tested) <= 2 * len(few) + 4
    even = sorted(range(0, 200, 2), key=lambda value: (value not in preferred, abs(value - truth)))
    # Six, and up to three preferred ones, of which there are 1 and 0 in the second case: 90 is even and below the truth, 3 is odd.
    below, above = {0: (6, 6), 2: (8, 6)}.get(len(preferred), (9, 9))
    assert few == sorted([*[v for v in even if v < truth][:below], *[v for v in even if v > truth][:above]])


@pytest.mark.parametrize(
    ("lang", "answer", "some", "never"),
    [
        ("en", "nine", {"three", "eight"}, {"ten", "nine", "zero"}),
        ("en", "Twelve", {"Eleven", "Thirteen"}, {"Ten hundred", "twelve"}),
        ("en", "five million", {"four million", "six million"}, {"five billion"}),
        ("en", "six years", {"five years", "seven years"}, {"one years"}),
        ("en", "twenty-five", {"thirty-five", "forty-five"}, {"ten-five"}),
        ("de", "zwölf", {"elf", "dreizehn", "zwanzig"}, {"zehn hundert", "zwölf"}),
        ("de", "drei Jahre", {"vier Jahre", "fünf Jahre"}, {"zwei Jahre", "eins Jahre"}),
        ("fr", "quatre-vingts", set(), {"cinq-vingts", "trois-vingts"}),  # Eighty: no other ten is made like it.
        ("es", "trescientos", {"doscientos", "cuatrocientos"}, {"trescientas"}),
        ("ru", "пять", {"шесть", "семь"}, {"пяти", "шести"}),
        ("ru", "три года", set(), {"пять года"}),  # It is пять лет, and only four has the same plural form.
        ("ru", "пять лет", {"шесть лет", "семь лет"}, {"четыре лет"}),
        ("hi", "तीन", {"चार", "पाँच"}, {"दस"}),
        ("ar", "ثلاثة", {"أربعة", "خمسة"}, {"أربع"}),  # The form beside masculine nouns stays one.
        ("ar", "ثلاث", {"أربع", "خمس"}, {"أربعة"}),
        ("zh", "三百", {"四百", "五百"}, {"三千", "两百"}),
        ("th", "หก", {"ห้า", "เจ็ด", "สาม"}, set()),
        ("th", "สามสิบ", {"สี่สิบ", "ห้าสิบ"}, set()),
        ("sw", "tatu", {"nne", "tano"}, set()),
        ("sw", "miaka mitatu", set(), {"miaka nne"}),  # The numeral would have to agree: miaka minne.
        ("es", "siglo XVI", {"siglo XV", "siglo XIX"}, {"siglo XXII", "siglo XVI"}),
        ("ru", "XVII", {"XVI", "XIX"}, {"XXII"}),
        ("ru", "XIX век", {"XVIII век", "XX век"}, {"XXII век"}),
        ("ja", "五つ", {"六つ", "七つ"}, {"みっつ", "三つ"}),
        ("fi", "neljä", {"viisi", "kuusi"}, {"viide", "viittä"}),
        ("tr", "dört", {"beş", "altı"}, set()),
    ],
)
def test_numbers_in_words_are_changed_into_the_same_form_of_other_numbers(lang, answer, some, never):
    options = set(changed_in(lang, answer))
    assert some <= options
    assert not (options & never)


def test_a_number_is_in_words_in_one_language_and_in_digits_in_another():
    options = changed(en="nine", de="9", zh="九")
    assert dict(zip(options["en"], zip(options["de"], options["zh"], strict=True), strict=True))["seven"] == ("7", "七")
    assert len(options["en"]) >= 3


@pytest.mark.parametrize(
    ("lang", "answer", "pattern"),
    [
        *[("en", "605 feet", r"\d{3} feet"), ("en", "$3 million", r"\$\d million"), ("en", "12 %", r"\d\d %")],
        *[("en", "3.5 hours", r"\d\.\d hours"), ("en", "about 40", r"about \d\d"), ("en", "1,234", r"\d,\d{3}")],
        *[("ar", "٤٢", "[٠-٩]{2}"), ("en", "1990s", r"\d{3}0s"), ("en", "BC 44", r"BC \d\d")],
        ("en", "16th century", r"\d\d(?:th|st) century"),
    ],
)
def test_the_unit_and_the_number_of_digits_stay(lang, answer, pattern):
    options = changed_in(lang, answer)
    assert len(options) >= 3
    assert all(re.fullmatch(pattern, option) for option in options)


def changed_date(lang, answer):
    (number, *_) = find_changeable({lang: answer})
    return [number.with_value(value)[lang] for value in possible_values(number, frozenset(), is_date=True)]


@pytest.mark.parametrize(
    ("lang", "answer"),
    [
        *[("de", "14.30 Uhr"), ("fi", "klo 14.50"), ("da", "kl. 23.40"), ("tr", "23.50"), ("it", "alle 21,45"), ("en", "9.05")],
        *[
            ("fr", "18 h 30"),
            ("fr", "9 heures 50"),
            ("fr", "18h45"),
            ("it", "ore 21"),
            ("pl", "godz. 22"),
            ("pt", "às 22 horas"),
        ],
        *[("es", "21 horas"), ("pt", "18h50"), ("lt", "21 val. 40 min.")],
    ],
)
def test_a_time_of_day_exists_without_words_of_its_language(lang, answer):
    options = changed_date(lang, answer)
    assert len(options) >= 3
    for option in options:
        hours, minutes = ([*re.findall(r"\d+", option), "0"])[:2]
        assert int(hours) <= 23
        assert int(minutes) <= 59
    # 23 hours may be a duration, too.
    assert answer != "21 horas" or any("24 horas" in option for option in changed_in(lang, answer))


def test_a_day_with_a_numeric_month_is_no_decimal_number():
    assert not changed_in("de", "31.12.")
    assert changed_in("de", "31.12")


@pytest.mark.parametrize(
    ("answer", "most"), [("85°S", 90), ("89° N", 90), ("40° 58′ N", 59), ("178° E", 180), ("12°30′58″ W", 59)]
)
def test_degrees_of_latitude_and_longitude_exist(answer, most):
    (number, *_) = find_changeable({"en": answer})
    values = possible_values(number, frozenset())
    assert len(values) >= 3
    assert max(values) <= most


def test_beside_a_year_in_the_future_stand_near_years():
    # Nobody answers "When will it be?" with 1820 or 2299.
    values = [int(option) for option in changed_in("en", "2026")]
    assert {2024, 2025, 2027, 2028} <= set(values)
    assert min(values) >= 2010
    assert max(values) <= 2040
    assert max(int(option) for option in changed_in("en", "2019")) == 2025


@pytest.mark.parametrize(
    ("lang", "answer", "some", "never"),
    [
        # The day is changed, not the month.
        ("ko", "1월 1일", "1월 5일", "5월 1일"),
        ("en", "6 ft 6 in", "6 ft 8 in", "8 ft 6 in"),
        # A sum without a result, and "more than".
        ("en", "2 + 3", "2 + 5", "2 + 1"),
        ("en", "50+ people", "60+ people", "51+ people"),
    ],
)
def test_a_number_that_occurs_twice_and_a_sum_are_changed(lang, answer, some, never):
    options = changed_in(lang, answer)
    assert some in options
    assert never not in options


def test_numbers_that_occur_twice_stay_in_parallel_answers():
    # Which of them is the day differs between languages.
    assert not changed(en="1/1 or 1", ko="1월 1일")["ko"]


def test_thousands_of_digits_are_no_error():
    # `int` refuses them.
    assert "7" * 5000 + " and 13" in changed_in("en", "7" * 5000 + " and 12")
    assert not changed_in("en", "7" * 5000)
