"""`--map FIELD=COLUMN`."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions

ROW = {"Frage": "Wer?", "meta": {"gold": "Ada", "also": ["A. L."]}, "a.b": "Q1", "w": "x", "y": ["z", "u"], "answer": "no"}


def read(tmp_path, *mapping, row=ROW):
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(row))
    return read_questions(path, ReadingOptions(lang="de", mapping=mapping))


def test_columns_objects_and_several_columns(tmp_path):
    mapping = ("question=Frage", "answer=meta.gold", "aliases=meta.also.0", "id=a.b", "choices=meta.gold,w,y")
    file = read(tmp_path, *mapping)
    (question,) = file.questions
    assert (question.question, question.answer, question.aliases, question.id) == ("Wer?", "Ada", ("A. L.",), "Q1")
    assert question.choices == ("Ada", "x", "z", "u")
    assert file.unused_fields == ["answer"]


def test_a_field_without_a_column_is_not_used(tmp_path):
    (question,) = read(tmp_path, "id=", row={"question": "Wer?", "answer": "Ada", "id": "same"}).questions
    assert question.id == "line-1"


@pytest.mark.parametrize(
    ("columns", "gold", "answer"),
    [
        # Belebele counts from 1, MedMCQA from 0, and both by a number.
        (("mc_answer1", "mc_answer2", "mc_answer3", "mc_answer4"), "1", "w"),
        (("opa", "opb", "opc", "opd"), 1, "x"),
        (("opa", "opb", "opc", "opd"), "c", "y"),
        (("A", "B", "C", "D"), "D", "z"),
        (("w0", "w1", "w2", "w3"), 3, "z"),
        (("first", "second", "third", "fourth"), 0, "w"),
    ],
)
def test_the_names_of_choice_columns_say_how_they_are_counted(tmp_path, columns, gold, answer):
    row = {"question": "Wer?", "right": gold, **dict(zip(columns, "wxyz", strict=True))}
    (question,) = read(tmp_path, f"choices={','.join(columns)}", "gold=right", row=row).questions
    assert (question.answer, question.choices) == (answer, ("w", "x", "y", "z"))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (("Frage",), "--map 'Frage' is not FIELD=COLUMN: give e.g. question=Frage"),
        (("qestion=Frage",), "there is no field 'qestion': did you mean question? The fields are id, lang, question"),
        (("frage=Frage",), "there is no field 'frage': give one of id, lang, question"),
        (("question=Frge",), "has the column 'Frge': did you mean Frage? there are Frage, meta, a.b, w, y, answer"),
        (("question=Frage", "answer=meta.gol"), "has the column 'meta.gol'"),
        (("question=Frage", "question=w"), "--map gives question twice: give several columns as question=A,B,C"),
        (("question=meta",), 'question {"gold": "Ada", "also": ["A. L."]} is not a text'),
    ],
)
def test_a_wrong_mapping(tmp_path, mapping, message):
    with pytest.raises(UserError) as error:
        read(tmp_path, *mapping)
    assert message in str(error.value)
