"""Normal form of a text: the same for every way to write the same answer. Matching and the pairing rules compare texts in this form."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import dropwhile, filterfalse

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.number_notation import fold_numbers
from lm_eval_illusion.matching.text.orthography import fold_letters
from lm_eval_illusion.matching.text.punctuation import split_words, unify_signs

_BETWEEN_NUMBERS = re.compile(r"\d \d")
_SPACE = re.compile(r" (?!\d)|(?<!\d) ")


def normalise(text: str, lang: str, only_leading_articles: bool = False) -> str:
    """Return the normal form of a text: caseless, NFKC, numbers in one form, no punctuation, invisible characters or articles.

    Words are separated by one space. Some signs beside a number stay: a dash between two numbers and a percent sign as words, a minus
    sign as part of the number. The function is idempotent, except where punctuation separated two numbers: "1, 234" becomes "1 234",
    and that becomes 1234.

    Args:
        text: Any text.
        lang: ISO 639-1 code.
        only_leading_articles: Remove articles at the beginning of the text only.

    Raises:
        UserError: CLDR does not know the language.
    """
    words = _words(text, lang)
    articles = articles_of(lang)
    if not articles or articles.isdisjoint(words):
        return " ".join(words)
    remove = dropwhile if only_leading_articles else filterfalse
    content = list(remove(articles.__contains__, words))
    # "The The" is a band and "Los" a town: a text of nothing but articles keeps them.
    return " ".join(content or words)


@lru_cache(maxsize=2_000)
def _words(text: str, lang: str) -> tuple[str, ...]:
    """Return the words of the normal form, with all articles."""
    return tuple(split_words(fold_numbers(fold_letters(unify_signs(text), lang), lang)))


def ends_in_article(text: str, lang: str) -> bool:
    """Return whether the last of several words is spelled like an article without being one: Vitamin A, Umberto I."""
    articles = articles_of(lang)
    if not articles:
        return False
    words = normalise(text, lang, only_leading_articles=True).split()
    return len(words) > 1 and words[-1] in articles


@lru_cache(maxsize=400_000)
def compact(text: str, lang: str) -> str:
    """Return the normal form without spaces, except between two numbers: 3 1990 is not 31990."""
    normal = normalise(text, lang)
    return _SPACE.sub("", normal) if _BETWEEN_NUMBERS.search(normal) else normal.replace(" ", "")


@cache
def articles_of(lang: str) -> frozenset[str]:
    """Return the articles of a language, caseless and in the spelling that the language folds."""
    return frozenset(fold_letters(article, lang) for article in language(lang).words.articles)
