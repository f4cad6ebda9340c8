"""Answers with a number: cases by hand in every language, the places that are found, and texts of any characters."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.matching import explain
from lm_eval_illusion.matching.number_forms import find_numbers, number_pieces

# Language, answer, output, verdict: numerals in words and digits with gender and case, parts of compounds, ordinals, centuries and
# rulers, ranges, magnitudes, decimals, and numerals that are other words. At least 12 in each of 27 languages.
CASES = [
    tuple(line.split("\t")) for line in (Path(__file__).parent / "number_cases.tsv").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("lang", sorted({case[0] for case in CASES}))
def test_numbers_by_hand(lang):
    wrong = [
        case for case in CASES if case[0] == lang and explain(case[2], [case[1]], lang).matched is not (case[3] == "right")
    ]
    assert wrong == []


def test_the_cases_cover_27_languages_and_both_verdicts():
    counts = {lang: [case[3] for case in CASES if case[0] == lang] for lang in {case[0] for case in CASES}}
    assert len(counts) == 27
    assert all(len(verdicts) >= 12 and set(verdicts) == {"right", "wrong"} for verdicts in counts.values())


@pytest.mark.parametrize(
    ("lang", "answer", "output", "said"),
    [
        ("en", "42", "About forty-two, I think.", "forty-two"),
        ("en", "18th century", "In the eighteenth century.", "eighteenth century"),
        ("en", "20-30", "From twenty to thirty days.", "From twenty to thirty"),
        ("de", "3 Kinder", "Er hat drei kleine und drei Kinder.", "drei Kinder"),
        ("ru", "третье место", "Это 3-е место.", "3-е место"),
        ("fr", "XIXe siècle", "Au 19e siècle.", "19e siècle"),
        ("zh", "19世纪", "在十九世纪末", "十九世纪"),
        ("th", "30", "มีสามสิบคน", "สามสิบ"),
        ("ar", "القرن 19", "في القرن التاسع عشر.", "القرن التاسع عشر"),
    ],
)
def test_the_place_of_a_number(lang, answer, output, said):
    assert [output[start:end] for start, end in find_numbers(output, answer, lang)][:1] == [said]


@pytest.mark.parametrize(
    ("output", "answers", "rule"),
    [
        ("forty-two", ["two"], "other_number"),
        ("20-30", ["20"], "other_number"),
        ("between 15 and 20 days", ["15"], "other_number"),
        # said once more by itself
        ("between 15 and 20 days, most often 15", ["15"], "words"),
        ("nine", ["9"], "number"),
        # spelled like the number, but another word there
        ("the one who won", ["one"], "other_number"),
    ],
)
def test_the_rule(output, answers, rule):
    assert explain(output, answers, "en").rule == rule


def test_an_answer_with_a_sign_of_another_quantity_is_left_to_the_rules_for_units():
    assert number_pieces("10 €", "de") == number_pieces("10 %", "de") == ()
    assert len(number_pieces("10 Euro", "de")) == 2


def test_an_answer_without_a_number_has_no_pieces():
    assert number_pieces("Oslo", "en") == number_pieces("その他", "ja") == ()
    # a letter at the end is no article
    assert number_pieces("Astra 2A", "en") == ()


@given(
    st.text(max_size=30),
    st.text("一二十百万0123456789 .,-–½²IVXLeinundzwaiк два", max_size=30),
    st.sampled_from(language_codes()),
)
def test_any_text_in_any_language_has_a_verdict_and_a_place_in_the_output(text, numbers, lang):
    for output, answer in ((text, numbers), (numbers, text), (text + numbers, numbers), (numbers + text + numbers, numbers)):
        span = explain(output, [answer], lang).span
        assert span is None or 0 <= span[0] <= span[1] <= len(output)
