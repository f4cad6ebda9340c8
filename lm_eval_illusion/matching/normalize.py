"""A text as it is compared with others in pairing.

One text for all the ways to write the same answer: what `match`, the pairing rules and the passage baseline compare.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import dropwhile, filterfalse

from lm_eval_illusion.matching.numbers import fold_numbers
from lm_eval_illusion.matching.orthography import fold_letters
from lm_eval_illusion.matching.punctuation import plain_signs, words_of

# Articles that stand as words of their own. Where they are endings (ro, and partly el) or prefixes (he) they belong to the token.
ARTICLES: dict[str, frozenset[str]] = {
    "da": frozenset("den det de en et".split()),
    "de": frozenset("der die das den dem des ein eine einen einem einer eines".split()),
    # As they stand after folding: without accents, ς as σ.
    "el": frozenset("ο η το οι τα του τησ τον την τουσ τισ των ενασ μια ενα".split()),
    "en": frozenset("a an the".split()),
    "es": frozenset("el la los las un una unos unas".split()),
    "fr": frozenset("le la les l un une des du".split()),
    "hu": frozenset("a az egy".split()),
    "it": frozenset("il lo la i gli le l un uno una".split()),
    "nl": frozenset("de het een".split()),
    "no": frozenset("den det de en ei et".split()),
    "pt": frozenset("o a os as um uma uns umas".split()),
    "ro": frozenset("un o niște".split()),
    "sv": frozenset("den det de en ett".split()),
}


@lru_cache(maxsize=100_000)
def normalise(text: str, lang: str, only_leading_articles: bool = False) -> str:
    """NFKC, caseless, numbers in one form, no punctuation, no invisible characters, no articles, single spaces.

    Beside a number some signs stay: a dash between two and a percent sign as words, a minus sign as part of it. Of a normalised text
    the normalised is the same, but for numbers that punctuation parted: "1, 234" becomes "1 234", and that is 1234.
    """
    words = words_of(fold_numbers(fold_letters(plain_signs(text), lang), lang))
    articles = ARTICLES.get(lang, frozenset())
    left = dropwhile if only_leading_articles else filterfalse
    content = list(left(articles.__contains__, words))
    # "The The" is a band, "Los" a town: what is nothing but articles keeps them.
    return " ".join(content or words)


def ends_in_article(text: str, lang: str) -> bool:
    """Whether it ends in a word that is written like an article and is none: Vitamin A, Umberto I."""
    if lang not in ARTICLES:
        return False
    *others, last = normalise(text, lang, only_leading_articles=True).split() or [""]
    return last in ARTICLES[lang] and bool(others)


@lru_cache(maxsize=200_000)
def compact(text: str, lang: str) -> str:
    """Normalised and without spaces."""
    return normalise(text, lang).replace(" ", "")
