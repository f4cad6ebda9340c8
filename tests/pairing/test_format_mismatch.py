"""Misfits go, the worst first, and never so many that a language loses more than one in twenty."""

from __future__ import annotations

from lm_eval_illusion.pairing.distractors import drop_misfits
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.questions import Question


def bundles(count, langs=("en",)):
    return [
        ParallelQuestion(f"{n:03}", {lang: Question(f"{n:03}", lang, "?", "", str(n)) for lang in langs}, "number")
        for n in range(count)
    ]


def test_the_worst_go_first_as_far_as_95_in_100_stay():
    misfits = {"000": 0.6, "001": 1.0, "002": 0.9, "003": 0.3}
    assert drop_misfits(misfits, bundles(97), {"en": 100}) == ["001", "002"]
    assert drop_misfits(misfits, bundles(100), {"en": 100}) == ["001", "002", "000"]
    assert drop_misfits(misfits, bundles(95), {"en": 100}) == []


def test_every_language_counts():
    assert drop_misfits({"000": 1.0}, bundles(100, ("en", "de")), {"en": 100, "de": 104}) == ["000"]
    assert drop_misfits({"000": 1.0}, bundles(100, ("en", "de")), {"en": 100, "de": 105}) == []
