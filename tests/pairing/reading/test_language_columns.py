"""Columns that hold one language each."""

from __future__ import annotations

import pytest

from lm_eval_illusion.pairing.reading.language_columns import gathered

BOTH = {"question": {"en": "Who is it?", "de": "Wer ist es?"}, "answer": {"en": "Ada", "de": "Adele"}}


@pytest.mark.parametrize(
    "names",
    [
        ("question_en", "question_de", "answer_en", "answer_de"),
        ("en_question", "de_question", "en_answer", "de_answer"),
        ("Question (en)", "Question (de)", "Answer (en)", "Answer (de)"),
        ("question[en]", "question[de]", "answer[en]", "answer[de]"),
        ("Question English", "Question German", "Answer English", "Answer German"),
        ("English Question", "German Question", "English Answer", "German Answer"),
        ("question/en", "question:de", "answers.en", "answers - de"),
        ("Q_en", "Q_de", "A_en", "A_de"),
    ],
)
def test_names_of_columns(names):
    values = ("Who is it?", "Wer ist es?", "Ada", "Adele")
    used: set[str] = set()
    assert gathered({"id": 7, **dict(zip(names, values, strict=True))}, used) == {"id": 7, **BOTH}
    assert used == set(names)


def test_names_in_camel_case():
    row = {"questionEn": "Who is it?", "questionDE": "Wer ist es?", "answerEn": "Ada", "answerDE": "Adele"}
    assert gathered(row, set()) == {
        "question": {"En": "Who is it?", "DE": "Wer ist es?"},
        "answer": {"En": "Ada", "DE": "Adele"},
    }


@pytest.mark.parametrize(
    "row",
    [
        {"question_id": 7, "question_text": "Who?", "answer_text": "Ada"},
        {"question_id": "q7", "question_text": "Who?", "answer_id": "a7", "answer_text": "Ada"},
        {"Question No": 7, "Question Text": "Who?", "Answer": "Ada"},
        {"question_type": "x", "question_number": 1, "answer_type": "y", "answer_start": 3},
        {"question": "Who?", "question_de": "Wer?", "answer": "Ada"},
        {"context_en": "C", "answer_en": "Ada"},
    ],
)
def test_columns_of_no_language_stay(row):
    # "id" is the code of Indonesian and "no" that of Norwegian, but a number or one word is no question.
    used: set[str] = set()
    assert gathered(row, used) == row
    assert used == set()


def test_an_id_beside_other_languages_is_no_indonesian():
    row = {
        "question_id": "q7",
        "question_en": "Who is it?",
        "question_de": "Wer ist es?",
        "answer_en": "Ada",
        "answer_de": "Adele",
    }
    assert gathered(row, set()) == {"question_id": "q7", **BOTH}
    indonesian = {"question_en": "Who is it?", "question_id": "Siapa itu?", "answer_en": "Ada", "answer_id": "Adi"}
    assert gathered(indonesian, set()) == {
        "question": {"en": "Who is it?", "id": "Siapa itu?"},
        "answer": {"en": "Ada", "id": "Adi"},
    }
