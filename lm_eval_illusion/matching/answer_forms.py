"""The forms of an answer: every way to write it, and the conditions under which each one counts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.dates import Date, date_of, year_forms
from lm_eval_illusion.matching.normalize import ends_in_article, normalise
from lm_eval_illusion.matching.percent import percentage_forms, without_percent
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
        date: The date that the answer is, if it is one with a month or of an era: it is read in the output, not searched as text.
    """

    forms: tuple[str, ...]
    whole_output_form: str | None
    keeps_articles: bool
    crosses_clauses: bool
    capitals: re.Pattern[str] | None
    has_spaces: bool
    date: Date | None


@lru_cache(maxsize=50_000)
def answer_forms(answer: str, lang: str) -> AnswerForms:
    """Return the forms of an answer: its normal form and, for a date or a percentage, every other way to write it.

    Raises:
        UserError: CLDR does not know the language.
    """
    keeps_articles = ends_in_article(answer, lang)
    plain = normalise(answer, lang, keeps_articles)
    date = date_of(answer, lang)
    forms = dict.fromkeys((plain, *(year_forms(date, plain, lang) if date else ()), *percentage_forms(plain, lang)))
    # Two or three capitals are often another word in lower case: US and us, IT and it, WHO and who.
    capitals = re.compile(rf"(?<![A-Za-z]){answer}(?![A-Za-z])") if re.fullmatch("[A-Z]{2,3}", answer) else None
    return AnswerForms(
        forms=tuple(filter(None, forms)),
        whole_output_form=without_percent(plain),
        keeps_articles=keeps_articles,
        crosses_clauses=has_clause_mark(answer),
        capitals=capitals,
        has_spaces=language(lang).words.spaces,
        date=date,
    )
