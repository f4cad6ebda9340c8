"""Stop conditions: end tokens, stop strings, the end of a line, token limits, and the thought of a reasoning model.

`generate` and `hf_generate` check the same conditions after every token of every sequence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

from lm_eval_illusion.first_line import LINE_ENDS, line_bounds
from lm_eval_illusion.inference.generation_config import Decoding
from lm_eval_illusion.reasoning import BEGIN, ReasoningSpec, answer_after_thoughts


class StopCondition(Protocol):
    """Decides after each token whether a sequence ends."""

    @property
    def end_tokens(self) -> Collection[int]:
        """Token ids that end any answer."""

    def should_stop(self, tokens: Sequence[int]) -> bool:
        """Return whether a sequence ends with its last token.

        `tokens`: all generated ids, one or more. Call it after each token, and not again after it returned True.
        """


class StopStrings:
    """Stop a plain answer at an end token, at the token limit, or where its text is complete.

    It is complete where it contains a stop string, or with `is_line`, where its first line with visible text ends. Text is decoded only
    where the last token can complete it. The limit counts every token, those of blank lines before the answer, too.
    """

    def __init__(
        self, tokenizer: Any, stop_strings: Sequence[str], end_tokens: Collection[int], max_tokens: int, is_line: bool = False
    ) -> None:
        self.tokenizer = tokenizer
        self.stop_strings = stop_strings
        self.end_tokens = frozenset(end_tokens)
        self.max_tokens = max_tokens
        self.is_line = is_line
        # A stop string takes at most as many tokens as it has bytes, and may begin within one more.
        self.tail = max((len(stop.encode()) for stop in stop_strings), default=0) + 1
        self.last_characters = {stop[-1] for stop in stop_strings} | set(LINE_ENDS if is_line else "")
        self.completing_tokens: dict[int, bool] = {}

    def should_stop(self, tokens: Sequence[int]) -> bool:
        """Return whether a sequence ends with its last token."""
        return (
            tokens[-1] in self.end_tokens
            or len(tokens) >= self.max_tokens
            or (self._may_complete(tokens[-1]) and self._is_complete(tokens))
        )

    def _is_complete(self, tokens: Sequence[int]) -> bool:
        tail = self.tokenizer.decode(tokens[-self.tail :], skip_special_tokens=True)
        if any(stop in tail for stop in self.stop_strings):
            return True
        return self.is_line and line_end(self.tokenizer.decode(tokens, skip_special_tokens=True)) is not None

    def _may_complete(self, token: int) -> bool:
        """Return whether the token's text has the last character of a stop string, a line end, or some bytes of a longer character."""
        if token not in self.completing_tokens:
            # Decoded twice, because some tokenizers drop the space before the first token of a text.
            text = self.tokenizer.decode([token, token], skip_special_tokens=True)
            self.completing_tokens[token] = "\ufffd" in text or any(character in text for character in self.last_characters)
        return self.completing_tokens[token]


class ChatStop:
    """Stop a chat model's output where its answer is complete, or where its thought is too long.

    A chat model often begins with a line break, and its thought has many: stop strings count in the visible answer only. The limit of
    a model that thinks does not count blank lines before the answer: they stand between the thought and it.
    """

    def __init__(
        self, tokenizer: Any, decoding: Decoding, reasoning: ReasoningSpec, end_tokens: Collection[int], is_open: bool
    ) -> None:
        """`is_open`: the prompt ends within a thought."""
        self.tokenizer = tokenizer
        self.decoding = decoding
        self.reasoning = reasoning
        self.end_tokens = frozenset(end_tokens)
        self.is_open = is_open

    def should_stop(self, tokens: Sequence[int]) -> bool:
        """Return whether a sequence ends with its last token."""
        if tokens[-1] in self.end_tokens or len(tokens) >= self.decoding.max_new_tokens:
            return True
        answer = visible_answer(self.tokenizer, list(tokens), self.reasoning, self.is_open)
        if answer is None:
            return len(tokens) >= self.reasoning.max_tokens
        if is_complete(answer, self.decoding):
            return True
        # The answer has no more tokens than the whole output, so short outputs need not be encoded again.
        limit = self.decoding.max_answer_tokens
        return len(tokens) >= limit and len(self.tokenizer.encode(answer, add_special_tokens=False)) >= limit


def stop_conditions(
    requests: Iterable[tuple[str, Decoding]], tokenizer: Any, end_tokens: Collection[int]
) -> list[StopCondition]:
    """Return the stop condition of each request (prompt, decoding).

    Plain requests with the same stop strings and limit share a condition, because a condition caches its decisions about tokens.
    """
    shared: dict[tuple[tuple[str, ...], int, bool], StopStrings] = {}
    conditions: list[StopCondition] = []
    for prompt, decoding in requests:
        key = decoding.stop_strings, decoding.max_answer_tokens, decoding.is_line
        if decoding.reasoning is not None:
            conditions.append(ChatStop(tokenizer, decoding, decoding.reasoning, end_tokens, thought_is_open(prompt)))
        else:
            stops, limit, is_line = key
            conditions.append(shared.setdefault(key, StopStrings(tokenizer, stops, end_tokens, limit, is_line)))
    return conditions


def is_complete(answer: str, decoding: Decoding) -> bool:
    """Return whether a plain or visible answer contains a stop string, or with `is_line`, whether its line has ended."""
    return any(stop in answer for stop in decoding.stop_strings) or (decoding.is_line and line_end(answer) is not None)


def line_end(output: str) -> int | None:
    """Return where the first line with visible text after the thoughts of an output ends; None while it or a thought goes on.

    A model may also think after a plain prompt. The filter of the views removes that thought.
    """
    answer = answer_after_thoughts(output)
    end = line_bounds(answer)[1] if answer is not None else None
    return None if answer is None or end is None else len(output) - len(answer) + end


def end_tokens_of(model: Any) -> list[int]:
    """Return the end-of-sequence token ids in a model's generation config: none, one or several."""
    end_tokens = model.generation_config.eos_token_id
    if end_tokens is None:
        return []
    return list(end_tokens) if isinstance(end_tokens, (list, tuple)) else [end_tokens]


def thought_is_open(prompt: str) -> bool:
    """Return whether a prompt ends within a thought, as the chat template of DeepSeek-R1 makes it."""
    return prompt.rstrip().endswith(BEGIN)


def visible_answer(tokenizer: Any, ids: list[int], reasoning: ReasoningSpec, is_open: bool) -> str | None:
    """Return the answer so far, without thoughts and leading white space; None while a thought goes on.

    `ids`: generated token ids. `is_open`: the prompt ends within a thought.
    """
    if isinstance(reasoning.end, int):
        if reasoning.end in ids:
            last = len(ids) - 1 - ids[::-1].index(reasoning.end)
            return str(tokenizer.decode(ids[last + 1 :], skip_special_tokens=True)).lstrip()
        answer = answer_after_thoughts(tokenizer.decode(ids, skip_special_tokens=True), is_open=is_open)
    else:
        answer = answer_after_thoughts(tokenizer.decode(ids, skip_special_tokens=True), reasoning.end, is_open)
    return answer if answer is None else answer.lstrip()
