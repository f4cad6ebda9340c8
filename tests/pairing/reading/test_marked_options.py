"""Options that are marked as right or wrong."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.pairing.reading.marked_options import marked_position, marks_of
from lm_eval_illusion.pairing.reading.question_file import ReadingOptions, read_questions

MARKED = [{"text": text, "correct": text == "Rome"} for text in ("Oslo", "Bern", "Rome", "Kyiv")]


def read(tmp_path, *rows, mapping=()):
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(json.dumps({"question": f"Which, {n}?", **row}) for n, row in enumerate(rows)), encoding="utf-8")
    return read_questions(path, ReadingOptions("en", mapping))


@pytest.mark.parametrize(
    "fields",
    [
        {"answers": MARKED},
        {"choices": MARKED},
        {"options": [{"option": None, "text": one["text"], "isCorrect": int(one["correct"])} for one in MARKED]},
        {"choices": ["Oslo", "Bern", "Rome", "Kyiv"], "gold": [0, 0, 1, 0]},
        {"choices": ["Oslo", "Bern", "Rome", "Kyiv"], "gold": [False, False, True, False]},
        # What is marked goes before a label that means something else.
        {"choices": MARKED, "label": 0},
    ],
)
def test_the_marked_option_is_the_answer_and_the_others_are_no_aliases(tmp_path, fields):
    question = read(tmp_path, fields).questions[0]
    assert (question.answer, question.aliases, question.choices) == ("Rome", (), ("Oslo", "Bern", "Rome", "Kyiv"))


def test_the_marks_of_truthfulqa(tmp_path):
    targets = {"mc1_targets": {"choices": ["Oslo", "Bern", "Rome", "Kyiv"], "labels": [0, 0, 1, 0]}}
    mapping = ["choices=mc1_targets.choices", "gold=mc1_targets.labels"]
    assert read(tmp_path, targets, mapping=mapping).questions[0].answer == "Rome"


def test_one_option_is_marked(tmp_path):
    with pytest.raises(UserError, match=r"items\.jsonl:1: 2 choices are marked as right: mark one"):
        read(tmp_path, {"answers": [*MARKED, {"text": "Roma", "correct": True}]})
    with pytest.raises(UserError, match="0 choices are marked as right"):
        read(tmp_path, {"choices": [{**one, "correct": False} for one in MARKED]})
    with pytest.raises(UserError, match="3 choices: give four"):
        read(tmp_path, {"answers": MARKED[1:]})
    assert read(tmp_path, {"answers": MARKED[1:]}, mapping=["choices="]).questions[0].answer == "Rome"


def test_marks():
    # Answers that are all right are answers, not options.
    assert marks_of([{"text": "Rome", "correct": True}, {"text": "Roma", "correct": True}]) == []
    assert marks_of([{"text": "Rome", "correct": True}, {"text": "Oslo"}]) == []
    assert marks_of([{"text": "Rome", "correct": "yes"}, {"text": "Oslo", "correct": "no"}]) == []
    assert (marked_position([0, 1], 2), marked_position([1, 1], 2), marked_position([0, 1, 0], 2)) == (1, None, None)
    assert marked_position([2, 0], 2) is None
