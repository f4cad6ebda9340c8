"""The questions of the shared data, XQuAD and TyDi QA, each file read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lm_eval_illusion.pairing.reading.question_file import read_questions
from lm_eval_illusion.pairing.reading.questions import Question

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = {"mqa_illusion_xquad": DATA / "xquad.jsonl", "mqa_illusion_tydiqa": DATA / "tydiqa_goldp_dev.jsonl"}


@cache
def shared_questions(family: str) -> tuple[Question, ...]:
    return tuple(read_questions(FILES[family]).questions)
