"""The first line with visible text: the same characters are invisible, and end a line, wherever an answer is read."""

from __future__ import annotations

import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.first_line import LINE_ENDS, Answer, first_line, is_visible, line_bounds

# A byte order mark, zero-width characters, direction marks, a soft hyphen, spaces of several widths, a variation selector, fillers, a tag.
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u200e\u200f\u202a\u202e\u2066\u2069\u061c\u00ad \t\u00a0\u3000\ufe0f\u3164\u2800\0\U000e0041"


@pytest.mark.parametrize("character", [*INVISIBLE, *LINE_ENDS], ids=lambda character: f"U+{ord(character):04X}")
def test_invisible_characters_and_line_ends_before_an_answer_are_no_answer(character):
    assert not is_visible(character)
    assert first_line(f"{character}\n{character}Paris \nLyon") == "Paris"


# Letters and digits of several scripts, an emoji, a combining mark, the printed signs among the format characters, a decoding error.
@pytest.mark.parametrize("character", "aЖع中กहअ한5٣😀\u0301\u0600\u06dd-.…_\ufffd")
def test_visible_characters(character):
    assert is_visible(character)
    assert line_bounds(f"\n {character}\n") == (2, 3)


def test_line_ends_are_those_of_the_standard():
    # Unicode Standard Annex 14: BK (U+000B, U+000C, U+2028, U+2029), CR, LF, NL (U+0085).
    assert sorted(LINE_ENDS) == ["\n", "\v", "\f", "\r", "\x85", "\u2028", "\u2029"]


@given(
    st.text(st.sampled_from([*INVISIBLE, *LINE_ENDS])),
    st.text(st.sampled_from("Pa ri\u200bs."), min_size=1).filter(lambda line: set(line) & set("Paris.")),
    st.sampled_from(LINE_ENDS),
    st.text(),
)
def test_what_stands_before_and_after_the_line_has_no_influence(before, line, end, after):
    # By hand: what is visible begins at the first of the letters or the point.
    text = line[min(line.index(c) for c in "Paris." if c in line) :]
    assert first_line(before + line + end + after) == text.strip()
    assert line_bounds(before + line)[1] is None
    assert line_bounds(before + line + end + after)[1] == len(before + line)


@given(st.text(), st.integers(0, 99))
def test_a_line_that_has_ended_stays_the_same_however_the_text_goes_on(text, length):
    # Generation may stop there: what a model would write then is no part of the answer.
    if line_bounds(text[:length])[1] is not None:
        assert first_line(text[:length]) == first_line(text)


def test_a_text_without_visible_characters_has_no_line():
    for text in ("", "\n\n", INVISIBLE, "\ufeff\r\n\u2028"):
        assert first_line(text) == ""
        assert line_bounds(text) == (len(text), None)


def test_every_letter_and_digit_of_unicode_is_visible():
    fillers = "\u115f\u1160\u3164\uffa0"
    letters = (chr(code) for code in range(0x20000) if unicodedata.category(chr(code))[0] in "LN")
    assert [character for character in letters if not is_visible(character)] == list(fillers)


def test_an_answer_says_how_it_ended_in_another_process_too():
    answer = pickle.loads(pickle.dumps(Answer("Paris", reached_limit=True)))
    assert (answer, type(answer), answer.reached_limit) == ("Paris", Answer, True)
