"""Objection: the mention is a part of another name or word, as Jersey in New Jersey, Mecklenburg in Mecklenburg-Vorpommern, H2O in H2O2.

What makes another name is written in the language's [names]. Where names begin with a capital letter, a second capitalised word behind
a name makes another one, too: London Bridge. Before a name it usually makes none: Albert Einstein, Lake Victoria.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.answer_forms import answer_forms
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.numbers.forms import is_number
from lm_eval_illusion.matching.text.cldr import is_known, locale_of
from lm_eval_illusion.matching.text.lines import Line, Unit, units
from lm_eval_illusion.matching.text.normalize import articles_of, normalise
from lm_eval_illusion.matching.text.segmentation import surroundings, word_list
from lm_eval_illusion.matching.words.inflection import is_form

_HYPHENS = frozenset("-\u2010\u2011\u05be")
_GRADE_SIGNS = frozenset("-\u2212")
_DIGIT_BESIDE_LETTER = re.compile(r"[^\W\d_]\d|\d[^\W\d_]")
_LONG_WORD = re.compile(r"\w{4,}")
_ROMAN = re.compile("[IVXLCDM]+")
_MANY_WORDS = 4
"""A line of so many words, each with a capital letter, is written as a title: its capitals prove nothing."""


class _Phrases(NamedTuple):
    """The entries of one list in [names].

    Attributes:
        entries: The folded units of an entry -> whether it is written with a capital letter.
        lengths: The numbers of units that entries have.
    """

    entries: dict[tuple[str, ...], bool]
    lengths: tuple[int, ...]


def is_part_of_other_name(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether the words, hyphens or signs directly around a mention make another name or word of it."""
    if mention.rule == "number" and not language(line.lang).words.spaces:
        # The rules of numbers know which words are numerals: 三人 is three.
        return False
    # What makes another number is an objection of its own: eight-legged still says eight.
    number = mention.rule == "number" and is_number(line.text[mention.start : mention.end], line.lang)
    if not number and language(line.lang).words.word_list and _is_in_longer_word(line, mention):
        return True
    found = _units_around(line, mention)
    if found is None:
        return False
    first, after = found
    return (
        _cuts_a_code(line, mention, answers)
        or _is_in_compound(line, first, after)
        or _is_graded(line.text, mention)
        or (not number and (_has_hyphen_before(line, first, mention) or _has_hyphen_after(line, after, mention)))
        or (not (number or line.text[mention.end - 1].isdigit()) and _has_neighbour(line, first, after))
        or _has_second_name(line, first, after, mention)
    )


@cache
def names_rules(lang: str) -> None:
    """Load the lists of a language, so that no later output waits for them."""
    for key in ("before", "after", "exceptions", "towns", "kinds", "first_parts", "second_parts", "compounds"):
        _phrases(lang, key)
    _first_words_of_countries(lang)
    if language(lang).words.word_list:
        word_list(lang)


def _units_around(line: Line, mention: Mention) -> tuple[int, int] | None:
    """Return the index of the first unit of a mention and the index after its last one; None if the mention begins within a unit."""
    first = bisect_left(line.units, mention.start, key=_start)
    if first == len(line.units) or line.units[first].start != mention.start:
        return None
    after = first
    while after < len(line.units) and line.units[after].start < mention.end:
        after += 1
    return first, after


def _start(unit: Unit) -> int:
    return unit.start


def _cuts_a_code(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a mention is a part of a code of letters and digits: H2O in H2O2, B1 in B12x. A number may have a unit: 5km."""
    text = line.text[mention.start : mention.end]
    if (
        mention.rule not in ("words", "number")
        or any(map(str.isspace, text))
        or not (_DIGIT_BESIDE_LETTER.search(text) and language(line.lang).words.spaces)
    ):
        return False
    # A letter of a code is no article.
    normal = normalise(text, line.lang, only_leading_articles=True)
    said = [form for answer in answers for form in answer_forms(answer, line.lang).forms if f" {form} " in f" {normal} "]
    # "said" is empty for a number in another notation.
    return bool(said) and normal not in said and all(form[0].isalpha() for form in said)


def _is_graded(text: str, mention: Mention) -> bool:
    """Return whether a sign without space makes another sign of one letter: °C, and A- as a grade."""
    if text[max(0, mention.start - 1) : mention.start] == "°":
        return True
    behind = text[mention.end : mention.end + 2]
    return mention.end - mention.start == 1 and behind[:1] in _GRADE_SIGNS and not behind[1:].isalnum() if behind else False


def _has_hyphen_before(line: Line, first: int, mention: Mention) -> bool:
    joined = _joined(line.units, first - 2)
    if joined is None:
        # Castilla-La Mancha
        joined = _joined(line.units, first - 3)
        return joined is not None and all(unit.is_capital for unit in joined) and joined[1].text in articles_of(line.lang)
    left, right = joined
    # Rumah-rumah is a plural, and Baden-Baden a name.
    repeats = is_form(right.text, left.text, line.lang) and not right.is_capital
    if repeats or left.text in _parts(line.lang, "first_parts"):
        return False
    third = _joined(line.units, first - 4)
    if third is not None and third[0].is_capital and right.is_capital:
        # Île-de-France
        return True
    # Within a sentence, a word in lower case before a name only describes it: mid-Wales.
    return left.is_capital or not right.is_capital or not _has_capitals(line.lang)


def _has_hyphen_after(line: Line, after: int, mention: Mention) -> bool:
    joined = _joined(line.units, after - 1)
    if joined is None:
        return False
    left, right = joined
    repeats = is_form(left.text, right.text, line.lang) and not right.is_capital
    if repeats or right.text in _parts(line.lang, "second_parts"):
        return False
    if left.is_capital and len(left.text) > 1 and not right.is_capital and _has_capitals(line.lang):
        # Oslo-based, but Frankfurt-on-Oder and Guinea-bissau.
        third = _joined(line.units, after + 1)
        return (third is not None and third[1].is_capital) or (right.text,) in _phrases(line.lang, "after").entries
    return True


def _joined(units: Sequence[Unit], index: int) -> tuple[Unit, Unit] | None:
    """Return the words that a hyphen joins, if the unit at the index is the first one, the next a hyphen and no space is between."""
    if index < 0 or index + 2 >= len(units):
        return None
    left, hyphen, right = units[index : index + 3]
    if hyphen.text not in _HYPHENS or left.end != hyphen.start or hyphen.end != right.start:
        return None
    # Digits have rules of their own: 20-30, COVID-19.
    return (left, right) if left.is_word and right.is_word and not any(map(str.isdigit, left.text + right.text)) else None


def _is_in_longer_word(line: Line, mention: Mention) -> bool:
    """Return whether a word goes on beside a mention, or a word beside it makes another name, where no spaces separate words."""
    names, lang = language(line.lang).names, line.lang
    found = surroundings(line.text, mention.start, mention.end, lang)
    if found.cut_before not in ("", *names.first_parts) and tuple(found.cut_before) not in _countries(lang):
        return True
    if found.cut_after not in ("", *names.kinds):
        return True
    if line.text[mention.end - 1].isdigit():
        return False
    if found.before in names.before and not line.text[: mention.start].endswith(names.exceptions or ("\0",)):
        return True
    return found.after != "" and found.after in names.after


def _is_in_compound(line: Line, first: int, after: int) -> bool:
    """Return whether a mention is a part of a word that is written with spaces: kuda in kuda nil, đức in đạo đức."""
    compounds = _phrases(line.lang, "compounds")
    return any(
        _counts(compounds, True, line.units[start : start + length], line)
        for length in compounds.lengths
        if length > after - first
        for start in range(max(0, after - length), min(first, len(line.units) - length) + 1)
    )


def _has_neighbour(line: Line, first: int, after: int) -> bool:
    """Return whether an entry of `before` or `after` stands directly beside a mention."""
    units, lang = line.units, line.lang
    names = language(lang).names
    if language(lang).words.word_list:
        return False
    if names.towns and tuple(unit.text for unit in units[first:after]) in _countries(lang):
        towns = _phrases(lang, "towns")
        if _is_beside(towns, line, first, -1) or _is_beside(towns, line, after, 1):
            return True
    # Both words of a name have a capital letter: New York, but "New house" at the beginning of a sentence.
    may_be_name = units[first].is_capital or not _has_capitals(lang) or _is_lower(line.text)
    if (
        _is_beside(_phrases(lang, "before"), line, first, -1, names=may_be_name)
        and not _is_beside(_phrases(lang, "exceptions"), line, first, -1)
        and not _is_announced(line, first, after)
    ):
        return True
    return _is_beside(_phrases(lang, "after"), line, after, 1)


def _is_announced(line: Line, first: int, after: int) -> bool:
    """Return whether a line begins with the word "answer", the mention and the end of a clause: in Hindi the word is also "north"."""
    units, prompt = line.units, language(line.lang).prompt
    if first != 1 or prompt is None or after >= len(units) or (units[0].text,) != _units_of(prompt.answer, line.lang):
        return False
    return units[after].text == "," or (units[after].text,) in _stops(line.lang)


@cache
def _stops(lang: str) -> frozenset[tuple[str, ...]]:
    return frozenset(_units_of(word, lang) for word in language(lang).negation.stops)


def _is_beside(phrases: _Phrases, line: Line, index: int, direction: int, names: bool = True) -> bool:
    """Return whether an entry of a list ends before the unit at the index (direction -1) or begins there (1).

    `names`: entries with a capital letter count, too.
    """
    return any(
        _counts(
            phrases, names, line.units[index - length : index] if direction < 0 else line.units[index : index + length], line
        )
        for length in phrases.lengths
        if 0 <= index + direction * length <= len(line.units)
    )


def _counts(phrases: _Phrases, names: bool, found: Sequence[Unit], line: Line) -> bool:
    """Return whether words are an entry of a list. In a line without any capital letter, an entry with one counts, too: new york."""
    needs_capital = phrases.entries.get(tuple(unit.text for unit in found))
    if needs_capital is None or (needs_capital and not names):
        return False
    return not needs_capital or any(unit.is_capital for unit in found) or _is_lower(line.text)


def _has_second_name(line: Line, first: int, after: int, mention: Mention) -> bool:
    """Return whether a capitalised word directly behind a capitalised mention makes another name: London Bridge, Paris Hilton."""
    units, lang = line.units, line.lang
    names = language(lang).names
    if not _has_capitals(lang) or after >= len(units) or not units[first].is_capital:
        return False
    if names.surname_first and not _has_surname(units, first, after, names.surnames):
        return False
    word = units[after]
    written = line.text[word.start : word.end]
    if not word.is_word or not word.is_capital or len(written) < 2 or written.isupper() or not written.isalpha():
        return False
    # An abbreviation is used as an adjective: the US Army. The word is a kind or the country: Amazon River, Paris France.
    if line.text[mention.start : mention.end].isupper() or _ROMAN.fullmatch(written):
        return False
    if word.text in _parts(lang, "kinds") or word.text in _first_words_of_countries(lang):
        return False
    return not _is_title(line.text)


def _has_surname(units: Sequence[Unit], first: int, after: int, surnames: re.Pattern[str] | None) -> bool:
    """Return whether a mention is no surname and one stands behind it: Lev in Lev Tolstoy."""
    if surnames is None or after - first > 1 or surnames.fullmatch(units[first].text):
        return False
    return any(
        surnames.fullmatch(" ".join(unit.text for unit in units[after:end])) is not None
        for end in range(after + 1, min(after + 2, len(units)) + 1)
        if all(unit.is_word and unit.is_capital for unit in units[after:end])
    )


@lru_cache(maxsize=1_000)
def _is_title(text: str) -> bool:
    """Return whether a text has many words and writes each long one with a capital letter."""
    words = [word for word in _LONG_WORD.findall(text) if word[0].isalpha()]
    return len(words) >= _MANY_WORDS and all(word[0].isupper() for word in words)


@lru_cache(maxsize=1_000)
def _is_lower(text: str) -> bool:
    return text == text.lower()


def _has_capitals(lang: str) -> bool:
    return language(lang).words.capitals_mark_names


@cache
def _phrases(lang: str, key: str) -> _Phrases:
    """Return the entries of one list in [names] as folded units, each stem with each of the endings."""
    names = language(lang).names
    phrases: dict[tuple[str, ...], bool] = {}
    for entry in getattr(names, key):
        for phrase in [entry[:-1] + ending for ending in names.endings] if entry.endswith("-") else [entry]:
            phrases[_units_of(phrase, lang)] = phrase != phrase.lower()
    return _Phrases(phrases, tuple(sorted(set(map(len, phrases)))))


def _units_of(phrase: str, lang: str) -> tuple[str, ...]:
    """Return the folded units of a phrase."""
    return tuple(unit.text for unit in units(phrase, lang))


@cache
def _parts(lang: str, key: str) -> frozenset[str]:
    """Return the first folded units of the entries of one list in [names]."""
    return frozenset(phrase[0] for phrase in _phrases(lang, key).entries)


@cache
def _first_words_of_countries(lang: str) -> frozenset[str]:
    """Return the first word of each name of a country in CLDR: a town may stand before it without a comma."""
    return frozenset(phrase[0] for phrase in _countries(lang))


@cache
def _countries(lang: str) -> frozenset[tuple[str, ...]]:
    """Return the names of countries and of their regions in CLDR as folded units."""
    names = locale_of(lang).territories.values() if is_known(lang) else ()
    return frozenset(_units_of(name, lang) for name in names)
