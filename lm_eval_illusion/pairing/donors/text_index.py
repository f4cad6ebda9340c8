"""Which of many texts occur in a given text. The time grows with the length of the given text, not with the number of texts."""

from __future__ import annotations

from collections.abc import Iterable

_KEY = 5
"""Texts of at least this many characters are found by their first ones."""


class TextIndex:
    """Texts that can be searched for all at once.

    At each place of a text, its next characters say which lengths the indexed texts that begin so have; only these are compared.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._index: dict[str, int] = {}
        for number, text in enumerate(texts):
            self._index.setdefault(text, number)
        self._index.pop("", None)
        self._short = sorted({len(text) for text in self._index if len(text) < _KEY})
        lengths: dict[str, set[int]] = {}
        for text in self._index:
            if len(text) >= _KEY:
                lengths.setdefault(text[:_KEY], set()).add(len(text))
        self._lengths = {key: tuple(sorted(found)) for key, found in lengths.items()}

    def places(self, text: str) -> Iterable[tuple[int, int, int]]:
        """Yield (number of the indexed text, start, end) for each place where one occurs in `text`."""
        index, lengths_of = self._index, self._lengths
        for start in range(len(text)):
            for length in self._short:
                found = index.get(text[start : start + length])
                if found is not None and start + length <= len(text):
                    yield found, start, start + length
            for length in lengths_of.get(text[start : start + _KEY], ()):
                found = index.get(text[start : start + length])
                if found is not None and start + length <= len(text):
                    yield found, start, start + length
