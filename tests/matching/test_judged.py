"""The metric `match` against outputs judged by hand: the first set, the fresh set of 27 languages, and real outputs of a small model.

Every known disagreement is listed with its reason, so that a change of any verdict is seen. `python -m benchmarks.matching` prints the
accuracy by language and kind, and the cases that differ from the lists.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from lm_eval_illusion.items import embedded_languages
from tests.matching.judged import (
    FIRST,
    FIRST_KNOWN,
    FRESH,
    FRESH_KNOWN,
    HELD_OUT,
    agrees,
    read_known,
    read_outputs_of_smollm2,
    read_tables,
)

CASES = {"first": read_tables(FIRST), "fresh": read_tables(FRESH)}
KNOWN = {"first": read_known(FIRST_KNOWN), "fresh": read_known(FRESH_KNOWN)}
LANGUAGES = {name: sorted({case.lang for case in cases}) for name, cases in CASES.items()}
CONTROLS = frozenset(("beside_negation", "control"))
KINDS = CONTROLS | frozenset(
    "alternatives date denied inflected number other_name other_word spelling unit unknown yes_no".split()
)


@pytest.mark.parametrize(("name", "lang"), [(name, lang) for name, langs in LANGUAGES.items() for lang in langs])
def test_match_agrees_with_the_person_but_for_the_known_cases(name, lang):
    differing = {case[:3] for case in CASES[name] if case.lang == lang and not agrees(case)}
    known = {case for case in KNOWN[name] if case[0] == lang}
    assert differing == known


@pytest.mark.parametrize("name", CASES)
def test_every_known_disagreement_is_a_judged_case_with_a_reason(name):
    assert KNOWN[name].keys() <= {case[:3] for case in CASES[name]}
    assert all(KNOWN[name].values())


@pytest.mark.parametrize("name", CASES)
def test_no_case_is_judged_twice_and_every_verdict_is_one(name):
    assert len({case[:3] for case in CASES[name]}) == len(CASES[name])
    assert {case.verdict for case in CASES[name]} == {"right", "wrong"}


def test_the_first_set_has_enough_cases_in_every_embedded_language():
    counts = Counter(case.lang for case in CASES["first"])
    assert set(counts) == set(embedded_languages())
    assert min(counts.values()) >= 20
    assert counts.total() >= 600


def is_hard(case):
    """Return whether a plain search for the answer, as a substring or as whole words, gives the wrong verdict."""
    text, forms = case.output.lower(), case.answers.lower().split("|")
    as_substring = any(answer in text for answer in forms)
    as_words = any(re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text) for answer in forms)
    return (case.verdict == "right") != as_substring or (case.verdict == "right") != as_words


@pytest.mark.parametrize("lang", embedded_languages())
def test_at_least_half_of_the_first_set_is_hard(lang):
    hard = [is_hard(case) for case in CASES["first"] if case.lang == lang]
    assert sum(hard) / len(hard) >= 0.5


def test_the_fresh_set_has_enough_cases_of_every_kind_in_27_languages():
    kinds = {lang: Counter(case.kind for case in CASES["fresh"] if case.lang == lang) for lang in LANGUAGES["fresh"]}
    assert len(kinds) == 27
    assert set(embedded_languages()) < kinds.keys()
    for lang, counts in kinds.items():
        assert counts.keys() == KINDS, lang
        assert counts.total() >= 40, lang
        assert min(counts.values()) >= 3, (lang, counts)
        assert sum(counts[kind] for kind in CONTROLS) >= 8, lang


def share_of_agreement(cases):
    return sum(map(agrees, cases)) / len(cases)


@pytest.mark.parametrize("cases", [CASES["fresh"], read_tables(HELD_OUT)], ids=["fresh", "held_out"])
def test_nine_tenths_are_right_and_eight_tenths_in_each_language(cases):
    assert share_of_agreement(cases) >= 0.9
    by_lang = {lang: share_of_agreement([case for case in cases if case.lang == lang]) for lang in LANGUAGES["fresh"]}
    assert {lang: share for lang, share in by_lang.items() if share < 0.8} == {}


def test_an_affirmed_answer_stays_right_beside_a_negation_a_country_or_an_explanation():
    controls = [case for case in CASES["fresh"] if case.kind in CONTROLS]
    assert {case.verdict for case in controls} == {"right"}
    assert {case[:3] for case in controls if not agrees(case)} <= KNOWN["fresh"].keys()
    assert share_of_agreement(controls) >= 0.97


def test_real_outputs_of_a_small_model():
    cases = read_outputs_of_smollm2()
    assert len(set(cases)) == len(cases) >= 250
    assert 0.3 < sum(case.verdict == "right" for case in cases) / len(cases) < 0.7
    assert share_of_agreement(cases) >= 0.97
