"""The names of tokens."""

from __future__ import annotations

import pytest

from lm_eval_illusion.models.served_tokens import number_of, text_of, visible

VOCABULARY = {"Ġhouse": 7, "▁house": 8, "<0x0A>": 9}
PIECES = {number: piece for piece, number in VOCABULARY.items()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (" house", " house"),
        ("Ġhouse", " house"),
        ("▁house", " house"),
        ("token_id:7", " house"),
        ("token_id:99", "token_id:99"),
        ("<0x0A>", "\n"),
        ("bytes:\\xc3\\xa9", "é"),
        ("bytes: \\xc3\\xa9", " é"),
        ("bytes:", "bytes:"),
    ],
)
def test_a_name_is_a_text(name, text):
    assert text_of(name, PIECES) == text


def test_a_number_is_in_the_name_or_in_the_vocabulary():
    assert [number_of(name, VOCABULARY) for name in ("token_id:7", "▁house", "house")] == [7, 8, None]


def test_spaces_are_not_visible():
    assert visible(" a\n b") == "ab"
