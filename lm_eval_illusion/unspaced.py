"""Scripts without spaces between words (Chinese, Japanese, Thai): there an answer is looked for as a substring."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from lm_eval_illusion.normalising import normalise
from lm_eval_illusion.quantities import is_other_number
from lm_eval_illusion.signs import MINUS

NO_WORD_SPACES = frozenset(("ja", "th", "zh"))

# Where no word ends with a space, one that ends with a clause ends there: 京都 is not in 北京、都江堰. Between digits they are marks.
_CLAUSE_MARK = re.compile("(?<!\\d)[，。、；：！？,;:!?“”「」]|[，。、；：！？,;:!?“”「」](?!\\d)")

# Thai vowels and tones that belong to the consonant before them, and vowels that belong to the one behind them.
_THAI_AFTER, _THAI_BEFORE = frozenset("ะัาำิีึืุูๅ็่้๊๋์ํ"), frozenset("เแโใไ")
# A number of Chinese numerals is one word: 十三 does not hold 三.
_NUMERALS = frozenset("〇零一二三四五六七八九十百千万亿兆萬億两兩")
_IS = "是为為叫はが"


@lru_cache(maxsize=50_000)
def has_clause_mark(text: str) -> bool:
    """Whether a comma, a colon, a quotation mark or the like stands in a text."""
    return _CLAUSE_MARK.search(text) is not None


@lru_cache(maxsize=10_000)
def clauses(text: str, lang: str) -> tuple[str, ...]:
    """What stands between clause marks, normalised, without needless spaces."""
    return tuple(without_spaces(normalise(clause, lang)) for clause in _CLAUSE_MARK.split(text))


def stands_within(answer: str, said: str, lang: str) -> bool:
    """As a substring that cuts no number, no Thai syllable and no word of letters that are written with spaces: 5 is not in 15.

    An answer of one ideograph is too often a part of another word: it has to stand alone, or after the words for "is".
    """
    if len(answer) == 1 and _is_ideograph(answer):
        return re.fullmatch(rf"(?:.*[{_IS}])?{answer}(?:です|だ)?", said) is not None
    start = said.find(answer)
    while start >= 0:
        end = start + len(answer)
        if not (_cuts(said, start) or _cuts(said, end) or is_other_number(said, start, end, lang)):
            return True
        start = said.find(answer, start + 1)
    return False


@lru_cache(maxsize=50_000)
def without_spaces(text: str) -> str:
    """Without the spaces that part nothing: those beside a character of a script without word spaces."""
    return "".join(
        character
        for place, character in enumerate(text)
        if character != " " or (_is_spaced(text[place - 1]) and _is_spaced(text[place + 1]))
    )


def _cuts(text: str, place: int) -> bool:
    """Whether a boundary before this place would cut what is one."""
    if not 0 < place < len(text):
        return False
    left, right = text[place - 1], text[place]
    if right in _THAI_AFTER or left in _THAI_BEFORE or left + right == "年代":
        return True
    return (_is_spaced(left) and _is_spaced(right)) or (left in _NUMERALS and right in _NUMERALS)


@lru_cache(maxsize=10_000)
def _is_spaced(character: str) -> bool:
    """Digits with their marks, and letters of scripts that write spaces, as far as they stand in such text."""
    return (
        character.isdigit()
        or character in ("\u066b", MINUS)
        or unicodedata.name(character, "").startswith(("LATIN", "CYRILLIC", "GREEK"))
    )


@lru_cache(maxsize=10_000)
def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK") and character not in _NUMERALS
