"""The script of a text, by the names of its letters in the Unicode data, and the width of its letters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

LEAST_SHARE = 0.2
"""A script is one of an item's if so many of the question's letters, or of an option's, are of it."""
_KANA = frozenset({"HIRAGANA", "KATAKANA"})
# With the ideographs, and the marks of a long vowel and of a repeated ideograph, which have names of their own.
_JAPANESE = _KANA | {"CJK", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"}


def scripts(text: str, wide: int = 1) -> Counter[str]:
    """Return the number of letters of each script in a text: LATIN, CYRILLIC, CJK and so on, the first word of a letter's name.

    `wide`: what a wide letter of East Asia counts as. Most words of Chinese, Japanese and Korean have only two of them.
    """
    counts: Counter[str] = Counter()
    for letter, count in Counter(unicodedata.normalize("NFKC", text)).items():
        if script := _script(letter):
            counts[script] += count * (wide if unicodedata.east_asian_width(letter) in "WF" else 1)
    return counts


@lru_cache(maxsize=20_000)
def scripts_of_item(texts: tuple[str, ...]) -> frozenset[str]:
    """Return the scripts that one of the texts is written in; a script of a few letters in a long text does not count.

    Japanese is written in three scripts, two of which no other language has. Either of these stands for all three.
    Every variant answers the same items, so the results are kept.
    """
    found: set[str] = set()
    for text in texts:
        counts = scripts(text)
        found |= {script for script, count in counts.items() if count >= LEAST_SHARE * counts.total()}
    return frozenset(found | _JAPANESE if found & _KANA else found)


def columns(text: str) -> int:
    """Return the length of a text in columns: a letter of Chinese or Korean, which says more, has two, others have one."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@lru_cache(maxsize=4096)
def _script(character: str) -> str | None:
    if not character.isalpha():
        return None
    # Signs of several scripts, such as the Japanese mark of a long vowel, have names of their own; a letter without a name has no script.
    return unicodedata.name(character, "").split(" ")[0] or None
