"""The order of the objections, and what none of them may do."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.objections.objections import objection_to
from lm_eval_illusion.matching.text.lines import line_of


@pytest.mark.parametrize(
    ("output", "answer", "objection"),
    [
        ("It is Oslo.", "Oslo", None),
        ("It is not Oslo.", "Oslo", "denied"),
        ("Is it not Oslo?", "Oslo", "question"),
        ("Oslo or Bergen", "Oslo", "alternatives"),
        ("I cannot tell if it is Oslo or Bergen.", "Oslo", "unknown"),
        # A yes/no answer has only its own objection: "or" and "not" stand beside it often.
        ("It is not a no.", "no", "no_reply"),
    ],
)
def test_name(output, answer, objection):
    start = output.rindex(answer)
    mention = Mention(start, start + len(answer), "words")
    assert objection_to(line_of(output, "en"), mention, [answer]) == objection


def test_a_line_that_is_the_answer_meets_no_objection():
    for answer in ("Not without my daughter", "To be or not to be", "Who is who?", "I don't know", "no"):
        assert explain(answer, [answer], "en")[:3] == (True, answer, "equal")


def test_a_language_without_lists_has_no_objections():
    # Northern Sotho has no file.
    assert explain("e sego Polokwane goba Pretoria?", ["Polokwane"], "nso").rule == "question"
    assert explain("e sego Polokwane goba Pretoria", ["Polokwane"], "nso").matched
