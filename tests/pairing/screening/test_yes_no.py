"""Yes/no questions are found in every language, and names such as that of the band Yes are not taken for them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lm_eval_illusion.languages import language, language_codes
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question
from lm_eval_illusion.pairing.screening.yes_no import is_yes_no_answer, is_yes_no_question

with (Path(__file__).parent / "yes_no_questions.tsv").open(encoding="utf-8", newline="") as file:
    QUESTIONS = list(csv.DictReader(file, delimiter="\t"))


def is_yes_no(text, answer, lang="en", **fields):
    (question,) = group_by_id([Question("1", lang, text, "", answer, **fields)])
    return is_yes_no_question(question)


def test_every_language_has_a_question():
    assert {row["lang"] for row in QUESTIONS} <= set(language_codes())
    assert len(QUESTIONS) >= 34


@pytest.mark.parametrize("row", QUESTIONS, ids=lambda row: row["lang"])
def test_the_replies_of_each_language_and_those_in_english(row):
    # Data sets keep "True" and "Yes" of the original in their translations; a JSON boolean is read as "true".
    answers = [
        row["yes"],
        row["no"],
        row["true"],
        row["false"],
        "True",
        "false",
        "Yes",
        "No",
        f"{row['yes']}.",
        row["no"].upper(),
    ]
    assert [answer for answer in answers if not is_yes_no(row["question"], answer, row["lang"])] == []


@pytest.mark.parametrize("lang", language_codes())
def test_no_word_says_both(lang):
    own = language(lang).yes_no
    assert not {*own.yes, *own.true} & {*own.no, *own.false}
    # Languages that were added later may lack them; English words count there.
    assert bool(own.true) == bool(own.false)


@pytest.mark.parametrize(
    ("lang", "answer"),
    [
        ("en", "Yes, he did"),
        ("en", "No. He died in 1791."),
        ("en", "Yes - but only twice"),
        ("en", "Yes (since 1990)"),
        ("en", "Yes it is"),
        ("en", "TRUE!"),
        ("en", "“True”"),
        ("de", "Nein, das stimmt nicht"),
        ("es", "si"),
        ("ar", "لا، لم يكن"),
        ("zh", "是的，没错"),
        ("ru", "правда"),
        ("ja", "対"),
    ],
)
def test_replies_in_a_sentence(lang, answer):
    assert is_yes_no_answer(answer, lang)


@pytest.mark.parametrize(
    ("lang", "answer"),
    [
        ("en", "No Doubt"),
        ("en", "No. 5"),
        ("en", "Noh"),
        ("en", "Dr. No"),
        ("en", "No man's land"),
        ("en", "Yesterday"),
        ("en", "True Detective"),
        ("en", "Right"),
        ("en", "Never"),
        ("sw", "La La Land"),
        ("de", "Jamaika"),
        ("fr", "Nonante"),
        ("zh", "是非"),
        ("ja", "正岡子規"),
    ],
)
def test_words_that_only_begin_so(lang, answer):
    assert not is_yes_no_answer(answer, lang)


needs_asking = pytest.mark.skipif(not language("en").asking.which, reason="needs the words that ask, [asking]")


@needs_asking
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which band made 'Owner of a Lonely Heart'?", "Yes"),
        ("In which song by Spandau Ballet does Tony Hadley sing about the truth?", "True"),
        ("Released in 1971. Which band recorded Fragile?", "Yes"),
        ("what band made owner of a lonely heart", "yes"),
    ],
)
def test_a_question_that_asks_for_a_name_has_a_name_as_its_answer(question, answer):
    assert not is_yes_no(question, answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Did the man who wrote Faust live in Weimar?", "Yes"),
        ("Is it true that Einstein, who was born in Ulm, won two prizes?", "No"),
        ("When Columbus sailed in 1492, did he reach Asia?", "No"),
        ("Who was Goethe? True or false: a composer.", "False"),
        ("What is right: yes or no, is the Moon a planet?", "No"),
        ("The Moon is a planet.", "false"),
        # A name would have a capital, as the question has.
        ("Which band made 'Owner of a Lonely Heart'?", "yes"),
    ],
)
def test_in_doubt_the_answer_is_a_reply(question, answer):
    assert is_yes_no(question, answer)


def test_choices_of_the_source_that_offer_both():
    assert is_yes_no("Is light a wave?", "Both", choices=("Yes", "No", "Both", "Neither"))
    assert not is_yes_no("Who played on Fragile?", "Rush", choices=("Yes", "Rush", "Asia", "Genesis"))


def test_half_of_the_languages_decide():
    def of(**answers):
        (question,) = group_by_id([Question("1", lang, "?!", "", answer) for lang, answer in answers.items()])
        return is_yes_no_question(question)

    assert of(en="Yes", de="Ja")
    assert of(en="Yes", de="In der Tat")
    assert not of(en="Water", de="Wasser", sw="la")
