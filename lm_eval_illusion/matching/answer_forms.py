"""The forms of an answer: every way to write it, and the conditions under which each one counts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates import date_forms
from lm_eval_illusion.matching.normalize import ends_in_article, normalise
from lm_eval_illusion.matching.quantities import percentage_forms, without_percent
from lm_eval_illusion.matching.spellings import normalised_spellings
from lm_eval_illusion.matching.word_boundaries import has_clause_mark


class AnswerForms(NamedTuple):
    """An answer, prepared for searching.

    Attributes:
        forms: Normalised ways to write it; each counts anywhere in the output.
        whole_output_form: A form that counts only as the whole output, if there is one.
        keeps_articles: The last word of the answer is spelled like an article, so articles stay in the output, too.
        crosses_clauses: The answer contains a clause mark itself.
        capitals: The pattern that the output must contain as written, if upper and lower case are different words.
        has_spaces: The language separates words by spaces.
    """

    forms: tuple[str, ...]
    whole_output_form: str | None
    keeps_articles: bool
    crosses_clauses: bool
    capitals: re.Pattern[str] | None
    has_spaces: bool


@lru_cache(maxsize=50_000)
def answer_forms(answer: str, lang: str) -> AnswerForms:
    """Return the forms of an answer: its normal form and, for a date or a percentage, every other way to write it.

    Raises:
        UserError: CLDR does not know the language.
    """
    keeps_articles = ends_in_article(answer, lang)
    plain = normalise(answer, lang, keeps_articles)
    forms = dict.fromkeys(
        (plain, *normalised_spellings(answer, lang), *date_forms(answer, lang), *percentage_forms(plain, lang))
    )
    # Two or three capitals are often another word in lower case: US and us, IT and it, WHO and who.
    abbreviation = re.sub(r"[. ]", "", answer) if re.fullmatch(r"(?:[A-Z]\.? ?){2,3}", answer) else ""
    capitals = _as_capitals(abbreviation) if 2 <= len(abbreviation) <= 3 else None
    return AnswerForms(
        forms=tuple(filter(None, forms)),
        whole_output_form=without_percent(plain),
        keeps_articles=keeps_articles,
        crosses_clauses=has_clause_mark(answer),
        capitals=capitals,
        has_spaces=language(lang).words.spaces,
    )


def _as_capitals(abbreviation: str) -> re.Pattern[str]:
    """Return the pattern of an abbreviation in capital letters, or in small ones with full stops: US, U.S., u.s."""
    capitals, dotted = r"\.?\s?".join(abbreviation), r"\.".join(abbreviation.lower())
    return re.compile(rf"(?<![A-Za-z])(?:{capitals}|{dotted})(?![A-Za-z])")
