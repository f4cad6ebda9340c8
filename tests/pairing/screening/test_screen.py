"""Which questions can become items: yes/no questions can't, and an answer that stands in its question needs others beside it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.pairing.option_rules import right_answers
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.answer_in_question import IN_QUESTION_REASON
from lm_eval_illusion.pairing.screening.screen import screen
from lm_eval_illusion.pairing.screening.yes_no import YES_NO_REASON

OLDER = {
    "en": ("Which is older, Rome or Oslo?", "Rome"),
    "de": ("Was ist älter, Rom oder Oslo?", "Rom"),
    "fi": ("Kumpi on vanhempi, Rooma vai Oslo?", "Rooma"),
}


def screened(*questions):
    return screen(group_by_id(questions), right_answers(questions))


def question(text, answer, lang="en", context="", **fields):
    return Question(fields.pop("id", "1"), lang, text, context, answer, **fields)


def parallel(texts, **fields):
    return [question(text, answer, lang, **fields) for lang, (text, answer) in texts.items()]


def test_a_yes_no_question_is_dropped_and_lends_its_answer_to_no_other():
    found = screened(question("Is Pluto a planet?", "No"), question("Who found Pluto?", "Tombaugh", id="2"))
    assert found.dropped == {"1": YES_NO_REASON}
    assert [kept.id for kept in found.questions] == ["2"]


def test_an_answer_that_can_be_copied_is_dropped_but_may_be_an_option_of_others():
    found = screened(question("What color is the white horse of Napoleon?", "White"))
    assert found.dropped == {"1": IN_QUESTION_REASON}
    assert [kept.id for kept in found.questions] == ["1"]


def test_with_a_passage_it_is_kept_and_known():
    found = screened(question("What color is the white horse of Napoleon?", "White", context="His horse was white."))
    assert found.dropped == {}
    assert found.copied_from_passage == {"1"}


@pytest.mark.parametrize("context", ["", "Rome is older than Oslo."])
def test_what_the_question_offers_becomes_an_option_in_every_language(context):
    found = screened(*parallel(OLDER, context=context))
    assert found.offered == {"1": [{"en": "Oslo", "de": "Oslo", "fi": "Oslo"}]}
    assert found.dropped == {}
    assert found.copied_from_passage == frozenset()


def test_an_id_is_dropped_in_all_languages_if_one_of_them_states_the_answer():
    texts = {"en": ("Which city lies on the Spree?", "Berlin"), "de": ("Welche Stadt nennt man Spree-Berlin?", "Berlin")}
    found = screened(*parallel(texts))
    assert found.dropped == {"1": IN_QUESTION_REASON}


def test_languages_that_offer_something_else_give_no_options():
    other_order = OLDER | {"de": ("Was ist älter, Oslo oder Rom?", "Rom")}
    more = OLDER | {"de": ("Was ist älter, Rom, Oslo oder Bonn?", "Rom")}
    for texts in (other_order, more):
        assert screened(*parallel(texts)).dropped == {"1": IN_QUESTION_REASON}


def test_the_right_answer_of_another_row_is_no_option():
    first = question("Which is a city, Rome or Oslo?", "Rome")
    second = question("Which is a city, Rome or Oslo?", "Oslo", id="2")
    assert screened(first, second).dropped == {"1": IN_QUESTION_REASON, "2": IN_QUESTION_REASON}


def test_options_of_the_source_decide_where_one_of_them_stands_in_the_question_too():
    kept = question("Which is older, Rome or Oslo?", "Rome", choices=("Rome", "Oslo", "Both", "Neither"))
    copied = question("Which is older, Rome or not?", "Rome", choices=("Rome", "Oslo", "Bonn", "Bern"))
    assert screened(kept).dropped == {}
    assert screened(kept).offered == {}
    assert screened(copied).dropped == {"1": IN_QUESTION_REASON}


PIECES = st.sampled_from(
    [
        " or ",
        ", ",
        " oder ",
        "还是",
        "?",
        ": ",
        ".",
        " the ",
        "Rome",
        "Oslo",
        "New York",
        "是",
        "1914",
        "İ",
        "ß",
        " - ",
        "(",
        "Yes",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(language_codes()), TEXTS, TEXTS.map("x{}".format) | PIECES, st.booleans())
def test_any_text_is_screened(lang, text, answer, has_passage):
    found = screened(question(text, answer, lang, "A passage." if has_passage else ""))
    # One fate: dropped, or usable as it is, with the options that it offers, or known to state its answer.
    assert (len(found.questions) == 1) != (found.dropped.get("1") == YES_NO_REASON)
    for options in found.offered.values():
        texts = [option[lang] for option in options]
        assert len(set(texts)) == len(texts) >= 1
        # An option is written in the question, apart from its letter case.
        assert all(option.casefold() in text.casefold() or option.split()[0].casefold() in text.casefold() for option in texts)
        assert answer not in texts
