"""The table of answers against `as_option`, for each pair of question and donor by itself."""

from __future__ import annotations

import numpy as np

from lm_eval_illusion.pairing.donors.answer_table import answer_table, codes
from lm_eval_illusion.pairing.parallel_questions import as_option, group_by_id
from lm_eval_illusion.pairing.reading.questions import Question

# In Greek and English: Greek names, names that stay in Latin letters, a number, one that has no Greek form, one without English.
ANSWERS = {
    "a": {"el": "Αθήνα", "en": "Athens"},
    "b": {"el": "Lexus", "en": "Lexus"},
    "c": {"el": "Ρώμη", "en": "Rome"},
    "d": {"el": "42", "en": "42"},
    "e": {"en": "Oslo"},
    "f": {"el": "Van Nuys", "en": "Van Nuys Airport"},
    "g": {"el": "Βόλος"},
}


def test_codes_number_the_different_values():
    assert codes("abcab") == [0, 1, 2, 0, 1]


def test_each_option_is_that_of_the_pair():
    questions = group_by_id(
        Question(key, lang, "?", "", text) for key, by_lang in ANSWERS.items() for lang, text in by_lang.items()
    )
    everyone = np.arange(len(questions))
    for lang in ("el", "en"):
        table = answer_table(questions, lang)
        for row, question in enumerate(questions):
            if lang not in question.by_lang:
                continue
            options = table.options(np.full(len(questions), row), everyone)
            for donor, text in zip(questions, options.tolist(), strict=True):
                in_lang = as_option_in(donor, question, lang)
                assert (table.texts[text] if text >= 0 else None) == in_lang, (question.id, donor.id, lang)


def as_option_in(donor, question, lang):
    """The option in one language, None where there is none."""
    if lang not in donor.by_lang:
        return None
    only = type(question)(question.id, {lang: question.by_lang[lang]}, question.given_type, question.form)
    if lang != "en" and "en" in question.by_lang:
        # The English answer decides whether a Latin answer was left in English.
        only = type(question)(question.id, {**only.by_lang, "en": question.by_lang["en"]}, question.given_type, question.form)
        if "en" not in donor.by_lang:
            return None if (option := as_option(donor, drop_english(only))) is None else option[lang]
    option = as_option(donor, only)
    return None if option is None else option[lang]


def drop_english(question):
    by_lang = {lang: translation for lang, translation in question.by_lang.items() if lang != "en"}
    return type(question)(question.id, by_lang, question.given_type, question.form)


def test_lengths_and_formats():
    questions = group_by_id(
        [Question("1", "en", "?", "", "abcd"), Question("2", "en", "?", "", "5 km"), Question("3", "en", "?", "", "7 mi")]
    )
    table = answer_table(questions, "en")
    assert table.log_lengths.tolist() == [np.log(4)] * 3
    assert table.formats[1] == table.formats[2] != table.formats[0]
    assert table.compact == ["abcd", "5km", "7mi"]
