"""Where the text of an answer begins among the tokens to be scored, and where the prompt before it ends.

lm_eval moves white space from the end of a prompt to the start of the continuation: after a chat template that ends in a line break, the
first token of the continuation is the line break. Ranks and probabilities of "the first token" are about the first visible one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lm_eval_illusion.first_line import is_visible

HALF_CHARACTER = "\ufffd"
"""What a tokenizer decodes an incomplete UTF-8 sequence to."""


def blank_tokens(tokens: Sequence[int], decode: Callable[[list[int]], str]) -> int:
    """Return how many leading tokens have no visible text; 0 if no token has any.

    The tokens are decoded together, because one alone may be part of a character: such a part is visible unless the whole character is
    white space, as U+3000 is. A lone `▁` of SentencePiece is blank; a token with white space and letters (`\\nParis`) is not.
    `decode`: ids -> text, special tokens included.
    """
    blank = 0
    for end in range(1, len(tokens) + 1):
        text = decode(list(tokens[:end]))
        if any(map(is_visible, text.rstrip(HALF_CHARACTER))):
            return blank
        if not text.endswith(HALF_CHARACTER):
            blank = end
    return blank if blank < len(tokens) else 0


def prompt_tokens(context: Sequence[int], continuation: Sequence[int], prompt: Sequence[int]) -> int:
    """Return how many leading tokens of the continuation belong to the prompt, whose own encoding is `prompt`.

    After so many tokens generation starts. If the end of the prompt and the answer share a token, this is the number of tokens before
    it. At most all tokens but one.
    """
    shared = 0
    for token, own in zip((*context, *continuation), prompt, strict=False):
        if token != own:
            break
        shared += 1
    return max(0, min(shared - len(context), len(continuation) - 1))
