"""One failure mode for an answer: the order of the rules, any text, and 274 real answers of pruned SmolLM2 that were judged by hand."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm_eval_illusion.failures import FAILURE_MODES, FailedAnswer, can_judge, failure_mode
from lm_eval_illusion.matching import matches

QUESTION = "In which country is the city of Lima?"


def mode_of(response: str, lang: str = "en", question: str = QUESTION, truncated: bool | None = None) -> str:
    return failure_mode(
        FailedAnswer(response, lang, question, answers=["Peru"], distractors=["Chile", "Cuba"], truncated=truncated)
    )


@pytest.mark.parametrize(
    ("response", "mode"),
    [
        ("", "empty"),
        ("\n \u200b\n", "empty"),
        ("?!", "empty"),
        # It loops over nothing; special tokens are nothing.
        ("!" * 64, "empty"),
        ("<|im_start|>assistant", "empty"),
        ("\n\nI don't know", "refusal"),
        ("Chile", "distractor"),
        ("Chile\n\nQuestion: What?", "distractor"),
        ("Bolivia", "other_answer"),
        ("Lima", "echo"),
        ("Это Боливия", "other_language"),
        ("The city lies in the south of the country of the country of the country of the country of", "repetition"),
        # The loop is the cause, whatever is repeated.
        ("Chile Chile Chile Chile Chile Chile", "repetition"),
        ("I don't know. I don't know. I don't know. I don't know.", "repetition"),
        # A refusal that repeats the question; the form before the content.
        ("I don't know in which country the city of Lima is", "refusal"),
        ("Это Chile, столица которой находится далеко", "other_language"),
        # The text of a thinking model.
        ("<think>Lima, so Peru</think>Cuba", "distractor"),
        ("<think>Lima, so", "truncated"),
        ("<think>Lima, so</think>", "empty"),
    ],
)
def test_the_first_rule_that_holds_is_the_mode(response, mode):
    assert mode_of(response) == mode


def test_where_the_backend_tells_whether_the_limit_cut_the_answer_the_text_does_not_decide():
    long = "Bolivia, a country that is known for its long history, its mountains, its many languages and the old towns that"
    assert mode_of(long) == "truncated"
    assert mode_of(long, truncated=False) == "other_answer"
    assert mode_of("Boli", truncated=True) == "truncated"
    # It named an option before the limit.
    assert mode_of("Chile, a country of", truncated=True) == "distractor"


@pytest.mark.parametrize("truncated", [None, False, True])
@pytest.mark.parametrize("response", ["", "\n" * 64, "!" * 64, "</s>", "<think>\nLima\n</think>\n\n"])
def test_a_blank_answer_is_empty_whatever_the_backend_tells(response, truncated):
    # The validity of a dense model is judged by the share of this mode, so it must not depend on the backend.
    assert mode_of(response, truncated=truncated) == "empty"


def test_a_language_that_no_answer_can_be_matched_in_has_no_modes():
    assert can_judge("fi")
    assert not can_judge("tlh")


TEXTS = st.text(max_size=80) | st.text("aо的ก \n.?1", max_size=80) | st.sampled_from([QUESTION, "Chile", "\ud800", "<think>"])


@settings(max_examples=60, deadline=None)
@given(response=st.lists(TEXTS, max_size=4).map("".join), lang=st.sampled_from(["en", "zh", "th", "tr", "agq"]), question=TEXTS)
def test_any_text_has_one_of_the_modes(response, lang, question):
    assert mode_of(response, lang, question) in FAILURE_MODES


@pytest.mark.parametrize("text", ["a", "ab ", "的", "Lima is ", "\n", "x\n", "aaaab", "0"])
def test_a_long_response_takes_no_longer_than_its_beginning(text):
    long = text * (100_000 // len(text))
    started = time.process_time()
    assert mode_of(long) in FAILURE_MODES
    assert mode_of("Lyon", question=long) in FAILURE_MODES
    assert time.process_time() - started < 2


def judged() -> list[dict]:
    lines = (Path(__file__).parent / "smollm2_outputs.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def verdict(row: dict, tells: bool) -> str:
    """The mode of a judged answer. `tells`: whether the backend tells that the limit cut the answer."""
    return failure_mode(
        FailedAnswer(
            row["output"],
            row["lang"],
            row["question"],
            answers=[row["answer"]],
            distractors=[option for option in row["options"] if option != row["answer"]],
            truncated=row["truncated"] if tells else None,
        )
    )


@pytest.mark.parametrize("tells", [True, False])
def test_nine_of_ten_verdicts_of_each_mode_are_those_of_the_judge(tells):
    # docs/concepts.md has the numbers, also of the half that was kept while the rules were made.
    rows = judged()
    verdicts = [verdict(row, tells) for row in rows]
    said = Counter(verdicts)
    right = Counter(mode for mode, row in zip(verdicts, rows, strict=True) if mode == row["mode"])
    for mode in FAILURE_MODES:
        # Of a mode with fewer than ten verdicts, one may be wrong.
        assert right[mode] >= (0.9 * said[mode] if said[mode] >= 10 else said[mode] - 1), mode
    assert right.total() >= 0.93 * len(rows)


def test_the_judged_answers_are_of_many_variants_and_none_is_produced():
    rows = judged()
    assert len(rows) >= 200
    assert len({row["variant"] for row in rows}) >= 8
    # As docs/concepts.md states it: answers of the dense and of the pruned model.
    assert Counter(row["variant"] == "dense" for row in rows) == {True: 49, False: 225}
    assert len({row["lang"] for row in rows}) >= 10
    assert not [row for row in rows if matches(row["output"], [row["answer"]], row["lang"])]
    assert {row["mode"] for row in rows} == set(FAILURE_MODES)
