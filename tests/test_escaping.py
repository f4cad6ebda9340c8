"""Foreign text on a terminal: shown, never obeyed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.escaping import for_terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),
        ("\x9b2J", r"\x9b2J"),  # C1: CSI in one character
        ("a\r\nb\tc\x7f", r"a\r\nb\tc\x7f"),
        ("\u202eexe.txt", r"\u202eexe.txt"),
        ("\u2066x\u2069\u200f", r"\u2066x\u2069\u200f"),
        ("\ud800", r"\ud800"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        ("\U000e0041", r"\U000e0041"),  # a tag character
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert for_terminal(text) == shown


@pytest.mark.parametrize(
    "text", ["wanda-0.6", "C:\\models", "ภาษาไทย", "می\u200cخواهم", "العربية", "हिन्दी क्\u200dष", "日本語", "🇫🇮", "e\u0301"]
)
def test_every_script_stays_as_it_is(text):
    assert for_terminal(text) == text


@given(st.text())
def test_no_control_character_is_left_and_the_text_is_one_line(text):
    shown = for_terminal(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert for_terminal(shown) == shown
