"""Spellings of one word that are folded, and similar words that stay different, in every language with rules in [spelling]."""

from __future__ import annotations

import msgspec
import pytest

from lm_eval_illusion.languages import Language, language, language_codes
from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.matching.text.orthography import fold_letters

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
    # The sign & between spaces is the word; abbreviations have stops or none.
    ("bn", "জনসন & জনসন", "জনসন এবং জনসন"),
    ("bn", "এ. পি. জে. আবদুল", "এপিজে আবদুল"),
    ("cs", "Johnson & Johnson", "Johnson a Johnson"),
    ("da", "Johnson & Johnson", "Johnson og Johnson"),
    ("el", "Η.Π.Α.", "ΗΠΑ"),
    ("en", "the U.K. is", "the UK is"),
    ("en", "J. R. R. Tolkien", "J.R.R. Tolkien"),
    ("en", "J.R.R.Tolkien", "JRR Tolkien"),
    ("en", "Johnson & Johnson", "Johnson and Johnson"),
    ("en", "colour", "color"),
    ("en", "neighbours", "neighbors"),
    ("en", "organisation", "organization"),
    ("en", "recognised", "recognized"),
    ("en", "haemoglobin", "hemoglobin"),
    ("en", "the centre", "the center"),
    ("es", "EE. UU.", "EEUU"),
    ("fi", "Johnson & Johnson", "Johnson ja Johnson"),
    ("fr", "cœur", "coeur"),
    ("hi", "एम. एस. धोनी", "एमएस धोनी"),
    ("hu", "Johnson & Johnson", "Johnson és Johnson"),
    ("id", "R.A. Kartini", "RA Kartini"),
    ("ja", "U.S.A.", "USA"),
    ("ko", "존슨 & 존슨", "존슨 그리고 존슨"),
    ("ms", "Johnson & Johnson", "Johnson dan Johnson"),
    ("nl", "Peek & Cloppenburg", "Peek en Cloppenburg"),
    ("no", "Johnson & Johnson", "Johnson og Johnson"),
    ("pl", "U.S.A.", "USA"),
    ("pl", "Johnson & Johnson", "Johnson i Johnson"),
    ("pt", "E.U.A.", "EUA"),
    ("pt", "Simon & Garfunkel", "Simon e Garfunkel"),
    ("ru", "С.С.С.Р.", "СССР"),
    ("sv", "Johnson & Johnson", "Johnson och Johnson"),
    ("sw", "Johnson & Johnson", "Johnson na Johnson"),
    ("te", "ఎ. పి. జె. అబ్దుల్", "ఎపిజె అబ్దుల్"),
    ("uk", "Ґданськ", "Гданськ"),
    ("vi", "TP. Huế", "Thành phố Huế"),
    ("az", "İlham", "ilham"),
    ("az", "Işıq", "ışıq"),
    ("ca", "L'Hospitalet", "l Hospitalet"),
    ("ig", "Johnson & Johnson", "Johnson na Johnson"),
    ("sr", "Љубљана и Џакарта", "Ljubljana i Džakarta"),
    ("sr", "инјекција у Нишу", "injekcija u Nišu"),
    ("yo", "Johnson & Johnson", "Johnson àti Johnson"),
]
DIFFERENT = [
    ("ar", "على", "علي"),
    ("ar", "ألمانيا", "مانيا"),
    ("ar", "الله", "ه"),
    ("de", "schön", "schon"),
    ("de", "Goethe", "Göthe"),
    ("en", "AT&T", "AT and T"),
    ("en", "exercise", "exercize"),
    ("en", "hour", "hor"),
    ("en", "four", "for"),
    ("en", "Caesar", "Cesar"),
    ("en", "He has vitamin C. It is", "He has vitamin CIt is"),
    ("es", "año", "ano"),
    ("fr", "Pâques", "Paques"),
    ("ru", "май", "маи"),
    ("sr", "Ниш", "Nis"),
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
    plain = Language().spelling
    # One test below is about the sign & in all languages.
    rules = {code: msgspec.structs.replace(language(code).spelling, ampersand=()) for code in language_codes()}
    assert {code for code, own in rules.items() if own != plain} <= {lang for lang, *_ in SAME}


def test_the_sign_for_and_is_the_first_of_its_words_in_every_language():
    for code in language_codes():
        for word in language(code).spelling.ampersand[:1]:
            assert fold_letters("Johnson & Johnson", code) == fold_letters(f"Johnson {word} Johnson", code), code


@pytest.mark.parametrize("lang", [code for code in language_codes() if language(code).words.articles])
def test_every_article_is_removed_before_a_word(lang):
    for article in language(lang).words.articles:
        assert normalise(f"{article.capitalize()} Xyz", lang) == "xyz"
