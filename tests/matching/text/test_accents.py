"""Accents that are left out, and accents that make another word."""

from __future__ import annotations

import pytest

from lm_eval_illusion import matches
from lm_eval_illusion.matching import exact_match
from lm_eval_illusion.matching.text.accents import bare, contradict, is_same_but_accents


@pytest.mark.parametrize(
    ("text", "expected"),
    [("perú", "peru"), ("łódź", "lodz"), ("đà nẵng", "da nang"), ("ısparta", "isparta"), ("αθήνα", "αθηνα"), ("сам", "сам")],
)
def test_bare(text, expected):
    assert bare(text) == expected


@pytest.mark.parametrize("text", ["йод", "दिल्ली", "ঢাকা", "น้ำ", "が"])
def test_marks_that_are_no_accents_stay(text):
    assert bare(text) == text


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("perú", "peru", True),
        ("angelés", "ángelés", True),  # one of two accents is left out
        ("mà", "má", False),
        ("público", "publicó", False),
        ("łodz", "łódź", True),
    ],
)
def test_one_of_two_spellings_leaves_out_accents(one, other, expected):
    assert is_same_but_accents(one, other) is expected
    assert is_same_but_accents(other, one) is expected


@pytest.mark.parametrize(
    ("one", "other", "lang", "expected"),
    [
        ("νόμος", "Ο νομός.", "el", True),
        ("Αθήνα", "ΑΘΗΝΑ", "el", False),
        ("Ἀθῆναι", "Αθήναι", "el", False),
        ("café", "cafe", "en", False),
        ("résumé", "resume", "en", True),
        ("عُمان", "عمّان", "ar", True),
        ("مُحَمَّد", "محمّد", "ar", False),  # only some of the marks
        ("סַפָּר", "סֵפֶר", "he", True),
        ("Paris", "Roma", "fr", False),
    ],
)
def test_contradiction(one, other, lang, expected):
    assert contradict(one, other, lang) is expected


RIGHT = [
    ("es", "Perú", "Es Peru."),
    ("es", "Los Ángeles", "los angeles"),
    ("es", "árbol", "un arbol"),
    ("es", "Peru", "el Perú"),
    ("fr", "États-Unis", "Les Etats-Unis"),
    ("it", "Niccolò", "Niccolo' Machiavelli"),
    ("ro", "Timișoara", "Timisoara"),
    ("pl", "Łódź", "Lodz"),
    ("fi", "Sauli Niinistö", "Sauli Niinisto"),
    ("tr", "Çanakkale", "Canakkale"),
    ("vi", "Ai Cập", "Do la Ai Cap."),
    ("nl", "België", "Belgie"),
    ("en", "São Paulo", "Sao Paulo"),
    ("el", "Αθήνα", "ΑΘΗΝΑ"),
]
WRONG = [
    ("es", "año", "ano"),
    ("es", "papá", "La papa."),
    ("fr", "pâté", "la pâte"),
    ("fr", "pêche", "péché"),
    ("pt", "avó", "avô"),
    ("fi", "sää", "saa"),  # only names lose their accents in Finnish
    ("pl", "sąd", "sad"),
    ("tr", "öl", "ol"),
    ("vi", "mà", "ma thì có"),  # the line has accents
    ("el", "γέρος", "γερός"),
    ("el", "νόμος", "Είναι ο νομός."),
    ("en", "résumé", "You should resume your work."),
    ("de", "München", "Munchen"),
]


@pytest.mark.parametrize(("lang", "answer", "output"), RIGHT)
def test_a_word_without_its_accents_is_the_same_word(lang, answer, output):
    assert matches(output, [answer], lang)


@pytest.mark.parametrize(("lang", "answer", "output"), WRONG)
def test_a_word_with_other_accents_is_another_word(lang, answer, output):
    assert not matches(output, [answer], lang)


def test_exact_match_does_not_take_another_word_either():
    assert not exact_match("γερός", ["γέρος"], "el")
    assert exact_match("ΓΕΡΟΣ", ["γέρος"], "el")
