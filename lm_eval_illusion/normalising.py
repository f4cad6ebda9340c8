"""One text for all the ways to write the same answer: what `match`, the pairing rules and the passage baseline compare."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from lm_eval_illusion.numerals import DECIMAL_MARK, fold_numbers
from lm_eval_illusion.spelling import fold_letters

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
def normalise(text: str, lang: str) -> str:
    """NFKC, caseless, numbers in one form, no punctuation, no invisible characters, no articles, single spaces.

    Applying it twice changes nothing. Between numbers a dash stays, as a token: 24–10 is not 2410.
    """
    # What one rule removes can open a place for another (1/234 -> 1 234 -> 1234), so until nothing changes.
    while (again := _once(text, lang)) != text:
        text = again
    return text


def _once(text: str, lang: str) -> str:
    visible = "".join(character for character in text if not _is_invisible(character))
    numbered = fold_numbers(fold_letters(visible, lang), lang)
    if lang == "en":
        numbered = re.sub(r"\b(\d+) (?:st|nd|rd|th)\b", r"\1", numbered)
    dashed = re.sub(r"(?<=\d)\s*[\u2010-\u2015\u2212-]\s*(?=\d)", " – ", numbered)
    kept = re.sub(rf"(?<!\d){DECIMAL_MARK}|{DECIMAL_MARK}(?!\d)", " ", dashed)
    words = "".join(_character(character) for character in kept).split()
    words = [word for place, word in enumerate(words) if word != "–" or _between_numbers(words, place)]
    content = [word for word in words if word not in ARTICLES.get(lang, ())]
    # "The The" is a band, "Los" a town: what is nothing but articles keeps them.
    return " ".join(content or words)


def _is_invisible(character: str) -> bool:
    """Format characters (joiners, direction marks) and variation selectors."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _character(character: str) -> str:
    """A letter, mark or digit as it is; an apostrophe joins; all other signs separate."""
    if character in "'’ʼ":
        return ""
    return character if unicodedata.category(character)[0] in "LMN" or character in ("–", DECIMAL_MARK) else " "


def _between_numbers(words: list[str], place: int) -> bool:
    return 0 < place < len(words) - 1 and words[place - 1][-1].isdigit() and words[place + 1][0].isdigit()
