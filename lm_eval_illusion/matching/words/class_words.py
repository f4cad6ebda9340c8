"""Class words: the name of a river, a lake or a mountain without the word for what it is.

The word for the class may be left out: the River Nile is the Nile. It may not where a common word would remain: the Yellow River is not
Yellow. So what remains must be written like a name, and must not be listed as a word that needs its class word.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.normalize import normalise

_MIN_LETTERS = 3
_MIN_CHARACTERS = 2
"""Of a name in a script that needs few characters for a word."""
_SYLLABIC = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


@lru_cache(maxsize=50_000)
def without_class_word(answer: str, lang: str) -> str | None:
    """Return the part of an answer that says the same without its class word, as written; None if there is no class word."""
    before, after, classifier = _patterns(lang)
    for pattern, is_name in ((before, True), (after, True), (classifier, False)):
        found = pattern.fullmatch(answer)
        if found and _stands_alone(found["name"], lang, is_name):
            return found["name"]
    return None


def _stands_alone(name: str, lang: str, is_name: bool) -> bool:
    words = normalise(name, lang).split()
    letters = sum(map(len, words))
    if letters < (_MIN_CHARACTERS if _SYLLABIC.search(name) else _MIN_LETTERS):
        return False
    if is_name and language(lang).words.capitals_mark_names and not name[0].isupper():
        return False
    return "".join(words) not in _kept(lang) and not any(map(str.isdigit, name))


@cache
def _patterns(lang: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return patterns of an answer with a class word before its name, with one after it, and with a classifier before it."""
    words, class_words = language(lang).words, language(lang).class_words
    article = rf"(?:(?:{_any_of(words.articles)})\s+|l['’])?" if words.articles else ""
    space = r"\s*" if class_words.is_joined else r"(?:[\s-]+|(?<=['’]))"
    return (
        re.compile(rf"\s*{article}(?:{_any_of(class_words.before)}){space}{article}(?P<name>\S.*)", re.IGNORECASE),
        re.compile(rf"\s*{article}(?P<name>\S.*?){space}(?:{_any_of(class_words.after)})\s*", re.IGNORECASE),
        re.compile(rf"\s*{article}(?:{_any_of(class_words.classifiers)}){space}(?P<name>\S.*)", re.IGNORECASE),
    )


def _any_of(words: tuple[str, ...]) -> str:
    # The longest first: "island of" before "island". Without any word nothing matches.
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) or "(?!)"


@cache
def _kept(lang: str) -> frozenset[str]:
    return frozenset(normalise(word, lang).replace(" ", "") for word in language(lang).class_words.kept)
