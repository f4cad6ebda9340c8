"""Numbers of items and lists of options."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain


@pytest.mark.parametrize(
    ("output", "answer", "rule"),
    [
        ("1. Mercury", "1", "list_number"),
        ("1. Oslo 2. Bergen", "2", "list_number"),
        ("A) Bergen B) Oslo C) Trondheim", "Oslo", "alternatives"),
        ("1. Oslo 2. Bergen 3. Trondheim", "Oslo", "alternatives"),
    ],
)
def test_nothing_is_answered(output: str, answer: str, rule: str) -> None:
    found = explain(output, [answer], "en")
    assert (found.matched, found.rule) == (False, rule)


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        # One item is an answer with its label.
        ("1. Oslo", "Oslo"),
        ("B) Oslo", "Oslo"),
        # Behind the list, one is chosen.
        ("A) Bergen B) Oslo. The answer is Oslo.", "Oslo"),
        # A number within a sentence is no label.
        ("There are 7. It is a prime.", "7"),
        ("7. There are seven continents.", "7"),
    ],
)
def test_an_answer_counts(output: str, answer: str) -> None:
    assert explain(output, [answer], "en").matched
