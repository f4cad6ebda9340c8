"""Spellings of one word that a language takes for the same, made one: letter case, vowel points, attached articles.

The rules are few and each is one that writers of the language take for the same word; inflection is not undone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

# Suffixes that Turkish sets off by an apostrophe after a name or a number: Ankara'da, 1989'un. "Kur'an" has none.
_TURKISH_SUFFIX = re.compile(
    r"(?<=\w)['’](?:[yn]?[aeıiuü]|n?[ıiuü]n|n?[dt][ae]n?|[dt][ae]ki|y?l[ae]|s[ıiuü]|l[ıiuü]k?|[dt][ıiuü]r?|l[ae]r\w*)\b"
)
_ARABIC_ARTICLE = re.compile(r"\b(?:[وفبك]?ال|لل)(?=\w{2})")
_VIETNAMESE_TONE = re.compile("(o(?=[ae])|u(?=y))([aey])([\u0300\u0301\u0303\u0309\u0323])")


@lru_cache(maxsize=20_000)
def fold_letters(text: str, lang: str) -> str:
    """NFKC, caseless (ß as ss, final sigma as sigma, the Turkish pairs ı I and i İ), with the language's spellings made one."""
    text = unicodedata.normalize("NFKC", text)
    if lang == "tr":
        text = _TURKISH_SUFFIX.sub("", text)
        # Turkish I is the capital of dotless ı, and İ that of i; casefold knows only the English pairs.
        text = text.replace("I", "ı").replace("İ", "i")
    # Folding can undo the composition that NFKC made ("ΐ"), so compose again.
    folded = unicodedata.normalize("NFKC", text.casefold())
    return _SPELLINGS[lang](folded) if lang in _SPELLINGS else folded


def _arabic(text: str) -> str:
    """Without tatweel, vowel marks and article; one alef, one yeh, one heh (the rules of Lucene's ArabicNormalizer)."""
    text = re.sub("[\u0640\u064b-\u065f\u0670\u06d6-\u06ed]", "", text)
    text = text.translate(str.maketrans("أإآٱىة", "ااااي" + "ه"))
    while (shorter := _ARABIC_ARTICLE.sub("", text)) != text:
        text = shorter
    return text


def _persian(text: str) -> str:
    """Arabic yeh and kaf, and hamza on heh, as Persian writes them; without vowel marks."""
    text = re.sub("[\u0640\u064b-\u0652\u0654\u0670]", "", text)
    return text.translate(str.maketrans("يىكۀةأإ", "ییکههاا"))


def _hebrew(text: str) -> str:
    """Without vowel points, cantillation and the marks of abbreviations."""
    return re.sub('[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7״׳]|(?<=\\w)"(?=\\w)', "", text)


def _greek(text: str) -> str:
    """Without tonos and dialytika, which capitals lose."""
    return unicodedata.normalize("NFC", re.sub("[\u0301\u0308]", "", unicodedata.normalize("NFD", text)))


def _hindi(text: str) -> str:
    """Without nukta; candrabindu and a dead n before a consonant as anusvara (rules of Lucene's HindiNormalizer)."""
    text = text.replace("\u093c", "").replace("\u0901", "\u0902")
    return re.sub("\u0928\u094d(?=[\u0915-\u0939])(?!\u0928)", "\u0902", text)


def _vietnamese(text: str) -> str:
    """hoà and hòa are one word: the tone mark stands on the first of oa, oe, uy."""
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _VIETNAMESE_TONE.sub(r"\1\3\2", decomposed))


def _romanian(text: str) -> str:
    """The older s and t with cedilla as the letters with comma below."""
    return text.translate(str.maketrans("şţ", "șț"))


def _russian(text: str) -> str:
    """ё is printed as е; a stress mark is not part of the word."""
    return unicodedata.normalize("NFC", text.replace("\u0301", "")).replace("ё", "е")


def _elided(text: str) -> str:
    """An elided article is a word of its own: l'Egypte is l and Egypte."""
    return re.sub(r"(?<=\w)['’](?=\w)", " ", text)


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "ar": _arabic,
    "el": _greek,
    "fa": _persian,
    "fr": _elided,
    "he": _hebrew,
    "hi": _hindi,
    "it": _elided,
    "ro": _romanian,
    "ru": _russian,
    "uk": _russian,
    "ur": _persian,
    "vi": _vietnamese,
}
