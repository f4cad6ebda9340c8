"""Answers that are numbers and names that contain one, as a reader judges them (judged_answers.txt)."""

from __future__ import annotations

from pathlib import Path

import pytest

from lm_eval_illusion.languages import language
from lm_eval_illusion.pairing.numbers import number_form as module
from lm_eval_illusion.pairing.numbers.number_form import number_form

JUDGED = Path(__file__).with_name("judged_answers.txt")


def judged():
    rows = (line.split(" | ") for line in JUDGED.read_text().splitlines() if not line.startswith("#"))
    return [(lang, verdict, answer, question) for lang, verdict, answer, question in rows]


def is_known(lang):
    return bool(language(lang).asking.quantity and language(lang).asking.time)


def test_judged_answers():
    rows = [row for row in judged() if is_known(row[0])]
    wrong = [row for row in rows if bool(number_form(row[2], row[3], row[0])) != (row[1] != "no")]
    assert len(judged()) >= 250
    assert len(wrong) <= len(rows) / 50, wrong


def test_dates_and_numbers_of_judged_answers():
    rows = [row for row in judged() if is_known(row[0]) and row[1] != "no"]
    wrong = [row for row in rows if number_form(row[2], row[3], row[0]) not in (row[1], "")]
    assert len(wrong) <= len(rows) / 50, wrong


@pytest.mark.parametrize(
    ("answer", "question", "form"),
    [
        *[("605 feet", "How long is it?", "number"), ("605 feet", "", "number"), ("605 feet", "Who is it?", "number")],
        *[("About 40", "How many are there?", "number"), ("Apollo 11", "Which mission was it?", "")],
        *[("Around 1930", "When was it?", "date"), ("Apollo 11", "When was it?", ""), ("Every 4 Years", "When is it?", "date")],
        *[("5 Miles", "How long is it?", "number"), ("5 Cent", "Which rapper is it?", ""), ("40 Drums", "What is it?", "")],
        *[("24 Points", "How many were there?", "number"), ("24 Points", "Which band was it?", "")],
        *[("24 (TV series)", "Which show is it?", ""), ("74,000 (BP = Before Present)", "When was it?", "date")],
        *[("1984", "How many are there?", "number"), ("1984", "When was it?", "date"), ("1984", "Which one is it?", "date")],
        *[("12", "In which year was it?", "date"), ("12", "Which of the small towns in the year of the war?", "number")],
        *[("six years", "How long was it?", "number"), ("six years", "", "number"), ("six wise men", "Who came?", "")],
        *[("Seven", "How many are there?", "number"), ("Seven", "Which film was it?", ""), ("seven", "", "number")],
        *[
            ("http://a.org/2009", "How many?", ""),
            ("/g/124x8gxx", "How many?", ""),
            ("2003 invasion of Iraq", "When was it?", ""),
        ],
        *[
            ("", "How many?", ""),
            ("no number", "How many?", ""),
            ("9" * 900, "How many?", "number"),
            ("🙂 3", "How many?", "number"),
        ],
    ],
)
def test_the_question_decides_where_the_answer_does_not(answer, question, form):
    assert number_form(answer, question, "en") == form


@pytest.mark.parametrize(
    ("lang", "answer", "question", "form"),
    [
        *[("en", "16th century", "", "date"), ("en", "Early 19th Century", "", "date"), ("en", "the 1990s", "", "date")],
        *[("en", "20th Century Fox", "", ""), ("en", "21st Century Schizoid Man", "", ""), ("zh", "18世纪", "", "date")],
        *[
            ("es", "siglo XVI", "", "date"),
            ("es", "Luis XIV", "", ""),
            ("ru", "XVII", "В каком веке?", "date"),
            ("ru", "XVII", "?", ""),
        ],
        *[("de", "20. Jahrhundert", "", "date"), ("ru", "около 300 человек", "", "number"), ("fr", "Apollo 11", "", "")],
        *[
            ("ja", "3人", "", "number"),
            ("te", "671 హెక్టార్ల", "", "number"),
            ("ar", "٤٢", "", "number"),
            ("ko", "일곱", "", "number"),
        ],
    ],
)
def test_the_answer_decides_without_a_question(monkeypatch, lang, answer, question, form):
    monkeypatch.setattr(module, "asked_number", lambda question, lang: "")
    assert number_form(answer, question, lang) == form


def test_a_language_without_a_file_has_numbers_too():
    assert number_form("42", "Zenbat dira?", "eu") == "number"
    assert number_form("1984", "Noiz?", "eu") == "date"
