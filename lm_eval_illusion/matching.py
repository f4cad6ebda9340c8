"""Whether an output says an answer: normalisation and match in each language (DESIGN, Matching)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

# Articles that stand as words of their own. Where they are endings (ro, and partly el) or prefixes (ar) they belong to the token.
ARTICLES: dict[str, frozenset[str]] = {
    "de": frozenset("der die das den dem des ein eine einen einem einer eines".split()),
    # As they stand after casefolding, which makes ς a σ.
    "el": frozenset("ο η το οι τα του τησ τον την τουσ τισ των ένασ μια μία ένα".split()),
    "en": frozenset("a an the".split()),
    "es": frozenset("el la los las un una unos unas".split()),
    "ro": frozenset("un o niște".split()),
}

# Scripts without spaces between words: there an answer is looked for as a substring.
NO_WORD_SPACES = frozenset(("ja", "th", "zh"))


def matches(output: str, answers: list[str], lang: str) -> bool:
    """The `match` metric: the first line equals an answer, or holds one as a whole token sequence.

    In zh, ja and th, which write no spaces between words, as a substring. `answers` are the answer and its aliases; an answer
    that is empty after normalisation never matches.
    """
    said = normalise(first_line(output), lang)
    return any(_stands_in(normalise(answer, lang), said, lang) for answer in answers)


def exact_match(output: str, answers: list[str], lang: str) -> bool:
    """Whether the first line equals an answer after normalisation."""
    said = normalise(first_line(output), lang)
    return bool(said) and any(said == normalise(answer, lang) for answer in answers)


def f1(output: str, answers: list[str], lang: str) -> float:
    """The best token F1 over the answers (Rajpurkar et al., SQuAD, 2016, section 6.1); characters count as tokens in zh, ja and th."""
    said = _tokens(normalise(first_line(output), lang), lang)
    return max((_f1(said, _tokens(normalise(answer, lang), lang)) for answer in answers), default=0.0)


def normalise(text: str, lang: str) -> str:
    """NFKC, casefold, no punctuation, no invisible characters, no articles, single spaces. Applying it twice changes nothing."""
    folded = _fold(unicodedata.normalize("NFKC", text), lang)
    words = "".join(_character(character) for character in folded).split()
    content = [word for word in words if word not in ARTICLES.get(lang, ())]
    # "The The" is a band, "Los" a town: what is nothing but articles keeps them.
    return " ".join(content or words)


def first_line(output: str) -> str:
    """The generation up to the first stop: what stands before a line break, leading ones aside."""
    return re.split(r"[\n\r\u2028\u2029]", output.lstrip(), maxsplit=1)[0].strip()


def _fold(text: str, lang: str) -> str:
    if lang == "tr":
        # Turkish I is the capital of dotless ı, and İ that of i; casefold knows only the English pairs.
        text = text.replace("I", "ı").replace("İ", "i")
    # Folding can undo the composition that NFKC made ("ΐ"), so compose again.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _character(character: str) -> str:
    """A letter, mark or digit as it is; an invisible character is nothing; an apostrophe joins; all other signs separate."""
    category = unicodedata.category(character)
    if category == "Cf" or character in "'’ʼ":
        return ""
    return character if category[0] in "LMN" else " "


def _stands_in(answer: str, said: str, lang: str) -> bool:
    if not answer:
        return False
    if lang in NO_WORD_SPACES:
        return answer.replace(" ", "") in said.replace(" ", "")
    return f" {answer} " in f" {said} "


def _tokens(normalised: str, lang: str) -> list[str]:
    return list(normalised.replace(" ", "")) if lang in NO_WORD_SPACES else normalised.split()


def _f1(said: Iterable[str], answer: Iterable[str]) -> float:
    said_counts, answer_counts = Counter(said), Counter(answer)
    shared = (said_counts & answer_counts).total()
    if not shared:
        return 0.0
    precision, recall = shared / said_counts.total(), shared / answer_counts.total()
    return 2 * precision * recall / (precision + recall)
