"""Search for an answer in languages that write no spaces between words (Chinese, Japanese, Thai): an answer is a substring."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.languages.record import Words
from lm_eval_illusion.matching.text.lines import CLAUSE_MARK, is_spaced
from lm_eval_illusion.matching.text.number_neighbours import is_other_number
from lm_eval_illusion.matching.text.punctuation import WORD_SIGNS

# Chinese numerals: a row of them is one number, so 十三 does not contain 三.
_NUMERALS = frozenset("〇零一二三四五六七八九十百千万亿兆萬億两兩")

_KATAKANA = frozenset(map(chr, (*range(0x30A1, 0x30FB), 0x30FC)))


def has_clause_mark(text: str) -> bool:
    """Return whether a text contains a comma, a colon, a quotation mark or another sign that ends a clause."""
    return CLAUSE_MARK.search(text) is not None


def find_answer(answer: str, text: str, lang: str) -> Iterator[tuple[int, int]]:
    """Yield where a text without word spaces contains an answer so that no boundary of the answer cuts a word or a number.

    A boundary may not cut a number (5 is not in 15), a Thai syllable, or a word in letters of a script that writes spaces. An answer of
    one ideograph is too often a part of another word: it counts only as the whole text or after a word for "is".

    Args:
        answer: Normalised, without unnecessary spaces.
        text: One clause, normalised, without unnecessary spaces.
        lang: ISO 639-1 code.
    """
    words = language(lang).words
    if len(answer) == 1 and _is_ideograph(answer):
        found = _lone_ideograph(words.copulas, words.final_copulas, answer).fullmatch(text)
        if found:
            yield found.span(1)
        return
    start = text.find(answer)
    while start >= 0:
        end = start + len(answer)
        if not (cuts_word(text, start, words) or cuts_word(text, end, words) or is_other_number(text, start, end, lang)):
            yield start, end
        start = text.find(answer, start + 1)


def cuts_word(text: str, index: int, words: Words) -> bool:
    """Return whether a boundary before this index cuts a word, a syllable or a number."""
    if not 0 < index < len(text):
        return False
    left, right = text[index - 1], text[index]
    if right in WORD_SIGNS or right in words.never_first or left in words.never_last or left + right in words.unbroken:
        return True
    # Words from other languages are written in katakana, the words around them in other characters.
    is_within_katakana = left in _KATAKANA and right in _KATAKANA
    return is_within_katakana or (is_spaced(left) and is_spaced(right)) or (left in _NUMERALS and right in _NUMERALS)


@lru_cache(maxsize=10_000)
def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK") and character not in _NUMERALS


@lru_cache(maxsize=10_000)
def _lone_ideograph(copulas: str, final_copulas: tuple[str, ...], ideograph: str) -> re.Pattern[str]:
    before = f"(?:.*[{re.escape(copulas)}])?" if copulas else ""
    after = f"(?:{'|'.join(map(re.escape, final_copulas))})?" if final_copulas else ""
    return re.compile(f"{before}({ideograph}){after}")
