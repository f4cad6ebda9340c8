"""The tokens of a line in which dates and quantities are read, and the words of a language that are searched among them.

A token is a word of the normal form. Where no spaces separate words, it is a number, a word in letters of another script, or one
character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Generic, NamedTuple, TypeVar

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.numbers.clauses import numbers_in_characters
from lm_eval_illusion.matching.numbers.lines import numbers_in_words
from lm_eval_illusion.matching.text.lines import Line, is_spaced, line_of
from lm_eval_illusion.matching.text.normalize import normalise
from lm_eval_illusion.matching.text.number_notation import DECIMAL_MARK
from lm_eval_illusion.matching.text.punctuation import MINUS, RANGE

_NUMBER = re.compile(rf"{MINUS}?\d+(?:{DECIMAL_MARK}\d+)?", re.ASCII)
_LONGEST_NUMBER = 30
"""Characters of a number that has a value; a longer one is a word like any other."""

Meaning = TypeVar("Meaning")


class WrittenNumber(NamedTuple):
    """A number among tokens.

    Attributes:
        value: Its value.
        after: Index after its last token.
        in_digits: It is one token of digits.
    """

    value: Decimal
    after: int
    in_digits: bool


@dataclass(frozen=True)
class Tokens:
    """The tokens of a line, and where each stands in the line as written."""

    line: Line

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The tokens, normalised."""
        if language(self.line.lang).words.spaces:
            return self.line.words
        return tuple(word for word, _ in self._placed)

    @cached_property
    def digits(self) -> dict[int, WrittenNumber]:
        """The tokens that are numbers in digits, by their index."""
        return {
            index: WrittenNumber(Decimal(word.replace(DECIMAL_MARK, ".").replace(MINUS, "-")), index + 1, word.isdecimal())
            for index, word in enumerate(self.words)
            if len(word) <= _LONGEST_NUMBER and _NUMBER.fullmatch(word)
        }

    @cached_property
    def numbers(self) -> dict[int, WrittenNumber]:
        """The numbers in digits and in words, by the index of their first token; 5 million is one number."""
        digits = self.digits
        in_words: dict[int, WrittenNumber] = {}
        for value, first, after in self._spoken:
            if isinstance(value, tuple):
                # From 3 to 5: neither number stands alone. A sign also joins the parts of a date.
                if RANGE not in self.words[first:after]:
                    digits = {index: number for index, number in digits.items() if not first <= index < after}
            elif after - first > 1 or first not in digits:
                if value < 0:
                    # Minus 5 is not 5.
                    digits = {index: number for index, number in digits.items() if not first < index < after}
                in_words[first] = WrittenNumber(value, after, in_digits=False)
        return digits | in_words

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """The ranges in words, each as the indices of its first token and behind its last one."""
        return tuple((first, after) for value, first, after in self._spoken if isinstance(value, tuple))

    def number_within(self, first: int, after: int) -> WrittenNumber | None:
        """Return the number that begins at an index if only the tokens up to another index are read."""
        space = " " if language(self.line.lang).words.spaces else ""
        found = tokens_of(space.join(self.words[first:after]), self.line.lang).numbers.get(0)
        return found and found._replace(after=first + found.after)

    @cached_property
    def _spoken(self) -> tuple[tuple[Decimal | tuple[Decimal, Decimal], int, int], ...]:
        """The numbers that are read as a whole, each with the indices of its first token and behind its last one."""
        if language(self.line.lang).words.spaces:
            return tuple(
                (number.value, number.first, number.after) for number in numbers_in_words(self.line) if number.kind != "roman"
            )
        starts = {start: index for index, (_, start) in enumerate(self._placed)}
        ends = {start + len(word): index + 1 for index, (word, start) in enumerate(self._placed)}
        return tuple(
            (number.value, starts[number.first], ends[number.after])
            for number in numbers_in_characters(self.line.whole)
            if number.first in starts and number.after in ends
        )

    @cached_property
    def _placed(self) -> tuple[tuple[str, int], ...]:
        return tuple(_split_characters(self.line.whole.normal))

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Return where the tokens with the indices `first` to `after` - 1 stand in the line as written."""
        if language(self.line.lang).words.spaces:
            return self.line.span(first, after)
        last_word, last_start = self._placed[after - 1]
        return self.line.whole.span(self._placed[first][1], last_start + len(last_word))


@lru_cache(maxsize=1_000)
def tokens_of(text: str, lang: str) -> Tokens:
    """Return the tokens of a line; the same record for all answers that are searched in the line."""
    return Tokens(line_of(text, lang, keeps_articles=True))


def words_of(phrase: str, lang: str) -> tuple[str, ...]:
    """Return the normalised tokens of a phrase."""
    normal = normalise(phrase, lang, only_leading_articles=True)
    if language(lang).words.spaces:
        return tuple(normal.split())
    return tuple(word for word, _ in _split_characters(normal))


class Phrases(Generic[Meaning]):
    """Phrases of a language with their meaning, to be found at a place among tokens: the longest one there."""

    def __init__(self, meanings: Mapping[tuple[str, ...], Meaning], lang: str) -> None:
        self._by_first: dict[str, tuple[tuple[tuple[str, ...], Meaning], ...]] = {}
        for words in sorted(meanings, key=lambda words: (-len(words), words)):
            if words:
                self._by_first[words[0]] = (*self._by_first.get(words[0], ()), (words, meanings[words]))
        self._attached = language(lang).words.attached_before
        self._particles = language(lang).words.particles

    def at(self, words: Sequence[str], index: int) -> tuple[Meaning, int] | None:
        """Return the meaning of the longest phrase that begins at an index, and the index after it.

        Short words may be attached before it, or a particle behind it, in a language that does so.
        """
        word = words[index]
        found = self._longest(words, index, word)
        if found is None and self._attached is not None:
            lengths = [length for length in range(1, min(len(word), 5)) if self._attached.fullmatch(word, 0, length)]
            found = next((hit for length in lengths if (hit := self._longest(words, index, word[length:]))), None)
        if found is None and self._particles:
            found = next(
                (hit for particle in self._particles if word.endswith(particle) for hit in self._alone(word, particle, index)),
                None,
            )
        return found

    def may_be_in(self, words: Iterable[str]) -> bool:
        """Return whether the first word of some phrase is among the words."""
        return not self._by_first.keys().isdisjoint(words)

    def _longest(self, words: Sequence[str], index: int, first: str) -> tuple[Meaning, int] | None:
        for phrase, meaning in self._by_first.get(first, ()):
            after = index + len(phrase)
            if len(phrase) == 1 or tuple(words[index + 1 : after]) == phrase[1:]:
                return meaning, after
        return None

    def _alone(self, word: str, particle: str, index: int) -> Iterator[tuple[Meaning, int]]:
        for phrase, meaning in self._by_first.get(word[: len(word) - len(particle)], ()):
            if len(phrase) == 1:
                yield meaning, index + 1


def phrase_table(entries: Iterable[tuple[str, Meaning]], lang: str) -> Phrases[Meaning]:
    """Return the phrases of (phrase, meaning) pairs; of two meanings of one phrase the first counts."""
    meanings: dict[tuple[str, ...], Meaning] = {}
    for phrase, meaning in entries:
        meanings.setdefault(words_of(phrase, lang), meaning)
    return Phrases(meanings, lang)


def _split_characters(text: str) -> Iterator[tuple[str, int]]:
    """Yield the tokens of a text in a language without word spaces, and where each begins."""
    start = 0
    while start < len(text):
        end = start + 1
        if is_spaced(text[start]):
            while end < len(text) and is_spaced(text[end]) and _is_of_number(text[end]) == _is_of_number(text[end - 1]):
                end += 1
        if text[start] != " ":
            yield text[start:end], start
        start = end


def _is_of_number(character: str) -> bool:
    return character.isdecimal() or character in (DECIMAL_MARK, MINUS)
