"""What Korean, Arabic and Hebrew write together with a word: particles and copulas behind it, one-letter words before it."""

from __future__ import annotations

from collections.abc import Sequence

# What Korean hangs on a noun: particles and forms of the copula.
_KOREAN_ENDINGS = frozenset(
    "은 는 이 가 을 를 의 에 에서 에게 에게서 께 께서 로 으로 로서 으로서 로부터 으로부터 부터 까지 와 과 랑 이랑 도 만 나 이나 보다 처럼"
    " 에는 에도 에서는 에서도 에서의 이다 입니다 이었다 였다 이었습니다 였습니다 이며 며 이고 고 이에요 예요 라고 이라고"
    " 란 이란 라는 이라는".split()
)
# Words of one letter that Arabic and Hebrew write together with the next: and, in, to, like, from, the.
_JOINED_WORDS = {"ar": "وفبلك", "he": "ובהלמשכ"}
_ARABIC_ARTICLE = "ال"


def stands_joined(answer: Sequence[str], said: Sequence[str], lang: str) -> bool:
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
