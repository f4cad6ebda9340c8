"""Which answers the rules allow as options of a question, and beside each other (see `option_rules`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress

from lm_eval_illusion.matching.text.normalize import compact
from lm_eval_illusion.pairing.donors.answer_table import AnswerTable
from lm_eval_illusion.pairing.donors.assignment import DISTRACTORS
from lm_eval_illusion.pairing.donors.text_index import TextIndex
from lm_eval_illusion.pairing.option_rules import RightAnswers, bare_number, is_allowed, overlaps
from lm_eval_illusion.pairing.parallel_questions import ParallelQuestion
from lm_eval_illusion.pairing.reading.questions import Question

_MANY = 32
"""Right answers of one text that are compared one after the other; more are searched in one piece first."""
_AT_ONCE = 40
"""Candidates of a question that are tested before it is seen whether they are enough."""
_RETRIED = 30
"""Candidates among which a question with less than three compatible ones searches others."""
_WIDE = 64
"""The texts that a text overlaps are kept as a set if they are more: short answers stand in thousands of others."""

_NO_QUESTION = Question("", "", "", "", "")
"""In place of a question in a language that it lacks."""


class OptionRulesOfLanguage:
    """The rules for the texts of an `AnswerTable`."""

    def __init__(self, questions: Sequence[ParallelQuestion], table: AnswerTable, answer_key: RightAnswers) -> None:
        self._compact, self._lang, self._answer_key = table.compact, table.lang, answer_key
        self._texts = table.texts
        self._is_number = [bare_number(text) is not None for text in table.compact]
        self._is_plain = list(map(_is_plain, table.compact))
        self._translations = [question.by_lang.get(table.lang, _NO_QUESTION) for question in questions]
        self._questions = [compact(translation.question, table.lang) for translation in self._translations]
        self.overlapping = _overlapping(table.compact)
        self._joined = lru_cache(1_000)(self._join)
        # Many questions have this text, so the same options are tested for each.
        self._is_allowed_among_many = lru_cache(200_000)(self._allowed_among_many)

    def allowed(self, question: int, texts: Sequence[int]) -> list[bool]:
        """Return for each text whether it may be an option of a question, whatever the other options are."""
        compact_texts, question_text = self._compact, self._questions[question]
        rights = self._answer_key[self._lang, question_text]
        if len(rights) > _MANY:
            return [self._is_allowed_among_many(text, question_text) for text in texts]
        # Plain containment is tested here, because millions of these tests are made. The rules are asked about texts with a digit at an
        # end, and about numbers without words, which they compare by value.
        avoided, translation = "\n".join((question_text, *rights)), self._translations[question]
        compact_texts, is_number, is_plain = self._compact, self._is_number, self._is_plain
        if len(rights) == 1:
            (right,) = rights
            is_free = [not (is_number[text] or (option := compact_texts[text]) in avoided or right in option) for text in texts]
        else:
            is_free = [
                not (is_number[text] or (option := compact_texts[text]) in avoided or any(right in option for right in rights))
                for text in texts
            ]
        if all(is_free):
            return is_free
        plain_rights = list(filter(_is_plain, rights))
        return [
            free
            or not (
                # What contains or is contained in another text without such a digit overlaps it.
                (is_plain[text] and compact_texts[text] in avoided)
                or any(right in compact_texts[text] for right in plain_rights)
                or not is_allowed(self._texts[text], translation, self._answer_key)
            )
            for text, free in zip(texts, is_free, strict=True)
        ]

    def _allowed_among_many(self, text: int, question_text: str) -> bool:
        option, rights = self._compact[text], self._answer_key[self._lang, question_text]
        if option in question_text or option in rights:
            return False
        joined, index, in_order = self._joined(question_text)
        inside = [in_order[number] for number, _, _ in index.places(option)]
        return not overlaps(option, inside) and not (option in joined and overlaps(option, rights))

    def _join(self, question_text: str) -> tuple[str, TextIndex, list[str]]:
        rights = sorted(self._answer_key[self._lang, question_text])
        return "\n".join(rights), TextIndex(rights), rights


def allowed_options(question: int, texts: Sequence[Sequence[int]], rules: Sequence[OptionRulesOfLanguage]) -> Iterator[int]:
    """Yield the candidates that may be options of a question in all languages.

    Args:
        question: The index of the question.
        texts: For each of its languages the text of each candidate.
        rules: The rules of each of these languages.
    """
    count = len(texts[0])
    for start in range(0, count, _AT_ONCE):
        places: Iterable[int] = range(start, min(start + _AT_ONCE, count))
        for in_lang, rule in zip(texts, rules, strict=True):
            remaining = list(places)
            places = compress(remaining, rule.allowed(question, [in_lang[place] for place in remaining]))
        yield from places


def _is_plain(text: str) -> bool:
    """Return whether a text in compact form has no digit at its ends, which could be a part of a longer number."""
    return not (text[:1].isdecimal() or text[-1:].isdecimal())


def _overlapping(texts: Sequence[str]) -> dict[int, Collection[int]]:
    """Return for each text that overlaps another one the texts that it overlaps, itself included. `texts`: in compact form."""
    same: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        same.setdefault(text, []).append(number)
    different, groups = list(same), list(same.values())
    index = TextIndex(different)
    # A plain text overlaps whatever contains it; of another one the rule is asked.
    is_plain = list(map(_is_plain, different))
    found: dict[int, list[int]] = {}
    for number, text in enumerate(different):
        inside = {
            other
            for other in index.texts_in(text)
            if other != number and (is_plain[other] or overlaps(text, (different[other],)))
        }
        for other in inside:
            found.setdefault(other, [other]).append(number)
        if inside or len(groups[number]) > 1:
            found.setdefault(number, [number]).extend(inside)
    overlapping: dict[int, Collection[int]] = {}
    for number, group in found.items():
        members = [member for overlapped in group for member in groups[overlapped]]
        # Small groups as sets would take four times the memory.
        members_of = frozenset(members) if len(members) > _WIDE else tuple(members)
        overlapping.update(dict.fromkeys(groups[number], members_of))
    return overlapping


def compatible(
    candidates: Iterable[int], texts: Sequence[Sequence[int]], rules: Sequence[OptionRulesOfLanguage], most: int
) -> list[int]:
    """Return the first candidates of which no two overlap in any language, at most `most`.

    Args:
        candidates: Indices into each element of `texts`, the best first.
        texts: For each language the text of each candidate.
        rules: The rules of each of these languages.
        most: How many to return.
    """
    kept: list[int] = []
    # No calls of own functions within the loop, because millions of candidates go through it.
    by_language: list[tuple[Sequence[int], Mapping[int, Collection[int]], set[int]]]
    by_language = [(in_lang, rule.overlapping, set()) for in_lang, rule in zip(texts, rules, strict=True)]
    for candidate in candidates:
        for in_lang, overlapping, kept_texts in by_language:
            text = in_lang[candidate]
            if text in kept_texts or (text in overlapping and not kept_texts.isdisjoint(overlapping[text])):
                break
        else:
            kept.append(candidate)
            if len(kept) == most:
                break
            for in_lang, _, kept_texts in by_language:
                kept_texts.add(in_lang[candidate])
    return kept


def more_compatible(
    kept: list[int], allowed: Sequence[int], texts: Sequence[Sequence[int]], rules: Sequence[OptionRulesOfLanguage]
) -> list[int]:
    """Return three candidates that overlap few others, if these are more than `kept`. The rest as for `compatible`."""
    few = allowed[:_RETRIED]
    pairs = list(zip(texts, rules, strict=True))
    conflicts = {}
    for candidate in few:
        banned = [(in_lang, {text := in_lang[candidate], *rule.overlapping.get(text, ())}) for in_lang, rule in pairs]
        conflicts[candidate] = sum(any(in_lang[other] in banned_in for in_lang, banned_in in banned) for other in few)
    others = compatible(sorted(few, key=lambda candidate: (conflicts[candidate], candidate)), texts, rules, DISTRACTORS)
    return sorted(others) if len(others) > len(kept) else kept
