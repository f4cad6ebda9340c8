"""Whether two words are forms of one word, in a language made for the test."""

from __future__ import annotations

import re

import pytest

from lm_eval_illusion.languages.record import Inflection, Language, Replacement
from lm_eval_illusion.matching import inflection

INFLECTION = Inflection(
    min_stem=3,
    classes=("а у ом -", "я ю ей"),
    suffixes=re.compile("(?:ssa|sta)(?:kin)?"),
    stem_changes=(Replacement(find=re.compile("hti$"), replace="hde"),),
    prefixes=re.compile("ки"),
    exceptions=("роман рома",),
)


@pytest.fixture(autouse=True)
def _the_language(monkeypatch):
    monkeypatch.setattr(inflection, "language", lambda code: Language(inflection=INFLECTION))
    cached = (inflection._is_other_form, inflection._stems, inflection._classes_of_endings, inflection._exceptions)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.mark.parametrize(
    ("answer", "word", "expected"),
    [
        ("город", "города", True),  # "-" and "а" are in the first class
        ("города", "городом", True),
        ("город", "городю", False),  # "-" and "ю" are in no common class
        ("земля", "землей", True),
        ("рома", "рому", True),
        ("рома", "роман", False),  # "н" is no ending
        ("рома", "ромом", True),
        ("рим", "риму", True),
        ("ра", "ру", False),  # a stem of one letter is too short
        ("lahti", "lahdessa", True),
        ("lahti", "lahtissakin", True),
        ("lahti", "lahdes", False),
        ("город", "кигороду", True),
        ("город", "ки", False),
        ("2а", "2у", False),
    ],
)
def test_forms_of_a_word(answer, word, expected):
    assert inflection.is_form(answer, word, "xx") is expected


def test_an_exception_is_no_form():
    assert inflection.is_form("роман", "романа", "xx")
    assert not inflection.is_form("роман", "рома", "xx")


def test_each_word_of_an_answer_may_be_inflected():
    text = "в городом земле не городу землей".split()
    assert list(inflection.find_inflected(["город", "земля"], text, "xx")) == [4]
