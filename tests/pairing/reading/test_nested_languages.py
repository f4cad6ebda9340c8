"""Rows that have an object for each language."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions

EN, DE = {"question": "Who?", "answer": "Ada"}, {"question": "Wer?", "answer": "Adele"}


def read(tmp_path, row, lang="en", mapping=()):
    path = tmp_path / "items.jsonl"
    path.write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n", encoding="utf-8")
    return read_questions(path, ReadingOptions(lang, mapping))


@pytest.mark.parametrize(
    "row",
    [
        {"en": EN, "de": DE},
        {"translations": {"en": EN, "de": DE}},
        {"translations": [{"lang": "en", **EN}, {"lang": "de", **DE}]},
        {"languages": [{"language": "English", **EN}, {"language": "German", **DE}]},
        {**EN, "translations": {"de": DE}},
        {**EN, "Translations": [{"locale": "de-DE", **DE}]},
        {**EN, "de": DE},
        {"lang": "en", **EN, "translations": {"de": DE}},
        {"de": {"query": "Wer?", "answers": ["Adele"]}, "en": {"Question": "Who?", "target": "Ada"}},
    ],
)
def test_objects_of_languages(tmp_path, row):
    file = read(tmp_path, {"id": "q7", **row})
    assert {(question.id, question.lang, question.question, question.answer) for question in file.questions} == {
        ("q7", "en", "Who?", "Ada"),
        ("q7", "de", "Wer?", "Adele"),
    }
    assert file.unused_fields == []


def test_options_and_passages_of_languages(tmp_path):
    row = {
        "en": {"question": "Who?", "choices": ["Ada", "Bea", "Cis", "Dot"], "gold": 1, "context": "C."},
        "de": {"question": "Wer?", "choices": ["Adele", "Berta", "Cilli", "Dora"], "gold": 1, "context": "K."},
    }
    found = {question.lang: question for question in read(tmp_path, row).questions}
    assert (found["en"].answer, found["de"].answer, found["de"].context) == ("Bea", "Berta", "K.")
    assert found["de"].choices == ("Adele", "Berta", "Cilli", "Dora")


def test_mintaka_has_its_entities_in_all_languages(tmp_path):
    entity = {"name": "Q7259", "label": {"en": "Ada Lovelace", "de": "Ada, Gräfin", "fr": "Ada, comtesse"}}
    answer = {"answerType": "entity", "answer": [entity], "mention": "Ada"}
    row = {"question": "Who?", "translations": {"de": "Wer?", "fr": "Qui ?"}, "answer": answer}
    found = {question.lang: question.answer for question in read(tmp_path, row).questions}
    assert found == {"en": "Ada Lovelace", "de": "Ada, Gräfin", "fr": "Ada, comtesse"}


def test_what_is_left_as_it_is(tmp_path):
    # The language of the question itself is not known.
    with pytest.raises(UserError, match="states no language"):
        read(tmp_path, {**EN, "translations": {"de": DE}}, lang="")
    # The user says where the question stands.
    mapping = ["question=translations.de.question", "answer=translations.de.answer"]
    mapped = read(tmp_path, {**EN, "translations": {"de": DE}}, "de", mapping)
    assert [(question.lang, question.question, question.answer) for question in mapped.questions] == [("de", "Wer?", "Adele")]
    # Objects under names of languages that have no question.
    assert [question.lang for question in read(tmp_path, {**EN, "de": {"note": "x"}}).questions] == ["en"]


def test_an_answer_that_a_language_lacks_is_named(tmp_path):
    row = {"question": {"en": "Who?", "de": "Wer?"}, "answer": {"en": "Ada"}}
    with pytest.raises(UserError, match="lacks answer in de, which the question is in: give one, or leave the question out"):
        read(tmp_path, row)


def test_lists_of_languages_in_one_document(tmp_path):
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"en": [{**EN, "id": "a"}, EN], "de": [{**DE, "id": "a"}, DE]}), encoding="utf-8")
    file = read_questions(path)
    # Without an id nothing says that the second ones are translations of each other.
    assert [(question.lang, question.id) for question in file.questions] == [
        ("en", "a"),
        ("en", "en-2"),
        ("de", "a"),
        ("de", "de-2"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "hint"),
    [
        ("dialect", "eng_Latn", "did you mean --map lang=dialect? Otherwise give --lang CODE"),
        ("question_language", "German", "did you mean --map lang=question_language?"),
        ("source_name", "web", "give --lang CODE for all rows, or --map lang=COLUMN"),
    ],
)
def test_the_column_of_the_language_is_suggested(tmp_path, column, value, hint):
    with pytest.raises(UserError, match="states no language: ") as error:
        read(tmp_path, {**EN, column: value}, lang="")
    assert hint in str(error.value)
