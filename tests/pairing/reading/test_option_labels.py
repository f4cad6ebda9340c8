"""Answers that are labels of options under an unknown name."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions

FOUR = ["Oslo", "Bern", "Rome", "Kyiv"]


def read(tmp_path, make, labels="ABCDABCD", mapping=()):
    path = tmp_path / "items.jsonl"
    rows = [{"question": f"Which, {n}?", "answer": label, **make(n)} for n, label in enumerate(labels)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_questions(path, ReadingOptions("en", mapping))


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda n: {"variants": FOUR}, "variants: give their columns, as in --map choices=A,B,C,D"),
        (
            lambda n: {f"text{number}": text for number, text in enumerate(FOUR)},
            "text0, text1, text2, text3: give their columns",
        ),
        (
            lambda n: {"question": f"Which, {n}? A) Oslo B) Bern C) Rome D) Kyiv"},
            "the questions: write them into a field choices",
        ),
    ],
)
@pytest.mark.parametrize("labels", ["ABCDABCD", "01230123"])
def test_labels_are_no_answers(tmp_path, make, where, labels):
    with pytest.raises(UserError, match="every answer is a label") as error:
        read(tmp_path, make, labels)
    assert where in str(error.value)
    assert f"({', '.join(sorted(set(labels)))})" in str(error.value)


def test_letters_and_digits_may_be_answers(tmp_path):
    # Notes, blood groups, small numbers: nothing in the row looks like options.
    assert len(read(tmp_path, lambda n: {"tags": ["x"] * (n % 3)}).questions) == 8
    assert len(read(tmp_path, lambda n: {"year": 1900 + n}, "01230123").questions) == 8
    # Too few to tell.
    assert len(read(tmp_path, lambda n: {"variants": FOUR}, "ABCD").questions) == 4
    # The user says that they are no labels.
    assert len(read(tmp_path, lambda n: {"variants": FOUR}, mapping=["choices="]).questions) == 8
    assert read(tmp_path, lambda n: {"variants": FOUR}, mapping=["choices=variants"]).questions[3].answer == "Kyiv"
