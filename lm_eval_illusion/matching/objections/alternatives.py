"""Lists that leave the answer open: "Ohio, Iowa or Utah", "tin / zinc", "Ohio, Iowa, Utah". The words are [alternatives].

Another name for the same is no alternative: "A or, in English, B", "A (or B)", and two answers joined by "or".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.mentions import Mention
from lm_eval_illusion.matching.objections.context import SENTENCE_ENDS, Around, Context, as_context, context_of, phrases
from lm_eval_illusion.matching.text.lines import Line

_LIST_ENDS = SENTENCE_ENDS + ":()"
"""Marks that end a list. A comma or a semicolon separates its items."""
_SEGMENT_ENDS = _LIST_ENDS + ";"
"""Marks that end a phrase with "or"."""
_MOST_ITEM_WORDS = 3
_MOST_ITEM_CHARACTERS = 10
_LEAST_ITEMS = 3
_MOST_TIMES_LONGER = 3
"""Items of a bare list are of similar length: the longest is at most so many times as long as the shortest."""


class _Alternatives(NamedTuple):
    or_after: re.Pattern[str]
    or_before: re.Pattern[str]
    or_words: re.Pattern[str]
    or_endings: re.Pattern[str]
    correlatives: re.Pattern[str]
    correlatives_behind: re.Pattern[str]
    correlative_before: re.Pattern[str]
    renaming: re.Pattern[str]
    one_of: re.Pattern[str]
    candidates: re.Pattern[str]
    stops: re.Pattern[str]
    negators: re.Pattern[str]
    harmless: re.Pattern[str]
    spaces: bool


def is_alternative(line: Line, mention: Mention, answers: Sequence[str]) -> bool:
    """Return whether a mention is one of several candidates. The arguments are those of an objection."""
    rules, context = alternatives_rules(line.lang), context_of(line)
    written = context.around(mention)
    around = written.hide(rules.harmless)
    segment, sentence = around.within(_SEGMENT_ENDS), around.within(SENTENCE_ENDS)
    return (
        _is_joined_behind(segment, context, mention, answers, rules)
        or _is_joined_before(segment, context, mention, answers, rules)
        or _is_correlated(sentence, rules)
        or _is_correlated_behind(written.within(SENTENCE_ENDS), rules)
        or _is_bare_item(around.within(_LIST_ENDS), context, mention, rules)
        or _is_one_of(segment, rules)
        or _is_candidate(sentence, rules)
    )


def _is_joined_behind(
    segment: Around, context: Context, mention: Mention, answers: Sequence[str], rules: _Alternatives
) -> bool:
    """Return whether "or" and another candidate follow, directly or after further items."""
    found = rules.or_after.match(segment.after)
    if not found or any(pattern.search(found["items"]) for pattern in (rules.stops, rules.renaming, rules.negators)):
        return False
    other = segment.after[found.end("or") :]
    if not other.strip() or other.lstrip().startswith(",") or rules.renaming.search(other):
        return False
    at = context.bounds(mention)[1] + found.end("or")
    return not _says_answer(other, answers, context.line.lang) and _has_same_capital(context, mention, at, other)


def _is_joined_before(
    segment: Around, context: Context, mention: Mention, answers: Sequence[str], rules: _Alternatives
) -> bool:
    """Return whether another candidate and "or" stand directly before."""
    found = rules.or_before.match(segment.before)
    if not found:
        return False
    # An ending that means "or" stands at the other candidate: 순천이나 여수.
    if not segment.before[: found.start("or")].strip(" ,") and not rules.or_endings.match(segment.before, found.start("or")):
        return False
    if rules.renaming.search(found[0], found.start("or")) or rules.renaming.match(segment.after, rules.spaces):
        return False
    return not _says_answer(segment.before[: found.start("or")], answers, context.line.lang)


def _has_same_capital(context: Context, mention: Mention, start: int, other: str) -> bool:
    """Return whether the words behind "or" can be of the same kind: a name is no alternative to a word without a capital."""
    if not language(context.line.lang).words.capitals_mark_names:
        return True
    begin, end = context.bounds(mention)
    if begin <= 1 or not context.has_capital(begin, end):
        return True
    first_words = " ".join(other.split()[:_MOST_ITEM_WORDS])
    return context.has_capital(start, start + len(first_words) + 1)


def _is_correlated(sentence: Around, rules: _Alternatives) -> bool:
    """Return whether a word such as "either" stands before the mention, and another one before something else."""
    found = rules.correlative_before.match(sentence.before)
    return found is not None and bool(
        rules.correlatives.search(sentence.before[: found.start("word")]) or rules.correlatives.search(sentence.after)
    )


def _is_correlated_behind(sentence: Around, rules: _Alternatives) -> bool:
    """Return whether a word such as "may be" stands directly behind the mention, as in Japanese, and another one beside something else."""
    found = rules.correlatives_behind.match(sentence.after, rules.spaces)
    return found is not None and bool(
        rules.correlatives_behind.search(sentence.after, found.end()) or rules.correlatives_behind.search(sentence.before)
    )


def _is_bare_item(segment: Around, context: Context, mention: Mention, rules: _Alternatives) -> bool:
    """Return whether the mention is an item of a list of similar items, and nothing says which of them is meant."""
    segment = Around(segment.before.replace(";", ","), segment.after.replace(";", ","))
    if "," not in segment.before + segment.after:
        return False
    begin, end = context.bounds(mention)
    before, _, own_start = segment.before.rpartition(",")
    own_end, _, after = segment.after.partition(",")
    if max(len(own_start.split()), len(own_end.split())) > 1:
        return False
    first = [item.strip() for item in before.split(",") if item.strip()]
    if first and first[0] in _replies(context.line.lang):
        # Yes, Graz, Austria.
        first = first[1:]
    last = [item.strip() for item in after.split(",") if item.strip()]
    own = own_start + context.text[begin:end] + own_end
    items = [*first, own.strip(), *last]
    said = " ".join(("", *items[:-1], ""))
    # "City, State, Country" begins with the answer. "No, not this, that" is no list.
    if len(items) < _LEAST_ITEMS + (not first) or rules.stops.search(said) or rules.negators.search(said):
        return False
    if rules.negators.search(" ".join(("", *items, ""))):
        # One of them is denied: "Of course, Graz, not Linz" is an answer.
        return False
    if len(set(items)) == 1:
        # A loop: Oslo, Oslo, Oslo.
        return False
    lengths = [len(item) for item in items]
    longest = max(len(item.split()) if rules.spaces else len(item) / _MOST_ITEM_CHARACTERS * _MOST_ITEM_WORDS for item in items)
    if longest > _MOST_ITEM_WORDS or max(lengths) > _MOST_TIMES_LONGER * min(lengths):
        return False
    digits = {any(map(str.isdigit, item)) for item in items}
    return len(digits) == 1 and _have_same_capital(context, begin - len(segment.before), end + len(segment.after))


@cache
def _replies(lang: str) -> frozenset[str]:
    """Return words such as yes and of course, which may stand before an answer."""
    given = language(lang).yes_no
    return frozenset(as_context(word, lang) for word in (*given.yes, *given.no, *given.also_yes, *given.also_no, *given.beside))


def _have_same_capital(context: Context, start: int, end: int) -> bool:
    """Return whether the items of a list, except the first word of the line, are all names or all no names."""
    if not language(context.line.lang).words.capitals_mark_names:
        return True
    found = re.finditer("[^,;]+", context.text[start:end])
    items = ((start + item.start(), start + item.end()) for item in found)
    return len({context.has_capital(first, after) for first, after in items if first > 1}) == 1


def _is_one_of(segment: Around, rules: _Alternatives) -> bool:
    """Return whether a phrase such as "one of them" closes the list in which the mention is an item."""
    is_item = segment.before.rstrip().endswith(",") or segment.after.lstrip().startswith(",")
    return is_item and rules.one_of.search(segment.after) is not None


def _is_candidate(sentence: Around, rules: _Alternatives) -> bool:
    """Return whether a phrase such as "candidates are" opens the list in which the mention is an item."""
    found = rules.candidates.search(sentence.before)
    return found is not None and "," in sentence.before[found.end() :] + sentence.after.lstrip()[:1]


def _says_answer(text: str, answers: Sequence[str], lang: str) -> bool:
    """Return whether a part of a line says one of the answers: then the two are names of the same."""
    return any(form and form in text for form in (as_context(answer, lang) for answer in answers))


@cache
def alternatives_rules(lang: str) -> _Alternatives:
    """Return the patterns of a language."""
    own, spaces = language(lang).alternatives, language(lang).words.spaces
    or_words = phrases((*own.or_words, "/"), lang)
    correlatives = phrases(own.correlatives, lang)
    # `words.format(n)`: up to n words, none of them a comma.
    words, gap, most = (
        ("(?:[^ ,]+ ){{0,{}}}", " ", _MOST_ITEM_WORDS) if spaces else ("[^,]{{0,{}}}?", "", _MOST_ITEM_CHARACTERS)
    )
    item = f"(?:,{gap}{words.format(most)})"
    or_after = rf"{gap}(?P<items>{words.format(1)}{item}{{0,8}}?(?:,{gap})?)(?P<or>{or_words.pattern})"
    return _Alternatives(
        or_after=re.compile(or_after),
        or_before=re.compile(rf".*(?P<or>{or_words.pattern}){gap}{words.format(2)}$"),
        or_words=or_words,
        or_endings=phrases(tuple(word for word in own.or_words if word.startswith("*")), lang),
        correlatives=correlatives,
        correlatives_behind=phrases(own.correlatives_behind, lang),
        correlative_before=re.compile(rf".*(?P<word>{correlatives.pattern}){gap}(?:,{gap})?{words.format(2)}$"),
        renaming=phrases(own.renaming, lang),
        one_of=phrases(own.one_of, lang),
        candidates=phrases(own.candidates, lang),
        stops=phrases(language(lang).negation.stops, lang),
        negators=phrases(language(lang).negation.before, lang),
        harmless=phrases(language(lang).negation.harmless, lang),
        spaces=spaces,
    )
