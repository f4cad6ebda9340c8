"""Matching: hand-judged cases in every language, and properties against brute force."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion import matches
from lm_eval_illusion.items import embedded_languages
from lm_eval_illusion.matching import exact_match, f1, normalise

JUDGED_FOLDER = Path(__file__).parent / "judged"
# language, answers, output, does a person say that it answers?
JUDGED = [
    (file.stem, *line.split("\t"))
    for file in sorted(JUDGED_FOLDER.glob("*.tsv"))
    for line in file.read_text(encoding="utf-8").splitlines()
]
# language, answers, output -> why `match` says otherwise.
KNOWN = {
    (lang, answers, output): reason
    for lang, answers, output, reason in (
        line.split("\t") for line in (JUDGED_FOLDER / "known.txt").read_text(encoding="utf-8").splitlines()
    )
}


@pytest.mark.parametrize(("lang", "answers", "output", "verdict"), JUDGED)
def test_judged_by_hand(lang, answers, output, verdict):
    agrees = matches(output, answers.split("|"), lang) is (verdict == "right")
    assert agrees is ((lang, answers, output) not in KNOWN)


def test_the_judged_cases_are_enough_in_every_language():
    counts = Counter(case[0] for case in JUDGED)
    assert set(counts) == set(embedded_languages())
    assert min(counts.values()) >= 20
    assert len(set(JUDGED)) == len(JUDGED) >= 400
    assert {verdict for *_, verdict in JUDGED} == {"right", "wrong"}


def test_every_known_disagreement_is_a_judged_case_with_a_reason():
    assert KNOWN.keys() <= {case[:3] for case in JUDGED}
    assert all(KNOWN.values())


@pytest.mark.parametrize("lang", embedded_languages())
def test_an_embedded_answer_matches_itself_and_no_other_option(lang):
    from lm_eval_illusion.items import embedded_items

    for item in embedded_items(lang):
        answers = [item["answer"], *item["aliases"]]
        assert [matches(option, answers, lang) for option in item["choices"]] == [n == item["gold"] for n in range(4)], item


def test_an_answer_that_is_only_punctuation_never_matches():
    assert not matches("?", ["?"], "en")
    assert not exact_match("", ["."], "en")


def test_f1_by_hand():
    # said 3 tokens, answer 2, shared 2: precision 2/3, recall 1, F1 = 2 * 2/3 / (5/3) = 0.8
    assert f1("West African franc", ["African franc"], "en") == pytest.approx(0.8)
    # characters in Chinese: said 3, answer 2, shared 2
    assert f1("大埃及", ["埃及"], "zh") == pytest.approx(0.8)
    assert f1("x", ["埃及"], "zh") == 0.0
    assert f1("", ["x"], "en") == 0.0
    assert f1("b", ["a c", "b"], "en") == 1.0


langs = st.sampled_from(sorted(embedded_languages()))
texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)
words = st.text(alphabet="abcßéıİΣσςไทย中文 ", min_size=1, max_size=12)


@given(texts, langs)
def test_normalising_twice_changes_nothing(text, lang):
    once = normalise(text, lang)
    assert normalise(once, lang) == once


@given(words, words, langs)
def test_exact_match_implies_match(output, answer, lang):
    assert not exact_match(output, [answer], lang) or matches(output, [answer], lang)


@given(words, words, langs, st.sampled_from(["\u200b", "\u200d", "\ufeff", "!", ".", "  ", "«"]))
def test_noise_around_the_output_changes_nothing(output, answer, lang, noise):
    assert matches(output, [answer], lang) == matches(noise + output + noise, [answer], lang)


@given(words, words, st.sampled_from([lang for lang in embedded_languages() if lang not in ("th", "zh")]))
def test_whole_token_sequences_against_brute_force(output, answer, lang):
    said, wanted = normalise(output, lang).split(), normalise(answer, lang).split()
    stands = any(said[start : start + len(wanted)] == wanted for start in range(len(said))) and bool(wanted)
    assert matches(output, [answer], lang) is stands


@given(st.text(alphabet="a1中文", max_size=8), st.text(alphabet="a1中文", min_size=1, max_size=3))
def test_substring_where_no_spaces_are_written(output, answer):
    # A boundary may not fall within a run of letters or within a number: "a" is not in "aa", nor "1" in "11".
    def is_boundary(place):
        return place in (0, len(output)) or not (output[place - 1] == output[place] and output[place] in "a1")

    starts = [start for start in range(len(output)) if output.startswith(answer, start)]
    assert matches(output, [answer], "zh") is any(is_boundary(s) and is_boundary(s + len(answer)) for s in starts)
