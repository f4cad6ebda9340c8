"""Which of many texts occur in a given text. The time grows with the length of the given text, not with the number of texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_KEYS = (5, 2, 1)
"""A text is found by so many first characters, the most that it has."""


class TextIndex:
    """Texts that can be searched for all at once.

    At each place of a text, its next characters say which lengths the indexed texts that begin so have; only these are compared.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._index: dict[str, int] = {}
        for number, text in enumerate(texts):
            self._index.setdefault(text, number)
        self._index.pop("", None)
        by_key: dict[int, dict[str, set[int]]] = {key: {} for key in _KEYS}
        for text in self._index:
            key = next(key for key in _KEYS if key <= len(text))
            by_key[key].setdefault(text[:key], set()).add(len(text))
        self._lengths: list[tuple[int, Mapping[str, tuple[int, ...]]]] = [
            (key, {start: tuple(sorted(lengths)) for start, lengths in by_start.items()})
            for key, by_start in by_key.items()
            if by_start
        ]

    def places(self, text: str) -> Iterable[tuple[int, int, int]]:
        """Yield (number of the indexed text, start, end) for each place where one occurs in `text`."""
        index = self._index
        for key, lengths_of in self._lengths:
            for start in range(len(text) - key + 1):
                for length in lengths_of.get(text[start : start + key], ()):
                    found = index.get(text[start : start + length])
                    if found is not None and start + length <= len(text):
                        yield found, start, start + length

    def texts_in(self, text: str) -> set[int]:
        """Return the numbers of the indexed texts that occur in `text`."""
        index = self._index
        found: set[int] = set()
        for key, lengths_of in self._lengths:
            for start in range(len(text) - key + 1):
                lengths = lengths_of.get(text[start : start + key])
                if lengths is not None:
                    # At the end of the text a part may be shorter than asked for; it occurs all the same.
                    for length in lengths:
                        number = index.get(text[start : start + length])
                        if number is not None:
                            found.add(number)
        return found
