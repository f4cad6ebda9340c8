"""A folder with one file for each language."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.folders import language_in
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions


def test_the_names_of_the_files_state_the_language(tmp_path):
    for lang, question in (("en", "Who?"), ("de", "Wer?")):
        rows = [{"id": 1, "question": question, "answer": "Ada"}, {"question": f"{question}!", "answer": "Bea"}]
        (tmp_path / f"xquad.{lang}.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "fr.csv").write_text("id,question,answer,lang\n1,Qui ?,Ada,\n2,Chi?,Bea,it\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("# About", encoding="utf-8")
    (tmp_path / ".hidden.json").write_text("{", encoding="utf-8")
    file = read_questions(tmp_path)
    assert [(question.lang, question.id, question.question) for question in file.questions] == [
        ("fr", "1", "Qui ?"),
        ("it", "2", "Chi?"),
        ("de", "1", "Wer?"),
        ("de", "de-row-2", "Wer?!"),
        ("en", "1", "Who?"),
        ("en", "en-row-2", "Who?!"),
    ]
    assert file.questions[0].location == f"{tmp_path}/fr.csv:2"


def test_a_folder_that_names_no_language(tmp_path):
    with pytest.raises(UserError, match="is a folder without a file of questions: give a file: JSONL"):
        read_questions(tmp_path)
    (tmp_path / "train.csv").write_text("question,answer\nWho?,Ada\n", encoding="utf-8")
    assert len(read_questions(tmp_path, ReadingOptions("en")).questions) == 1
    (tmp_path / "test.csv").write_text("question,answer\nWho?,Ada\n", encoding="utf-8")
    with pytest.raises(
        UserError, match=r"test\.csv names no language: the files of a folder are read as one language each, as in"
    ):
        read_questions(tmp_path, ReadingOptions("en"))


@pytest.mark.parametrize(
    ("name", "lang"),
    [
        ("en.jsonl", "en"),
        ("xquad.zh.json", "zh"),
        ("dev-context-en-question-de.json", "de"),
        ("tydiqa_finnish.jsonl.gz", "fi"),
        ("questions_pt-BR.csv", "pt"),
        ("train.csv", ""),
    ],
)
def test_the_language_in_a_name(name, lang):
    assert language_in(name) == lang
