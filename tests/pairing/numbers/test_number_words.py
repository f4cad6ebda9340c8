"""Numbers in words that may be changed; the words are written here by hand. `test_changes` tests the changes."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.numbers.number_words import reads_well, spelled_numbers, with_number_word


@pytest.mark.parametrize(
    ("lang", "text", "digits"),
    [
        *[("en", "nine", ["9"]), ("en", "five million", ["5"]), ("en", "twenty-five", ["20", "5"]), ("en", "a dozen", [])],
        *[("en", "7-Eleven", []), ("en", "Twelve", ["12"]), ("en", "often", []), ("en", "9", [])],
        *[
            ("de", "ein Jahr", []),
            ("de", "fünf Jahre", ["5"]),
            ("zh", "三百", ["3"]),
            ("sw", "miaka saba", []),
            ("sw", "saba", ["7"]),
        ],
        *[("fr", "septante", []), ("tr", "dört", ["4"]), ("it", "sei", ["6"]), ("it", "sei anni", []), ("eu", "bost", [])],
    ],
)
def test_numbers_in_words(lang, text, digits):
    found = spelled_numbers(text, lang)
    assert [number.digits for number in found] == digits
    assert all(number.is_spelled and not number.is_plain for number in found)


@pytest.mark.parametrize(
    ("lang", "text", "value", "expected"),
    [
        *[
            ("en", "nine lives", 7, "seven lives"),
            ("en", "Nine", 7, "Seven"),
            ("en", "nine", 11, "eleven"),
            ("en", "nine", 21, None),
        ],
        *[("ru", "девяти", 6, "шести"), ("ru", "девяти", 3, None), ("ar", "تسع", 8, "ثماني"), ("ar", "تسعة", 8, "ثمانية")],
        *[
            ("de", "fünfzig", 30, "dreißig"),
            # Alone it agrees with nothing; beside a noun two may be zweier.
            ("de", "drei", 2, "zwei"),
            ("de", "zwei", 1, "eins"),
            ("ru", "два", 3, "три"),
            ("ru", "три", 2, "два"),
            ("de", "drei Hunde", 2, None),
            ("es", "doscientas", 300, "trescientas"),
            ("hi", "नौ", 2, "दो"),
        ],
    ],
)
def test_another_number_in_the_same_form(lang, text, value, expected):
    (number,) = spelled_numbers(text, lang)
    assert with_number_word(text, number, value, lang) == expected


def test_a_number_that_would_agree_with_its_noun_is_changed_only_alone():
    """ "zwei Hunde" may be "zweier Hunde", and "два" is "две" beside a feminine noun: alone nothing shows it."""
    assert spelled_numbers("zwei Hunde", "de") == []
    assert spelled_numbers("два года", "ru") == []
    assert [number.digits for number in spelled_numbers("zwei", "de")] == ["2"]


def test_a_text_that_is_no_number_does_not_read_well():
    number = spelled_numbers("quatre-vingts", "fr")[0]
    assert not reads_well("quatre-vingts", number, "fr")(5)  # cinq-vingts
    (five,) = spelled_numbers("five million", "en")
    assert reads_well("five million", five, "en")(6)
    assert not reads_well("five million", five, "en")(5)
