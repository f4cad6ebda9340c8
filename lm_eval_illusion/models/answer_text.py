"""The text of a generated answer from its token ids: without a thought and an end token, cut where the answer ends."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from lm_eval.models.utils import postprocess_generated_text

from lm_eval_illusion.first_line import Answer
from lm_eval_illusion.inference.generation_config import Decoding
from lm_eval_illusion.inference.stopping import is_complete, line_end, thought_is_open, visible_answer


def answer_text(
    ids: list[int],
    prompt: str,
    decoding: Decoding,
    end_tokens: Collection[int],
    tokenizer: Any,
    decode: Callable[[list[int]], str],
) -> Answer:
    """Decode an output's ids: without a thought, cut at the first stop string or behind its line.

    `end_tokens`: the ids that end any answer. `decode`: ids -> text without special tokens.
    """
    has_end = bool(ids) and ids[-1] in end_tokens
    if has_end:
        # Tokenizers leave out special tokens only, and an end token need not be one.
        ids = ids[:-1]
    if decoding.reasoning is None:
        answer = decode(ids)
    else:
        answer = visible_answer(tokenizer, ids, decoding.reasoning, thought_is_open(prompt)) or ""
    reached_limit = not (has_end or is_complete(answer, decoding))
    text = postprocess_generated_text(answer, list(decoding.stop_strings), None)
    return Answer(text[: line_end(text)] if decoding.is_line else text, reached_limit)
