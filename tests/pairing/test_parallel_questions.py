"""Whose answer may be lent to whom, in which language's form."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, as_option
from lm_eval_illusion.pairing.questions import Question

LEXUS = {"el": "Lexus", "en": "Lexus", "tr": "Lexus"}
PARIS = {"el": "Παρίσι", "en": "Paris", "tr": "Paris\u2019te"}


def bundle(answers, kind="name"):
    one_id = answers.get("en") or next(iter(answers.values()))
    return ParallelQuestion(one_id, {lang: Question(one_id, lang, "?", "", answer) for lang, answer in answers.items()}, kind)


def test_beside_a_name_left_in_latin_letters_stands_the_english_name():
    assert as_option(bundle(PARIS), bundle(LEXUS)) == {"el": "Paris", "en": "Paris", "tr": "Paris\u2019te"}


def test_a_name_stays_in_its_own_script():
    assert as_option(bundle({"el": "Ρώμη", "en": "Rome"}), bundle({"el": "Παρίσι", "en": "Paris"})) == {
        "el": "Ρώμη",
        "en": "Rome",
    }
    assert as_option(bundle({"el": "Honda", "en": "Honda"}), bundle({"el": "Lexus", "en": "Lexus"})) == {
        "el": "Honda",
        "en": "Honda",
    }


def test_a_phrase_left_in_english_stands_beside_english():
    assert as_option(bundle({"el": "φτώχεια", "en": "poverty"}, "phrase"), bundle({"el": "War", "en": "War"}, "phrase")) == {
        "el": "poverty",
        "en": "poverty",
    }


def test_latin_letters_within_another_script_are_no_other_language():
    airport, gallery = {"el": "Αεροδρόμιο Van Nuys", "en": "Van Nuys Airport"}, {"el": "γκαλερί", "en": "gallery"}
    assert as_option(bundle(gallery), bundle(airport)) == gallery
    assert as_option(bundle(airport), bundle(gallery)) == airport


@pytest.mark.parametrize(
    ("donor", "receiver", "kind"),
    [
        ({"el": "τέσσερα", "en": "four"}, {"el": "ADN", "en": "DNA"}, "phrase"),  # neither name nor English
        ({"el": "Παρίσι", "tr": "Paris'te"}, {"el": "Lexus", "tr": "Lexus"}, "name"),  # no English form
        (
            {"el": "1990", "en": "the year 1990"},
            {"el": "Lexus", "en": "Lexus"},
            "name",
        ),  # nothing to stand for in Latin letters
        ({"el": "Honda", "en": "Honda"}, {"el": "Παρίσι", "en": "Paris"}, "name"),  # Latin beside Greek
        ({"el": "Honda", "en": "Honda"}, {"el": "Lexus της Toyota", "en": "Toyota's Lexus"}, "name"),  # has Greek letters
    ],
)
def test_nothing_of_another_language_is_lent(donor, receiver, kind):
    assert as_option(bundle(donor, kind), bundle(receiver, kind)) is None
