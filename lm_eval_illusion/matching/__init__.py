"""Whether an output says an answer (DESIGN, Matching)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.matching.dates import date_forms
from lm_eval_illusion.matching.normalize import ends_in_article, normalise
from lm_eval_illusion.matching.orthography import fold_letters
from lm_eval_illusion.matching.quantities import is_other_number, percentage_forms, without_percent
from lm_eval_illusion.matching.word_boundaries import (
    NO_WORD_SPACES,
    clauses,
    contains_answer,
    has_clause_mark,
    matches_with_clitics,
    without_spaces,
)

# What may stand before the first letter and is not seen: white space, zero-width characters, direction and byte order marks.
_BLANK = " \t\n\r\v\f\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u3000\ufeff"


class _Wanted(NamedTuple):
    """An answer made ready to be looked for.

    `forms`: ways to write it, normalised, each good wherever it stands. `alone`: one that is good only as the whole output.
    `keeps_articles`: its last word is written like an article, so articles are left in the output too. `crosses_clauses`: it holds
    a clause mark itself. `capitals`: how it must stand in the output as written.
    """

    forms: tuple[str, ...]
    alone: str | None
    keeps_articles: bool
    crosses_clauses: bool
    capitals: re.Pattern[str] | None


def matches(output: str, answers: Sequence[str], lang: str) -> bool:
    """The `match` metric: the first line equals an answer, or holds one as a whole token sequence.

    In zh, ja and th, which write no spaces between words, as a substring. `answers` are the answer and its aliases; dates and percentages
    count in every form of the language. An answer that is empty after normalisation never matches.

    Raises:
        TypeError: `answers` is one string.
        UserError: CLDR has no such language.
    """
    line = first_line(output)
    return any(_is_whole(line, wanted, lang) or _stands_in(line, wanted, lang) for wanted in _all_wanted(answers, lang))


def exact_match(output: str, answers: Sequence[str], lang: str) -> bool:
    """Whether the first line equals an answer after normalisation."""
    line = first_line(output)
    return any(_is_whole(line, wanted, lang) for wanted in _all_wanted(answers, lang))


def f1(output: str, answers: Sequence[str], lang: str) -> float:
    """The best token F1 over the answers (Rajpurkar et al., SQuAD, 2016, section 6.1); characters count as tokens in zh, ja and th."""
    said = _tokens(normalise(first_line(output), lang), lang)
    forms = (form for wanted in _all_wanted(answers, lang) for form in wanted.forms)
    return max((_f1(said, _tokens(form, lang)) for form in forms), default=0.0)


def first_line(output: str) -> str:
    """The generation up to the first stop: what stands before a line break, leading ones and what can't be seen aside."""
    return re.split(r"[\n\r\u2028\u2029]", output.lstrip(_BLANK), maxsplit=1)[0].strip()


def stands_in_passage(text: str, passage: str, lang: str) -> bool:
    """Whether the letters of a text stand in a passage, case aside, in whatever word, as who skims it sees them; numbers whole."""
    wanted, seen = fold_letters(text, lang), fold_letters(passage, lang)
    # Most don't, and looking for them is quicker than making the pattern.
    return wanted in seen and re.search(rf"(?<!\d){re.escape(wanted)}(?!\d)", seen) is not None


def _all_wanted(answers: Sequence[str], lang: str) -> list[_Wanted]:
    if isinstance(answers, str):
        raise TypeError(f"answers must be a list of strings, not the string {answers!r}: write [{answers!r}]")
    return [_wanted(answer, lang) for answer in answers]


@lru_cache(maxsize=50_000)
def _wanted(answer: str, lang: str) -> _Wanted:
    keeps_articles = ends_in_article(answer, lang)
    plain = normalise(answer, lang, keeps_articles)
    forms = dict.fromkeys((plain, *date_forms(answer, lang), *percentage_forms(plain, lang)))
    # Two or three capitals are often a word without them: US and us, IT and it, WHO and who.
    capitals = re.compile(rf"(?<![A-Za-z]){answer}(?![A-Za-z])") if re.fullmatch("[A-Z]{2,3}", answer) else None
    return _Wanted(tuple(filter(None, forms)), without_percent(plain), keeps_articles, has_clause_mark(answer), capitals)


def _is_whole(line: str, wanted: _Wanted, lang: str) -> bool:
    said = normalise(line, lang, wanted.keeps_articles)
    if lang in NO_WORD_SPACES:
        return without_spaces(said) in map(without_spaces, wanted.forms) or said == wanted.alone
    return said in wanted.forms or said == wanted.alone


def _stands_in(line: str, wanted: _Wanted, lang: str) -> bool:
    if wanted.capitals and not wanted.capitals.search(unicodedata.normalize("NFKC", line)):
        return False
    said = normalise(line, lang, wanted.keeps_articles)
    if lang in NO_WORD_SPACES:
        parts = (without_spaces(said),) if wanted.crosses_clauses else clauses(line, lang)
        return any(contains_answer(without_spaces(form), part, lang) for form in wanted.forms for part in parts)
    return any(_stands_as_words(form, said, lang) for form in wanted.forms)


def _stands_as_words(form: str, said: str, lang: str) -> bool:
    padded, wanted = f" {said} ", f" {form} "
    start = padded.find(wanted)
    while start >= 0:
        if not is_other_number(padded, start + 1, start + 1 + len(form), lang):
            return True
        start = padded.find(wanted, start + 1)
    return matches_with_clitics(form.split(), said.split(), lang)


def _tokens(normalised: str, lang: str) -> list[str]:
    return list(normalised.replace(" ", "")) if lang in NO_WORD_SPACES else normalised.split()


def _f1(said: Iterable[str], answer: Iterable[str]) -> float:
    said_counts, answer_counts = Counter(said), Counter(answer)
    shared = (said_counts & answer_counts).total()
    if not shared:
        return 0.0
    precision, recall = shared / said_counts.total(), shared / answer_counts.total()
    return 2 * precision * recall / (precision + recall)
