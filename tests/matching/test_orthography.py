"""Spellings of one word that are folded, and similar words that stay different, in every language with rules in [spelling]."""

from __future__ import annotations

import pytest

from lm_eval_illusion.languages import Language, language, language_codes
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.orthography import fold_letters

SAME = [
    ("ar", "مُحَمَّد", "محمد"),
    ("ar", "القاهرة", "قاهره"),
    ("ar", "ٱلكتاب", "كتاب"),
    ("ar", "أحمد", "احمد"),
    ("ar", "مصطفى", "مصطفي"),
    ("ar", "وإلى", "وألي"),
    ("el", "Αθήνα", "ΑΘΗΝΑ"),
    ("en", "São Paulo", "Sao Paulo"),
    ("fa", "كتاب", "کتاب"),
    ("fa", "إيران", "ایران"),
    ("fr", "L'Égypte", "l égypte"),
    ("he", "שָׁלוֹם", "שלום"),
    ("he", 'צה"ל', "צהל"),
    ("hi", "गङ्गा", "गंगा"),
    ("hi", "चाँद", "चांद"),
    ("it", "l'Italia", "l italia"),
    ("ro", "Bucureşti", "București"),
    ("ru", "Королёв", "Королев"),
    ("ru", "за́мок", "замок"),
    ("th", "น้ำ", "น\u0e4d\u0e49า"),
    ("tr", "ISPARTA", "ısparta"),
    ("tr", "İzmir", "izmir"),
    ("tr", "Ankara'da", "Ankara"),
    ("tr", "1989'un", "1989"),
    ("uk", "за́мок", "замок"),
    ("ur", "كراچي", "کراچی"),
    ("zh", "臺灣", "台湾"),
    ("zh", "烏龍茶", "乌龙茶"),
    ("vi", "hoà", "hòa"),
    ("vi", "thuý", "thúy"),
    ("de", "STRASSE", "straße"),
    ("de", "O’Brien", "O'Brien"),
]
DIFFERENT = [
    ("ar", "على", "علي"),
    ("ar", "ألمانيا", "مانيا"),
    ("ar", "الله", "ه"),
    ("de", "schön", "schon"),
    ("es", "año", "ano"),
    ("fr", "Pâques", "Paques"),
    ("ru", "май", "маи"),
    ("tr", "Isparta", "isparta"),
    ("tr", "1990'lar", "1990"),
    ("vi", "ma", "mà"),
]


@pytest.mark.parametrize(("lang", "first", "second"), SAME)
def test_spellings_of_one_word_are_folded(lang, first, second):
    assert fold_letters(first, lang) == fold_letters(second, lang)


@pytest.mark.parametrize(("lang", "first", "second"), DIFFERENT)
def test_different_words_stay_different(lang, first, second):
    assert fold_letters(first, lang) != fold_letters(second, lang)


def test_every_language_with_spelling_rules_has_a_case():
    with_rules = {code for code in language_codes() if language(code).spelling != Language().spelling}
    assert with_rules <= {lang for lang, *_ in SAME}


@pytest.mark.parametrize("lang", [code for code in language_codes() if language(code).words.articles])
def test_every_article_is_removed_before_a_word(lang):
    for article in language(lang).words.articles:
        assert normalise(f"{article.capitalize()} Xyz", lang) == "xyz"
