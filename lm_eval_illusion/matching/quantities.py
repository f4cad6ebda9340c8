"""Numbers that what stands beside them makes other numbers: 18%, 15 million, the 1990er Jahre."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from lm_eval_illusion.matching.cldr import cldr
from lm_eval_illusion.matching.normalize import normalise
from lm_eval_illusion.matching.punctuation import PERCENT

_NUMBER = r"\d+(?:\u066b\d+)?"

# What CLDR lacks.
_MORE_PERCENT_WORDS: dict[str, tuple[str, ...]] = {
    "ar": ("{0} بالمئة", "{0} في المئة", "{0} في المائة"),
    "bn": ("{0} শতাংশ",),
    "en": ("{0} per cent",),
    "ko": ("{0}퍼센트",),
    "sw": ("asilimia {0}",),
    "vi": ("{0} phần trăm",),
    "zh": ("百分之{0}",),
}
_MORE_MAGNITUDES: dict[str, tuple[str, ...]] = {
    "bn": ("লক্ষ",),
    "te": ("లక్ష", "లక్షలు", "లక్షల", "కోటి", "కోట్లు", "కోట్ల"),
    "vi": ("ngàn", "tỉ"),
}
# Written without a word boundary after them. Kilometres and the like are no thousands.
_MAGNITUDES_OF_CHARACTERS = {"ja": "[千万億兆京]", "ko": "[만억조천]", "zh": "[百万亿兆萬億]|千(?![米克瓦卡焦赫帕伏])"}

# A decade is named after its first year: what follows it then, or comes before, as regular expressions.
_AFTER_DECADES = {
    "bn": "এর দশক[^ ]*",
    "da": "erne|tallet",
    "de": "ern?",
    "fi": r"lu[kv]u\w*",
    "hi": "क[ाे] दशक[^ ]*",
    "hu": "es évek[^ ]*",
    "id": "an",
    "ja": "年代",
    "ko": "년대",
    "ms": "an",
    "no": "tallet",
    "ru": "[ех]|[ыи][ех]|ми",
    "sv": r"tal\w*",
    "te": "ల|లలో|ల[^ ]* దశక[^ ]*",
    "tr": r"l[ae]r\w*",
    "uk": "ті|х|тих",
    "zh": "年代",
}
_BEFORE_DECADES = {
    "el": "δεκαετιασ? του|δεκαετια",
    "es": "años",
    "fr": "années",
    "it": "anni",
    "pt": "anos",
    "ro": "anii",
    "sw": "miaka ya",
    "th": "ทศวรรษ(?:ที่)?",
    "vi": "thập (?:niên|kỷ)",
}
_CONTEXT = 40
"""Longer than any of these words, in characters."""


@lru_cache(maxsize=50_000)
def percentage_forms(normalised: str, lang: str) -> tuple[str, ...]:
    """Other ways to write the percentage that a normalised text is: 20 % and 20 percent; none if it is none."""
    patterns = _percent_patterns(lang)
    for pattern in patterns:
        number = re.fullmatch(re.escape(pattern).replace("7", f"({_NUMBER})"), normalised)
        if number:
            return tuple(other.replace("7", number[1]) for other in patterns if other != pattern)
    return ()


def without_percent(normalised: str) -> str | None:
    """The number of "20 %", which may be all that is said: the question asks for a percentage."""
    return normalised[: -len(PERCENT) - 1] if re.fullmatch(f"{_NUMBER} {PERCENT}", normalised) else None


def is_other_number(said: str, start: int, end: int, lang: str) -> bool:
    """Whether from start to end there stands a number that its neighbours make another: 15 in "15 million", 1990 in "1990er"."""
    number = said[start:end]
    if re.fullmatch(_NUMBER, number) is None:
        return False
    before, after = _neighbours(lang, is_decade=re.fullmatch(r"\d{2,3}0", number) is not None)
    return bool(before.search(said[max(0, start - _CONTEXT) : start]) or after.match(said[end : end + _CONTEXT]))


@cache
def _percent_patterns(lang: str) -> tuple[str, ...]:
    """With 7 for the number."""
    units = cldr(lang)["unit_patterns"].get("concentr-percent", {})
    # Languages that have no words of their own have the sign alone, at another depth.
    words = [pattern for pattern in units.get("long", units).values() if isinstance(pattern, str)]
    written = (f"{{0}}{PERCENT}", *words, *_MORE_PERCENT_WORDS.get(lang, ()))
    return tuple(dict.fromkeys(normalise(pattern.replace("{0}", "7"), lang) for pattern in written))


@cache
def _neighbours(lang: str, is_decade: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What makes a number another: at the end of what stands before it, and at the beginning of what stands after it."""
    parts = [phrase.split("7") for phrase in _magnitude_phrases(lang)]
    before = {re.escape(head.strip()) for head, _ in parts} - {""}
    after = {re.escape(tail.strip()) for _, tail in parts} - {""}
    if is_decade:
        before |= {_BEFORE_DECADES.get(lang, "")} - {""}
        after |= {_AFTER_DECADES.get(lang, "")} - {""}
    characters = _MAGNITUDES_OF_CHARACTERS.get(lang)
    end = "" if lang in _MAGNITUDES_OF_CHARACTERS or lang == "th" else "(?: |$)"
    start = "" if lang == "th" else "(?:^| )"
    after |= {characters} if characters else set()
    return _pattern(f"{start}(?:{{}}) ?$", before), _pattern(f" ?(?:{{}}){end}", after)


def _pattern(frame: str, phrases: set[str]) -> re.Pattern[str]:
    # Without any phrase nothing matches.
    return re.compile(frame.format("|".join(sorted(phrases)) or "(?!)"))


def _magnitude_phrases(lang: str) -> Iterator[str]:
    """Thousand, million and so on of CLDR, with 7 for the number, normalised: "7 million", "milioni 7"."""
    formats = cldr(lang)["compact_decimal_formats"]
    for width in ("long", "short"):
        for plural in formats.get(width, {}).values():
            for one in plural.values():
                phrase = normalise(re.sub("0+", "7", one.pattern.split(";")[0].replace("'", "")), lang)
                # Shorter abbreviations are those of units too: m, t, K, cm.
                if "7" in phrase and (width == "long" or sum(map(str.isalpha, phrase)) >= 3):
                    yield phrase
    yield from (f"7 {normalise(word, lang)}" for word in _MORE_MAGNITUDES.get(lang, ()))
