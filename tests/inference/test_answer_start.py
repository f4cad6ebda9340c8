"""Leading tokens without visible text, for tokenizers of both kinds and by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion.inference.answer_start import blank_tokens, prompt_tokens
from tests.chat_tokenizers import byte_level_tokenizer, metaspace_tokenizer


def decoder(pieces):
    """Token i is the i-th piece; pieces are bytes, decoded together as a byte-level tokenizer does."""
    return lambda ids: b"".join(pieces[i] for i in ids).decode("utf-8", errors="replace")


@pytest.mark.parametrize(
    ("pieces", "blank"),
    [
        ([b"Paris"], 0),
        ([b" Paris"], 0),  # holds both: it is the answer's first token
        ([b"\nParis"], 0),
        ([b"\n", b"Paris"], 1),
        ([b"\n\n", b" ", b"Paris"], 2),
        ([b"\n", b" Paris"], 1),
        ([b"\n", b"\xe6\x97", b"\xa5"], 1),  # a part of a character is visible ...
        ([b"\xe6", b"\x97\xa5"], 0),
        ([b" \xe6", b"\x97\xa5"], 0),
        ([b"\xe3\x80", b"\x80", b"Paris"], 2),  # ... unless the character is U+3000, white space
        ([b"\n", b"\xe3", b"\x80\x80", b"\xe6\x97", b"\xa5"], 3),
        ([b"\xe2\x80\x8f", b"x"], 1),  # a right-to-left mark shows nothing
        ([b"\n", b" "], 0),  # no visible token: the text itself is the answer
        ([b"\n"], 0),
        ([], 0),
    ],
)
def test_blank_tokens_by_hand(pieces, blank):
    assert blank_tokens(range(len(pieces)), decoder(pieces)) == blank


@pytest.mark.parametrize("make", [byte_level_tokenizer, metaspace_tokenizer])
@pytest.mark.parametrize("answer", ["\nFrance", "\n\n日本", " ฝรั่งเศส", "\u3000フランス", "Paris", "\t Берлин"])
def test_the_tokens_before_the_answer_are_white_space_and_its_first_is_not(make, answer):
    tokenizer = make()
    ids = tokenizer.encode(answer, add_special_tokens=False)
    blank = blank_tokens(ids, tokenizer.decode)
    assert tokenizer.decode(ids[:blank]).strip() == ""
    # With one token more, a visible character has begun.
    offsets = tokenizer(answer, add_special_tokens=False, return_offsets_mapping=True).offset_mapping
    visible = len(answer) - len(answer.lstrip())
    assert all(end <= visible for _, end in offsets[:blank])
    assert offsets[blank][1] > visible


def test_a_lone_metaspace_is_blank():
    tokenizer = metaspace_tokenizer()
    assert blank_tokens(tokenizer.convert_tokens_to_ids(["▁", "法"]), tokenizer.decode) == 1


def test_the_tokens_of_the_prompt_end_where_its_own_encoding_does():
    assert prompt_tokens([1, 2], [3, 4, 5], [1, 2, 3]) == 1
    assert prompt_tokens([1, 2], [3, 4, 5], [1, 2, 3, 4]) == 2
    assert prompt_tokens([1, 2], [3, 4], [1, 2, 3, 4]) == 1  # never the last token, which is the answer's
    assert prompt_tokens([1, 2], [3, 4], [1, 2, 9]) == 0  # the answer shares the prompt's last token
    assert prompt_tokens([1, 2], [3], [7]) == 0
