"""Failure modes read from lines of a samples file: raw and filtered responses, the metric of the backend, damaged fields."""

from __future__ import annotations

import json

import pytest

from lm_eval_illusion.results.failed_answers import failure_judge
from lm_eval_illusion.results.join_views import load_outcomes
from lm_eval_illusion.results.sample_file import SampleRow
from tests.lm_eval_files import hits, write_run

DOC = {
    "id": "a",
    "question": "In which country is the city of Lima?",
    "answer": "Peru",
    "aliases": [],
    "choices": ["Chile", "Peru", "Cuba", "Fiji"],
    "gold": 1,
}


def mode_of(match: float = 0.0, lang: str = "en", **line) -> str | None:
    judge = failure_judge(lang, "match")
    assert judge is not None
    content = json.dumps({"doc": DOC, "filtered_resps": ["Bolivia"], "match": match, **line}).encode()
    return judge(content, SampleRow("a", None, None, "none", {"match": match}))


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ({}, "other_answer"),
        ({"filtered_resps": ["Cuba"]}, "distractor"),
        # The gold choice is no distractor, wherever it stands, and its alias is an option, too.
        ({"filtered_resps": ["Peru"]}, "other_answer"),
        # A filter cut the response to its first line; only the raw one shows the loop.
        ({"filtered_resps": ["Bolivia"], "resps": [["Bolivia\nBolivia\nBolivia\nBolivia"]]}, "repetition"),
        ({"resps": [[""]]}, "empty"),
        # A task that scores options and generates, too: the text is the last response.
        ({"filtered_resps": [["-1.5", "False"], "Cuba"], "resps": [[["-1.5", "False"]], ["Cuba"]]}, "distractor"),
        ({"filtered_resps": [["-1.5", "False"], "Cuba"]}, "distractor"),
        ({"resps": []}, "other_answer"),
        ({"filtered_resps": []}, "empty"),
        # What the backend says about the limit decides.
        ({"truncated": 1.0}, "truncated"),
        ({"truncated": True}, "truncated"),
        (
            {
                "filtered_resps": [
                    "Bolivia, whose long history, high mountains, many languages and old towns make it a land that every traveller"
                ],
                "truncated": 0.0,
            },
            "other_answer",
        ),
        # Fields of another type count as missing.
        ({"doc": {**DOC, "choices": None, "question": 3, "aliases": "x", "gold": "1"}}, "other_answer"),
        ({"doc": {"id": "a"}, "filtered_resps": ["Cuba"]}, "other_answer"),
        ({"f1": float("nan")}, "other_answer"),
    ],
)
def test_the_mode_of_a_line(line, mode):
    assert mode_of(**line) == mode


def test_a_produced_item_has_no_mode_and_an_unknown_language_is_not_judged():
    assert mode_of(match=1.0, filtered_resps=[""]) is None
    assert failure_judge("tlh", "match") is None


def test_each_outcome_that_is_not_produced_has_a_mode(tmp_path):
    gen = [
        {"id": "a", "match": 1.0, "output": "Peru"},
        {"id": "b", "match": 0.0, "output": ""},
        {"id": "c", "match": 0.0, "output": "the same the same the same the same the same"},
        {"id": "d", "match": 0.0, "output": "Oslo", "truncated": 1.0},
    ]
    write_run(tmp_path, {"mc": hits("acc", a=1, b=1, c=0, d=0), "gen": gen})
    modes = {outcome.id: outcome.failure_mode for outcome in load_outcomes([tmp_path])}
    assert modes == {"a": None, "b": "empty", "c": "repetition", "d": "truncated"}
