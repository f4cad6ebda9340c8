"""Whether an output says an answer (DESIGN, Matching)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from lm_eval_illusion.dates import date_forms
from lm_eval_illusion.normalising import normalise
from lm_eval_illusion.spelling import fold_letters

# Scripts without spaces between words: there an answer is looked for as a substring.
NO_WORD_SPACES = frozenset(("ja", "th", "zh"))

# What Korean hangs on a noun: particles and forms of the copula.
_KOREAN_ENDINGS = frozenset(
    "은 는 이 가 을 를 의 에 에서 에게 에게서 께 께서 로 으로 로서 으로서 로부터 으로부터 부터 까지 와 과 랑 이랑 도 만 나 이나 보다 처럼"
    " 에는 에도 에서는 에서도 이다 입니다 이었다 였다 이었습니다 였습니다 이며 며 이고 고 이에요 예요 라고 이라고".split()
)
# Words of one letter that Arabic and Hebrew write together with the next: and, in, to, like, from, the.
_JOINED_WORDS = {"ar": "وفبلك", "he": "ובהלמשכ"}


def matches(output: str, answers: list[str], lang: str) -> bool:
    """The `match` metric: the first line equals an answer, or holds one as a whole token sequence.

    In zh, ja and th, which write no spaces between words, as a substring. `answers` are the answer and its aliases; dates count in
    every form of the language. An answer that is empty after normalisation never matches.
    """
    said = normalise(first_line(output), lang)
    return any(_stands_in(form, said, lang) for answer in answers for form in _forms(answer, lang))


def exact_match(output: str, answers: list[str], lang: str) -> bool:
    """Whether the first line equals an answer after normalisation."""
    said = normalise(first_line(output), lang)
    return bool(said) and any(said in _forms(answer, lang) for answer in answers)


def f1(output: str, answers: list[str], lang: str) -> float:
    """The best token F1 over the answers (Rajpurkar et al., SQuAD, 2016, section 6.1); characters count as tokens in zh, ja and th."""
    said = _tokens(normalise(first_line(output), lang), lang)
    forms = (form for answer in answers for form in _forms(answer, lang))
    return max((_f1(said, _tokens(form, lang)) for form in forms), default=0.0)


def first_line(output: str) -> str:
    """The generation up to the first stop: what stands before a line break, leading ones aside."""
    return re.split(r"[\n\r\u2028\u2029]", output.lstrip(), maxsplit=1)[0].strip()


def stands_in_passage(text: str, passage: str, lang: str) -> bool:
    """Whether the letters of a text stand in a passage, case aside, in whatever word, as who skims it sees them; numbers whole."""
    wanted, seen = fold_letters(text, lang), fold_letters(passage, lang)
    # Most don't, and looking for them is quicker than making the pattern.
    return wanted in seen and re.search(rf"(?<!\d){re.escape(wanted)}(?!\d)", seen) is not None


def _forms(answer: str, lang: str) -> tuple[str, ...]:
    return (normalise(answer, lang), *date_forms(answer, lang))


def _stands_in(answer: str, said: str, lang: str) -> bool:
    if not answer:
        return False
    if lang in NO_WORD_SPACES:
        return _stands_within(_without_spaces(answer), _without_spaces(said))
    return f" {answer} " in f" {said} " or (lang in ("ar", "he", "ko") and _stands_joined(answer.split(), said.split(), lang))


def _stands_within(answer: str, said: str) -> bool:
    """As a substring that cuts no number and no word of letters that are written with spaces: 5 does not stand in 15."""
    start = said.find(answer)
    while start >= 0:
        end = start + len(answer)
        cut_before = start > 0 and _is_cut(said[start - 1], answer[0])
        if not cut_before and not (end < len(said) and _is_cut(answer[-1], said[end])):
            return True
        start = said.find(answer, start + 1)
    return False


def _is_cut(left: str, right: str) -> bool:
    return _is_spaced(left) and _is_spaced(right)


@lru_cache(maxsize=10_000)
def _is_spaced(character: str) -> bool:
    """Digits with their marks, and letters of scripts that write spaces, as far as they stand in such text."""
    return (
        character.isdigit()
        or character == "\u066b"
        or unicodedata.name(character, "").startswith(("LATIN", "CYRILLIC", "GREEK"))
    )


def _without_spaces(text: str) -> str:
    """Without the spaces that part nothing: those beside a character of a script without word spaces."""
    return "".join(
        character for place, character in enumerate(text) if character != " " or _is_cut(text[place - 1], text[place + 1])
    )


def _stands_joined(answer: Sequence[str], said: Sequence[str], lang: str) -> bool:
    """As a token sequence whose last token has a Korean particle, here or there, or whose first an Arabic or Hebrew joined word."""
    windows = (said[start : start + len(answer)] for start in range(len(said) - len(answer) + 1))
    same = _same_but_for_ending if lang == "ko" else _same_but_for_beginning
    return any(same(list(answer), list(window), lang) for window in windows)


def _same_but_for_ending(answer: list[str], said: list[str], _: str) -> bool:
    if answer[:-1] != said[:-1]:
        return False
    shorter, longer = sorted((answer[-1], said[-1]), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :] in _KOREAN_ENDINGS


def _same_but_for_beginning(answer: list[str], said: list[str], lang: str) -> bool:
    # Shorter words are too often the end of another: رد in ورد.
    first = answer[0]
    joined = len(first) >= 3 and said[0][1:] == first and said[0][0] in _JOINED_WORDS[lang]
    return joined and answer[1:] == said[1:]


def _tokens(normalised: str, lang: str) -> list[str]:
    return list(normalised.replace(" ", "")) if lang in NO_WORD_SPACES else normalised.split()


def _f1(said: Iterable[str], answer: Iterable[str]) -> float:
    said_counts, answer_counts = Counter(said), Counter(answer)
    shared = (said_counts & answer_counts).total()
    if not shared:
        return 0.0
    precision, recall = shared / said_counts.total(), shared / answer_counts.total()
    return 2 * precision * recall / (precision + recall)
