"""What Korean, Arabic and Hebrew write together with a word: particles and copulas behind it, one-letter words before it.

Scripts without spaces between words (Chinese, Japanese, Thai): there an answer is looked for as a substring.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.punctuation import MINUS
from lm_eval_illusion.matching.quantities import is_other_number

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


def contains_answer(answer: str, said: str, lang: str) -> bool:
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


# What Korean hangs on a noun: particles and forms of the copula.
_KOREAN_ENDINGS = frozenset(
    "은 는 이 가 을 를 의 에 에서 에게 에게서 께 께서 로 으로 로서 으로서 로부터 으로부터 부터 까지 와 과 랑 이랑 도 만 나 이나 보다 처럼"
    " 에는 에도 에서는 에서도 에서의 이다 입니다 이었다 였다 이었습니다 였습니다 이며 며 이고 고 이에요 예요 라고 이라고"
    " 란 이란 라는 이라는".split()
)
# Words of one letter that Arabic and Hebrew write together with the next: and, in, to, like, from, the.
_JOINED_WORDS = {"ar": "وفبلك", "he": "ובהלמשכ"}
_ARABIC_ARTICLE = "ال"


def matches_with_clitics(answer: Sequence[str], said: Sequence[str], lang: str) -> bool:
    """Whether an answer stands in what was said as a token sequence to which something is attached; always False elsewhere."""
    same = {"ar": _same_but_for_beginning, "he": _same_but_for_beginning, "ko": _same_but_for_ending}.get(lang)
    if same is None:
        return False
    windows = (said[start : start + len(answer)] for start in range(len(said) - len(answer) + 1))
    return any(same(answer, window, lang) for window in windows)


def _same_but_for_ending(answer: Sequence[str], said: Sequence[str], _: str) -> bool:
    """The ending is the output's: 콩고 says more than 콩 with a particle, so an answer keeps what looks like one."""
    noun, word = answer[-1], said[-1]
    ending = word[len(noun) :]
    # A noun of one syllable with a particle of one is too often another word: 인도, 비만.
    is_word = len(answer) > 1 or len(noun) > 1 or len(ending) > 1
    return is_word and word.startswith(noun) and ending in _KOREAN_ENDINGS and answer[:-1] == said[:-1]


def _same_but_for_beginning(answer: Sequence[str], said: Sequence[str], lang: str) -> bool:
    """Normalising takes the Arabic article off, but not where something is joined to it: والمدرسة."""
    first, word = answer[0], said[0]
    if word[:1] not in _JOINED_WORDS[lang] or len(first) < 3:
        # Shorter words are too often the end of another: رد in ورد.
        return False
    rest = word[1:].removeprefix(_ARABIC_ARTICLE) if lang == "ar" else word[1:]
    return first in (rest, word[1:]) and answer[1:] == said[1:]
