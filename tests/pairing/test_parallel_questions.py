"""Parallel questions: grouping by id, the donor's answer as an option in each language, and the selection under a limit."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion, as_option, group_by_id, select_first
from lm_eval_illusion.pairing.reading.questions import Question

LEXUS = {"el": "Lexus", "en": "Lexus", "tr": "Lexus"}
PARIS = {"el": "Παρίσι", "en": "Paris", "tr": "Paris\u2019te"}

language_sets = st.lists(st.sets(st.sampled_from("en de es zh".split()), min_size=1), max_size=40)


def parallel(answers, kind="name"):
    question_id = answers.get("en") or next(iter(answers.values()))
    by_lang = {lang: Question(question_id, lang, "?", "", answer) for lang, answer in answers.items()}
    return ParallelQuestion(question_id, by_lang, "", kind)


def test_questions_are_grouped_by_id_in_the_order_of_first_appearance():
    rows = [("b", "en"), ("a", "en"), ("b", "de")]
    grouped = group_by_id(Question(question_id, lang, "Who?", "", "1388") for question_id, lang in rows)
    assert [(question.id, list(question.by_lang)) for question in grouped] == [("b", ["de", "en"]), ("a", ["en"])]


def test_a_given_answer_type_is_kept_and_the_form_is_detected_in_any_case():
    (given,) = group_by_id([Question("a", "en", "When?", "", "1388", answer_type="reign")])
    (detected,) = group_by_id([Question("a", "en", "When?", "", "1388")])
    assert (given.given_type, given.form, given.answer_type, given.has_number) == ("reign", "date", "reign", True)
    assert (detected.given_type, detected.form, detected.answer_type) == ("", "date", "date")


def test_the_option_beside_a_name_in_latin_letters_is_the_english_name():
    assert as_option(parallel(PARIS), parallel(LEXUS)) == {"el": "Paris", "en": "Paris", "tr": "Paris\u2019te"}


def test_a_name_stays_in_its_own_script():
    assert as_option(parallel({"el": "Ρώμη", "en": "Rome"}), parallel({"el": "Παρίσι", "en": "Paris"})) == {
        "el": "Ρώμη",
        "en": "Rome",
    }
    assert as_option(parallel({"el": "Honda", "en": "Honda"}), parallel({"el": "Lexus", "en": "Lexus"})) == {
        "el": "Honda",
        "en": "Honda",
    }


def test_the_option_beside_a_phrase_left_in_english_is_english():
    donor, question = parallel({"el": "φτώχεια", "en": "poverty"}, "phrase"), parallel({"el": "War", "en": "War"}, "phrase")
    assert as_option(donor, question) == {"el": "poverty", "en": "poverty"}


def test_latin_letters_within_another_script_do_not_change_the_script():
    airport, gallery = {"el": "Αεροδρόμιο Van Nuys", "en": "Van Nuys Airport"}, {"el": "γκαλερί", "en": "gallery"}
    assert as_option(parallel(gallery), parallel(airport)) == gallery
    assert as_option(parallel(airport), parallel(gallery)) == airport


@pytest.mark.parametrize(
    ("donor", "question", "kind"),
    [
        ({"el": "τέσσερα", "en": "four"}, {"el": "ADN", "en": "DNA"}, "phrase"),  # neither a name nor English
        ({"el": "Παρίσι", "tr": "Paris'te"}, {"el": "Lexus", "tr": "Lexus"}, "name"),  # no English form
        ({"el": "1990", "en": "the year 1990"}, {"el": "Lexus", "en": "Lexus"}, "name"),  # the Greek form has no letters
        ({"el": "Honda", "en": "Honda"}, {"el": "Παρίσι", "en": "Paris"}, "name"),  # Latin beside Greek
        (
            {"el": "Honda", "en": "Honda"},
            {"el": "Lexus της Toyota", "en": "Toyota's Lexus"},
            "name",
        ),  # Greek letters in the answer
    ],
)
def test_an_answer_in_another_script_is_no_option(donor, question, kind):
    assert as_option(parallel(donor, kind), parallel(question, kind)) is None


def questions_in(sets):
    return [
        ParallelQuestion(str(n), {lang: Question(str(n), lang, "Who?", "", "Ada") for lang in sorted(langs)}, "", "name")
        for n, langs in enumerate(sets)
    ]


@given(language_sets, st.integers(1, 12))
def test_every_language_gets_as_many_questions_as_it_has_up_to_the_limit(sets, limit):
    selected = Counter(lang for langs in select_first(questions_in(sets), limit).values() for lang in langs)
    available = Counter(lang for langs in sets for lang in langs)
    assert selected == {lang: min(limit, count) for lang, count in available.items()}


@given(language_sets)
def test_without_a_limit_every_question_is_selected_in_all_its_languages(sets):
    assert select_first(questions_in(sets), None) == {str(n): frozenset(langs) for n, langs in enumerate(sets)}


@given(language_sets, st.integers(1, 12))
def test_a_language_takes_the_first_of_its_questions(sets, limit):
    order = sorted(range(len(sets)), key=lambda n: (-len(sets[n]), n))
    for lang, ids in selected_ids_by_language(sets, limit).items():
        assert ids == [str(n) for n in order if lang in sets[n]][:limit]


def selected_ids_by_language(sets, limit):
    selection = select_first(questions_in(sets), limit)
    languages = {lang for langs in selection.values() for lang in langs}
    return {lang: [question_id for question_id, langs in selection.items() if lang in langs] for lang in languages}


def test_nested_languages_share_the_questions_that_all_of_them_have():
    sets = [{"en"}] * 20 + [{"en", "de"}] * 20 + [{"en", "de", "es"}] * 20
    selection = select_first(questions_in(sets), 20)
    assert list(selection.values()) == [frozenset({"en", "de", "es"})] * 20


@pytest.mark.parametrize(
    ("lang", "donor", "answer", "is_option"),
    [
        ("ja", "フランス", "日本", True),
        ("ja", "日本", "フランス", True),
        ("ja", "いちご", "林檎", True),
        ("ko", "中國", "한국", True),
        ("ja", "NATO", "日本", False),
        ("ru", "Rome", "Париж", False),
        ("sr", "Rim", "Париз", False),
    ],
)
def test_scripts_of_one_writing_stand_beside_each_other(lang, donor, answer, is_option):
    """Japanese writes some countries in Chinese characters and others in kana; Cyrillic and Latin letters are two writings."""
    assert (as_option(parallel({lang: donor}), parallel({lang: answer})) is not None) is is_option
