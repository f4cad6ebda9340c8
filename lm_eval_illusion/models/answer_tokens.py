"""The tokens of a request to score a continuation: which of them are the answer's, however lm_eval cuts prompt and answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from lm_eval_illusion.inference.answer_start import blank_tokens, prompt_tokens
from lm_eval_illusion.inference.scoring import Continuation

Encode = Callable[..., list[int]]
"""`tok_encode` of a model class of lm_eval."""


def answer_continuations(
    requests: Sequence[tuple[Any, list[int], list[int]]], encode: Encode, decode: Callable[[list[int]], str]
) -> Iterator[tuple[Continuation, Continuation]]:
    """Yield for each request what gives its log-likelihood, and what gives the rank and the probability of the answer's first token.

    `requests`: as `_loglikelihood_tokens` of lm_eval gets them: prompt and continuation as texts (None in a rolling window), token ids of
    both. Usually the two are one and the same continuation.

    lm_eval encodes prompt and answer as one text and cuts it behind as many tokens as the prompt has alone. Where the last characters of
    the prompt and the first ones of the answer share a token, that cut lies within the answer, or the model gets a token that is not the
    prompt's. The log-likelihood stays that of lm_eval. The first token is then that of the answer encoded alone after the prompt encoded
    alone, where generation starts.
    """
    encode_prompt = lru_cache(maxsize=1)(lambda prompt: tuple(encode(prompt)))
    for texts, context_ids, ids in requests:
        context, tokens = tuple(context_ids), tuple(ids)
        prompt, answer = texts or ("", "")
        blank = blank_tokens(tokens, decode)
        if not prompt:
            total = Continuation(context, tokens, blank)
            yield total, total
        elif tuple(encode(prompt + answer)) == context + tokens:
            in_prompt = 0
            if blank and prompt[-1].isspace():
                begins_with_space = answer[:1].isspace()
                in_prompt = prompt_tokens(context, tokens, encode_prompt(prompt)) if begins_with_space else blank
            total = Continuation(context, tokens, blank, in_prompt)
            yield total, total
        else:
            alone = tuple(encode(answer, add_special_tokens=False)) or tokens
            yield Continuation(context, tokens), Continuation(encode_prompt(prompt), alone, blank_tokens(alone, decode))
