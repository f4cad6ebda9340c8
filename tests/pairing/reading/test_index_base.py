"""Positions that are counted from 0 or from 1."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions

FOUR = ["w", "x", "y", "z"]


def read(tmp_path, positions, make):
    path = tmp_path / "items.jsonl"
    rows = [{"question": f"Which, {n}?", **make(position)} for n, position in enumerate(positions)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_questions(path, ReadingOptions("en"))


def answers(file):
    return "".join(question.answer for question in file.questions)


LISTED = {
    "number": lambda position: {"choices": FOUR, "answer": position},
    "text": lambda position: {"choices": FOUR, "gold": str(position)},
    "float": lambda position: {"choices": FOUR, "label": float(position)},
    "letters": lambda position: {**dict(zip("ABCD", FOUR, strict=True)), "answer": position},
}
IN_COLUMNS = {
    "option": lambda position: {**{f"option{n}": text for n, text in enumerate(FOUR, 1)}, "answer": position},
    "choice": lambda position: {**{f"choice_{n}": text for n, text in enumerate(FOUR, 1)}, "label": str(position)},
    "from 0": lambda position: {**{f"option_{n}": text for n, text in enumerate(FOUR)}, "label": position},
    "answers": lambda position: {**{f"answer{n}": text for n, text in enumerate(FOUR)}, "label": position},
    "endings": lambda position: {**{f"ending{n}": text for n, text in enumerate(FOUR)}, "label": position},
}


@pytest.mark.parametrize("make", [*LISTED.values(), *IN_COLUMNS.values()], ids=[*LISTED, *IN_COLUMNS])
def test_all_rows_together_tell_the_count(tmp_path, make):
    # 0 occurs in a count from 0 only, 4 in one from 1 only.
    assert answers(read(tmp_path, [0, 3, 1, 2], make)) == "wzxy"
    assert answers(read(tmp_path, [1, 4, 2, 3], make)) == "wzxy"


def test_another_count_than_the_usual_one_is_noted(tmp_path):
    place = f"{tmp_path}/items.jsonl:1"
    assert read(tmp_path, [1, 4, 2, 3], LISTED["number"]).notices == [
        f"{place}: the positions of the answers are counted from 1"
    ]
    assert read(tmp_path, [0, 3, 1, 2], IN_COLUMNS["option"]).notices == [
        f"{place}: the positions of the answers are counted from 0"
    ]
    assert read(tmp_path, [0, 3, 1, 2], LISTED["number"]).notices == []
    assert read(tmp_path, [1, 4, 2, 3], IN_COLUMNS["option"]).notices == []


def test_a_count_that_nothing_shows_is_noted(tmp_path):
    # Of sixteen answers in four positions, one is the first and one the last in 98 % of the cases.
    file = read(tmp_path, [1, 2, 3, 1] * 4, LISTED["number"])
    assert answers(file) == "xyzx" * 4
    assert file.notices == [
        f"{tmp_path}/items.jsonl:1: no position of an answer is 0, and none is the number of options: counted from 0; check this"
    ]
    assert read(tmp_path, [1, 2, 3, 1] * 3, LISTED["number"]).notices == []


def test_what_shows_no_other_count(tmp_path):
    # Both 0 and 4: one of them is wrong.
    with pytest.raises(UserError, match=r"gold '4' is not 0, 1, 2 or 3"):
        read(tmp_path, [0, 1, 2, 4], LISTED["text"])
    # Three rows are too few.
    with pytest.raises(UserError, match=r"gold '4' is not 0, 1, 2 or 3"):
        read(tmp_path, [1, 2, 4], LISTED["text"])
    # Numbers that are labels or texts of options are no positions.
    labelled = {"choices": {"text": FOUR, "label": ["0", "1", "2", "3"]}}
    assert answers(read(tmp_path, [1, 2, 3, 3], lambda position: {**labelled, "answerKey": str(position)})) == "xyzz"
    numbers = {"choices": [4, 1, 2, 3]}
    assert answers(read(tmp_path, [1, 4, 2, 3], lambda position: {**numbers, "answer": position})) == "1423"
    # A wrong position beside the text of the answer, in one of twenty rows, does not change how the others are read.
    positions = [1, 2, 3] * 6 + [1, 4]
    file = read(tmp_path, positions, lambda position: {"choices": FOUR, "answer": FOUR[position % 4], "gold": position})
    assert answers(file) == "xyz" * 6 + "x"
    assert len(file.dropped) == 1
