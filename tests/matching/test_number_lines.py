"""Numbers of a line in languages that separate words by spaces: ordinals, Roman numerals, and numerals that are other words."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching.lines import line_of
from lm_eval_illusion.matching.number_lines import numbers_in_words


def numbers(text, lang):
    return [
        (int(number.value), number.kind)
        for number in numbers_in_words(line_of(text, lang, keeps_articles=True))
        if number.is_clear
    ]


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "the 3rd of 4", [(3, "ordinal"), (4, "digits")]),
        ("fr", "Le XIXe siècle", [(19, "roman")]),
        ("ro", "secolul al XIX-lea", [(19, "roman")]),
        ("ru", "3-е место", [(3, "ordinal")]),
        # a stop behind digits may be that of an ordinal or the end of a sentence
        ("de", "der 3. Platz", [(3, "dotted")]),
        ("de", "Es sind 3.", [(3, "digits")]),
        # not a Roman numeral: lower case, or a pronoun at the beginning
        ("en", "Louis xiv", []),
        ("en", "I think so", []),
        ("en", "Did Charles V say so", [(5, "roman")]),
        # a full stop or a comma ends a number
        ("en", "Forty. Two were lost.", [(40, "cardinal"), (2, "cardinal")]),
        ("en", "forty-two", [(42, "cardinal")]),
        # a decade is no year
        ("en", "the 1990s", []),
        ("de", "die 1990er Jahre", []),
    ],
)
def test_numbers_by_hand(lang, text, expected):
    assert numbers(text, lang) == expected


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "the one who won"),
        ("en", "one of the largest"),
        ("de", "Er hat eine Tochter"),
        ("es", "Tenía una hija"),
        ("it", "tu sei bravo"),
        ("ru", "один из городов"),
        ("pl", "jeden z największych"),
        ("fi", "yksi suurimmista"),
        ("tr", "Elmayı yedi"),
        ("hi", "एक बड़ा शहर"),
        ("bn", "এটা ঠিক নয়"),
        ("te", "ఒక పెద్ద నగరం"),
        ("id", "salah satu kota"),
        ("vi", "vào năm sau"),
        ("ar", "واحد من أكبر المدن"),
        ("he", "אחד מהגדולים"),
        ("fa", "نه، درست نیست"),
        ("sw", "moja ya miji mikubwa"),
        ("ko", "네, 맞습니다"),
    ],
)
def test_a_word_that_is_spelled_like_a_numeral_is_none(lang, text):
    assert numbers(text, lang) == []


@pytest.mark.parametrize(
    ("lang", "text", "value"),
    [
        ("en", "only one", 1),
        ("de", "genau eine", 1),
        ("it", "ha sei figli", 6),
        ("ru", "одна дочь", 1),
        ("bn", "নয়টি গ্রহ", 9),
        ("vi", "năm con mèo", 5),
        ("fa", "نه نفر", 9),
        ("ko", "네 개예요", 4),
    ],
)
def test_a_counter_or_stress_shows_a_numeral(lang, text, value):
    assert [number for number, _ in numbers(text, lang)] == [value]
