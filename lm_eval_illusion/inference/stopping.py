"""Where an answer ends, told by its last token; text is decoded only where that token may end it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from lm_eval_illusion.inference.hf_generate import Decoding, chat_answer_is_done
from lm_eval_illusion.reasoning import ReasoningSpec


class StopCondition(Protocol):
    """Tells where an answer ends."""

    @property
    def ends(self) -> Collection[int]:
        """The tokens that end any answer."""

    def should_stop(self, tokens: Sequence[int]) -> bool:
        """Whether a row of `tokens` ends with the last one; it is asked after every token."""


class StopStrings:
    """StopCondition a row at a token of `ends`, at `most_tokens`, or where a stop string stands in its text."""

    def __init__(self, tokenizer: Any, stops: Sequence[str], ends: Collection[int], most_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.stops = stops
        self.ends = frozenset(ends)
        self.most_tokens = most_tokens
        # A stop string may be spread over as many tokens as it has bytes, and begin within one more.
        self.tail = max((len(stop.encode()) for stop in stops), default=0) + 1
        self.last_characters = {stop[-1] for stop in stops}
        self.may_stop: dict[int, bool] = {}

    def should_stop(self, tokens: Sequence[int]) -> bool:
        """Whether a row of `tokens` ends with the last one; it is asked after every token."""
        return (
            tokens[-1] in self.ends or len(tokens) >= self.most_tokens or (self._may_stop(tokens[-1]) and self._stops(tokens))
        )

    def _stops(self, tokens: Sequence[int]) -> bool:
        text = self.tokenizer.decode(tokens[-self.tail :], skip_special_tokens=True)
        return any(stop in text for stop in self.stops)

    def _may_stop(self, token: int) -> bool:
        """Whether the token's text holds the last character of a stop string, or bytes of a character that others make whole."""
        if token not in self.may_stop:
            # Twice, because some tokenizers drop the space before the first token of a text.
            text = self.tokenizer.decode([token, token], skip_special_tokens=True)
            self.may_stop[token] = "\ufffd" in text or any(character in text for character in self.last_characters)
        return self.may_stop[token]


class ChatStop:
    """Stop a chat model's answer at a token of `ends` or where `chat_answer_is_done`; line breaks before and in a thought end nothing."""

    def __init__(
        self, tokenizer: Any, decoding: Decoding, thoughts: ReasoningSpec, ends: Collection[int], is_open: bool
    ) -> None:
        """`is_open`: the prompt ends within a thought."""
        self.tokenizer = tokenizer
        self.decoding = decoding
        self.thoughts = thoughts
        self.ends = frozenset(ends)
        self.is_open = is_open

    def should_stop(self, tokens: Sequence[int]) -> bool:
        """Whether a row of `tokens` ends with the last one."""
        return (
            tokens[-1] in self.ends
            or len(tokens) >= self.decoding.most_tokens
            or chat_answer_is_done(self.tokenizer, list(tokens), self.decoding, self.thoughts, self.is_open)
        )
