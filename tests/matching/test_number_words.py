"""Numerals of each language, read back from a table that other people made."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.lines import line_of
from lm_eval_illusion.matching.number_clauses import numbers_in_characters
from lm_eval_illusion.matching.number_lines import numbers_in_words
from lm_eval_illusion.matching.number_words import attached_counter, may_have_numbers, numerals_of_word

# Language, kind, value, all ways to say it. Made with the spellout rules of ICU 72 (Unicode licence), all genders and cases; Bengali,
# which ICU lacks, with num2words 0.5.14 (0 to 120 and round numbers). Neither has Telugu words that are in use.
SPELLED: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
for row in (Path(__file__).parent / "spelled_numbers.tsv").read_text(encoding="utf-8").splitlines():
    code, spelled_kind, spelled_value, phrases = row.split("\t")
    SPELLED[code] += [(spelled_kind, int(spelled_value), phrase) for phrase in phrases.split("|")]

# ICU has these forms wrong (the words are οκτώ/όγδοο, восьмидесятый, третьему), or they are also other words: the second, 200,000
# and fifty; "no" for zero.
NOT_READ = {
    "el": {"όγδο", "δέκατο όγδο"},
    "fi": {"toista", "kahdettakymmenettätoista"},
    "ru": {"третьому"},
    "sw": {"elfu moja, moja", "elfu mbili, nne", "elfu mbili, ishirini na tano", "elfu mia mbili na hamsini"},
    "vi": {"không"},
}
# These languages use cardinals as ordinals from eleven or from twenty on.
WITHOUT_ORDINALS = {"ar", "he"}


def read(text, lang):
    """Return value and kind of a text that is one number; None if it is not."""
    if language(lang).words.spaces:
        line = line_of(text, lang, keeps_articles=True)
        numbers, length = numbers_in_words(line), len(line.words)
    else:
        clause = line_of(text, lang).whole
        numbers, length = numbers_in_characters(clause), len(clause.normal)
    whole = [number for number in numbers if (number.first, number.after) == (0, length)]
    return (whole[0].value, whole[0].kind) if whole else None


@pytest.mark.parametrize("lang", sorted(SPELLED))
def test_what_other_programs_spell_is_read_back(lang):
    misread = set()
    for kind, value, text in SPELLED[lang]:
        kinds = {kind, "cardinal"} if lang in WITHOUT_ORDINALS else {kind}
        if read(text, lang) not in {(Decimal(value), kind) for kind in kinds}:
            misread.add(text)
    assert misread == NOT_READ.get(lang, set())


@pytest.mark.parametrize(
    ("lang", "value", "text"),
    [
        # Telugu: no other program has its words
        ("te", 2, "ఇద్దరు"),
        ("te", 19, "పంతొమ్మిది"),
        ("te", 25, "ఇరవై ఐదు"),
        ("te", 250, "రెండు వందల యాభై"),
        ("te", 1947, "పందొమ్మిది వందల నలభై ఏడు"),
        ("te", 30_000_000, "మూడు కోట్లు"),
        # decimals and halves
        ("en", "2.5", "two point five"),
        ("en", "3.14", "three point one four"),
        ("de", "3.14", "drei Komma vierzehn"),
        ("en", 2_500_000, "two point five million"),
        ("en", 2_500_000, "two and a half million"),
        ("tr", 1_500_000, "bir buçuk milyon"),
        ("vi", 1_500_000, "một triệu rưỡi"),
        ("de", "2.5", "zweieinhalb"),
        ("ru", "1.5", "полтора"),
        ("hi", "2.5", "ढाई"),
        # years
        ("en", 1999, "nineteen ninety-nine"),
        ("en", 2020, "twenty twenty"),
        ("nl", 1984, "negentien vierentachtig"),
        ("zh", 1945, "一九四五"),
        ("zh", 2004, "二〇〇四"),
        # base twenty, and a mix of digits and words
        ("fr", 97, "quatre-vingt-dix-sept"),
        ("fr", 71, "soixante et onze"),
        ("zh", 35_000, "3万5千"),
        ("ko", 250_000_000, "2억 5천만"),
        ("th", 2_500_000, "สองล้านห้าแสน"),
        ("ro", 20_000_000, "20 de milioane"),
        ("en", 1234, "one thousand, two hundred and thirty-four"),
        ("sw", 12_000, "elfu kumi na mbili"),
    ],
)
def test_a_number_by_hand(lang, value, text):
    assert read(text, lang)[0] == Decimal(value)


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        # 2 does not follow 3 in any number, nor 30 after 20; thousands alone is no number; 007 is a code
        ("en", "three two"),
        ("en", "twenty thirty-one two"),
        ("en", "thousands"),
        ("en", "007"),
        ("de", "zweizwei"),
        ("zh", "二三"),
        # another word that begins with numerals
        ("de", "einund"),
        ("it", "trecento di"),
    ],
)
def test_no_number(lang, text):
    assert read(text, lang) is None


def test_digits_beyond_the_names_of_numbers_are_no_number():
    assert numerals_of_word("1" * 25, "en") == ()
    assert numerals_of_word("zwei" * 30, "de") == ()


def test_a_counter_is_found_behind_a_numeral_of_the_same_word():
    assert attached_counter("십구세기", "ko") == "세기"
    assert attached_counter("서른", "ko") == ""


def test_only_digits_and_numerals_may_be_numbers():
    assert may_have_numbers("louis xiv", "en")
    assert may_have_numbers("zweiundvierzig tage", "de")
    assert may_have_numbers("第三", "zh")
    assert not may_have_numbers("oslo", "en")
    assert not may_have_numbers("その他", "ja")
