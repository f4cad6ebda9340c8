"""Spellings of one word that a language takes for the same, made one: letter case, vowel points, attached articles.

The rules are few and each is one that writers of the language take for the same word; inflection is not undone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

# Suffixes that Turkish sets off by an apostrophe after a name or a number: Ankara'da, 1989'un. "Kur'an" has none; the plural
# of a number is another: 1990'lar are the nineties.
_TURKISH_SUFFIX = re.compile(
    r"'(?<=\w.)(?:[yn]?[aeıiuü]|n?[ıiuü]n|n?[dt][ae]n?|[dt][ae]ki|y?l[ae]|s[ıiuü]|l[ıiuü]k?|[dt][ıiuü]r?|(?<!\d.)l[ae]r\w*)\b"
)
# The bare article alone: an alef with hamza begins the word itself (ألمانيا), and God's name has no other form.
_ARABIC_ARTICLE = re.compile(r"\b(?:ال(?!له\b)|لل)+(?=\w{2})")
# Before lam, at the beginning of a word, an alef with hamza would look like the article if it were folded.
_ARABIC_ALEF = re.compile(r"(?<!\w)([وفبكل]?)[أإآ](?=ل)|[أإآ]")
# Of a yeh without dots, but not in the word for "on": without it that is the name Ali.
_ARABIC_YEH = re.compile(r"ى(?<!\bعلى)|ى(?=\w)")
# A nasal before a consonant of its own class is written as anusvara too: गङ्गा, गंगा.
_HINDI_NASAL = re.compile("ङ्(?=[क-घ])|ञ्(?=[च-झ])|ण्(?=[ट-ढ])|न्(?=[\u0915-\u0927\u092a-\u0939])|म्(?=[प-भ])")
_MARK = re.compile("[\u0300-\u036f]")
_VIETNAMESE_TONE = re.compile("(o(?=[ae])|u(?=y))([aey])([\u0300\u0301\u0303\u0309\u0323])")


@lru_cache(maxsize=20_000)
def fold_letters(text: str, lang: str) -> str:
    """NFKC, caseless (ß as ss, final sigma as sigma, the Turkish pairs ı I and i İ), with the language's spellings made one."""
    text = unicodedata.normalize("NFKC", text)
    if lang == "tr":
        # Turkish I is the capital of dotless ı, and İ that of i; casefold knows only the English pairs.
        text = text.replace("I", "ı").replace("İ", "i")
    text = text.casefold().replace("’", "'")
    if lang in _APOSTROPHES:
        text = _APOSTROPHES[lang](text)
    # Elsewhere an apostrophe joins, but beside a digit it may be a thousands mark.
    text = re.sub(r"'(?<!\d.)(?!\d)", "", text)
    # Folding can undo the composition that NFKC made ("ΐ"), so compose again; of İ it leaves the dot behind as a mark.
    folded = unicodedata.normalize("NFKC", re.sub("i\u0307+", "i", text))
    return _SPELLINGS[lang](folded) if lang in _SPELLINGS else folded


def _arabic(text: str) -> str:
    """Without tatweel, vowel marks and article; one alef, one yeh, one heh (the rules of Lucene's ArabicNormalizer)."""
    text = re.sub("[\u0640\u064b-\u065f\u0670\u06d6-\u06ed]", "", text).replace("ٱ", "ا")
    text = _ARABIC_ALEF.sub(_arabic_alef, _ARABIC_ARTICLE.sub("", text))
    return _ARABIC_YEH.sub("ي", text).replace("ة", "ه")


def _arabic_alef(found: re.Match[str]) -> str:
    return "ا" if found[1] is None else f"{found[1]}أ"


def _persian(text: str) -> str:
    """Arabic yeh and kaf, and hamza on heh, as Persian writes them; without vowel marks."""
    text = re.sub("[\u0640\u064b-\u0652\u0654\u0670]", "", text)
    return text.translate(str.maketrans("يىكۀةأإ", "ییکههاا"))


def _hebrew(text: str) -> str:
    """Without vowel points, cantillation and the marks of abbreviations."""
    return re.sub('[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7״׳]|(?<=\\w)"(?=\\w)', "", text)


def _without_marks(text: str) -> str:
    """Greek loses its accents in capitals, and the polytonic ones since 1982; English writes those of others or does not."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _MARK.sub("", unicodedata.normalize("NFD", text)))


def _hindi(text: str) -> str:
    """Without nukta; candrabindu and a dead nasal before a consonant as anusvara (more rules than Lucene's HindiNormalizer)."""
    return _HINDI_NASAL.sub("\u0902", text.replace("\u093c", "").replace("\u0901", "\u0902"))


def _thai(text: str) -> str:
    """The ring of sara am, which NFKC takes apart, before the tone mark, as it is typed or not."""
    return re.sub("[\u0e48-\u0e4b\u0e4d]{2,}", lambda marks: "".join(sorted(marks.group(), reverse=True)), text)


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
    return re.sub(r"'(?<=\w.)(?=\w)", " ", text)


def _turkish(text: str) -> str:
    return _TURKISH_SUFFIX.sub("", text)


# What an apostrophe sets off.
_APOSTROPHES: dict[str, Callable[[str], str]] = {"fr": _elided, "it": _elided, "tr": _turkish}
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "ar": _arabic,
    "el": _without_marks,
    "en": _without_marks,
    "fa": _persian,
    "he": _hebrew,
    "hi": _hindi,
    "ro": _romanian,
    "ru": _russian,
    "th": _thai,
    "uk": _russian,
    "ur": _persian,
    "vi": _vietnamese,
}
